//! A question against one snapshot of the index: its terms, the best chunks, and the score of any chunk.
//!
//! The question is data, never a query language: words are cut exactly as those of documents, each becomes a term, and the
//! terms are summed (BM25, k1 1.2, b 0.75). Punctuation, quotes, `AND` and colons have no power here.

use std::collections::{BTreeMap, HashSet};

use tantivy::query::{BooleanQuery, BoostQuery, EnableScoring, Occur, Query, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Searcher, TERMINATED, TantivyError, Term};

use super::ranking::Best;
use super::schema::Fields;
use super::words::{Stems, Word, cut, normalise};
use super::{Admit, Evidence, Found, Language, Weighed, identifiers};

/// A question is read up to here.
const QUESTION_BYTES_MAX: usize = 16_384;
/// Different words of a question that are looked up.
const WORDS_MAX: usize = 256;
/// Terms that are scored: identifiers first, then the rarest words.
const TERMS_MAX: usize = 64;
/// What an unmistakable identifier found as written counts, on top of its parts, against 1 for a word.
const IDENTIFIER_WEIGHT: f32 = 1.0;
/// The same for words that are merely joined (`self-service`): their parts say nearly all of it.
const COMPOUND_WEIGHT: f32 = 0.25;

struct Clause {
    term: Term,
    weight: f32,
    /// Which word of the question it stands for.
    word: usize,
}

/// A question that has been read against a snapshot of the index.
pub struct Asked {
    searcher: Searcher,
    fields: Fields,
    clauses: Vec<Clause>,
    /// How much each word of the question tells, its inverse document frequency; unknown words as if in one chunk.
    masses: Vec<f32>,
    evidence: Evidence,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Asked").field("evidence", &self.evidence).finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(
        searcher: Searcher,
        fields: Fields,
        languages: &[Language],
        question: &str,
    ) -> Result<Self, TantivyError> {
        let mut asked =
            Self { searcher, fields, clauses: Vec::new(), masses: Vec::new(), evidence: Evidence::default() };
        let text =
            normalise(question.get(..question.floor_char_boundary(QUESTION_BYTES_MAX)).unwrap_or(question));
        let mut parts = HashSet::new();
        asked.read_identifiers(&text, &mut parts)?;
        asked.read_words(&text, languages, &parts)?;
        asked.keep_the_most_telling();
        let total: f32 = asked.masses.iter().sum();
        asked.evidence.identifier_share =
            (asked.evidence.identifier_share / total.max(f32::MIN_POSITIVE)).min(1.0);
        Ok(asked)
    }

    /// What the question itself says about how far words can be trusted with it.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// Puts the words that known identifiers are made of into `parts`.
    fn read_identifiers(&mut self, text: &str, parts: &mut HashSet<Word>) -> Result<(), TantivyError> {
        let mut seen = HashSet::new();
        for identifier in identifiers::find(text).into_iter().take(WORDS_MAX) {
            let Some(whole) = identifier.terms.first().cloned() else { continue };
            if !seen.insert(whole) {
                continue;
            }
            let mut known = Vec::new();
            let word = self.masses.len();
            let mut mass = 0.0_f32;
            for text in &identifier.terms {
                let term = Term::from_field_text(self.fields.exact, text);
                let frequency = self.searcher.doc_freq(&term)?;
                if frequency > 0 {
                    mass = mass.max(self.telling(frequency));
                    known.push(term);
                }
            }
            let weight = if identifier.certain { IDENTIFIER_WEIGHT } else { COMPOUND_WEIGHT };
            #[expect(clippy::cast_precision_loss, reason = "an identifier has at most three terms")]
            let share = weight / known.len().max(1) as f32;
            if identifier.certain {
                self.evidence.identifiers += 1;
                self.evidence.identifiers_known += usize::from(!known.is_empty());
            }
            if identifier.certain && !known.is_empty() {
                let mut words = Vec::new();
                identifier.terms.iter().take(1).for_each(|whole| cut(whole, false, &mut words));
                parts.extend(words);
            }
            if !known.is_empty() {
                self.masses.push(mass);
                self.evidence.identifier_share += if identifier.certain { mass } else { 0.0 };
            }
            self.clauses.extend(known.into_iter().map(|term| Clause { term, weight: share, word }));
        }
        Ok(())
    }

    fn read_words(
        &mut self,
        text: &str,
        languages: &[Language],
        parts: &HashSet<Word>,
    ) -> Result<(), TantivyError> {
        let mut words = Vec::new();
        cut(text, false, &mut words);
        let mut seen = HashSet::new();
        words.retain(|word| seen.insert(word.clone()));
        words.truncate(WORDS_MAX);
        self.evidence.identifiers_only = !words.is_empty() && words.iter().all(|word| parts.contains(word));
        let mut stems: Vec<Stems> = languages.iter().map(|language| Stems::new(*language)).collect();
        let mut taken = HashSet::new();
        for word in &words {
            let terms = self.known_terms(word, &mut stems)?;
            let frequency = terms.iter().map(|(_, frequency)| *frequency).max().unwrap_or(0);
            let at = self.masses.len();
            self.evidence.words += 1;
            self.evidence.words_unknown += usize::from(frequency == 0);
            let fresh: Vec<Term> =
                terms.into_iter().map(|(term, _)| term).filter(|t| taken.insert(t.clone())).collect();
            if frequency > 0 && fresh.is_empty() {
                continue;
            }
            self.masses.push(self.telling(frequency));
            self.clauses.extend(fresh.into_iter().map(|term| Clause { term, weight: 1.0, word: at }));
        }
        Ok(())
    }

    /// The terms of a word that some chunk holds: its stem in each language of the index, or the stem of its unaccented form.
    fn known_terms(&self, word: &Word, stems: &mut [Stems]) -> Result<Vec<(Term, u64)>, TantivyError> {
        let mut found = BTreeMap::new();
        let mut plain_forms = Vec::new();
        match word {
            Word::Gram(gram) => self.keep_known(gram, &mut found)?,
            Word::Spelled(word) => {
                for stems in stems {
                    let (careful, plain) = stems.terms(word);
                    self.keep_known(careful, &mut found)?;
                    plain_forms.extend(plain.map(str::to_owned));
                }
            }
        }
        if found.is_empty() {
            for plain in plain_forms {
                self.keep_known(&plain, &mut found)?;
            }
        }
        Ok(found.into_iter().collect())
    }

    fn keep_known(&self, text: &str, found: &mut BTreeMap<Term, u64>) -> Result<(), TantivyError> {
        let term = Term::from_field_text(self.fields.words, text);
        let frequency = self.searcher.doc_freq(&term)?;
        if frequency > 0 {
            found.insert(term, frequency);
        }
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of chunks are far below 2^24 where it would matter"
    )]
    fn telling(&self, frequency: u64) -> f32 {
        let frequency = frequency.max(1) as f32;
        let total = (self.searcher.num_docs() as f32).max(frequency);
        ((total - frequency + 0.5) / (frequency + 0.5)).ln_1p()
    }

    fn keep_the_most_telling(&mut self) {
        let masses = &self.masses;
        let mass = |clause: &Clause| clause.weight * masses.get(clause.word).copied().unwrap_or(0.0);
        self.clauses.sort_by(|a, b| {
            b.weight
                .total_cmp(&a.weight)
                .then_with(|| mass(b).total_cmp(&mass(a)))
                .then_with(|| a.term.cmp(&b.term))
        });
        self.clauses.truncate(TERMS_MAX);
    }

    /// The best `limit` chunks, best first, ties by chunk number, among those `admit` lets through.
    pub(super) fn top(&self, limit: usize, admit: Option<Admit<'_>>) -> Result<Found, TantivyError> {
        let mut best = Best::new(limit);
        let mut passed_over = 0;
        if self.clauses.is_empty() || limit == 0 {
            return Ok(Found { hits: Vec::new(), passed_over });
        }
        let clauses = self.clauses.iter().map(|clause| (Occur::Should, query(clause))).collect();
        let weight =
            BooleanQuery::new(clauses).weight(EnableScoring::enabled_from_searcher(&self.searcher))?;
        for segment in self.searcher.segment_readers() {
            let chunks = segment.fast_fields().u64("chunk")?;
            let alive = segment.alive_bitset();
            weight.for_each_pruning(best.threshold(), segment, &mut |row: DocId, score| {
                if alive.is_none_or(|alive| alive.is_alive(row))
                    && let Some(chunk) = chunks.first(row)
                {
                    if admit.is_none_or(|admit| admit(chunk)) {
                        best.offer(chunk, score);
                    } else {
                        passed_over += 1;
                    }
                }
                best.threshold()
            })?;
        }
        Ok(Found { hits: best.into_hits(), passed_over })
    }

    /// The score of each given chunk, in the order given, and which share of the question's telling words it holds. Chunks
    /// that hold none of them, or are not in the index, score 0. Agrees with the scores of [`top`](Self::top).
    pub(super) fn weigh(&self, chunks: &[u64]) -> Result<Vec<Weighed>, TantivyError> {
        let rows = self.locate(chunks)?;
        let mut weighed: Vec<Weighed> =
            chunks.iter().map(|chunk| Weighed { chunk: *chunk, score: 0.0, coverage: 0.0 }).collect();
        let mut held = vec![HashSet::new(); chunks.len()];
        for clause in &self.clauses {
            let weight = query(clause).weight(EnableScoring::enabled_from_searcher(&self.searcher))?;
            self.weigh_clause(&*weight, clause.word, &rows, &mut weighed, &mut held)?;
        }
        let total: f32 = self.masses.iter().sum();
        for (weighed, held) in weighed.iter_mut().zip(held) {
            let mass: f32 = held.iter().filter_map(|word| self.masses.get(*word)).sum();
            weighed.coverage = if total > 0.0 { (mass / total).min(1.0) } else { 0.0 };
        }
        Ok(weighed)
    }

    fn weigh_clause(
        &self,
        weight: &dyn Weight,
        word: usize,
        rows: &BTreeMap<usize, Vec<(DocId, usize)>>,
        weighed: &mut [Weighed],
        held: &mut [HashSet<usize>],
    ) -> Result<(), TantivyError> {
        for (ordinal, rows) in rows {
            let Some(segment) = self.searcher.segment_readers().get(*ordinal) else { continue };
            let mut scorer = weight.scorer(segment, 1.0)?;
            for (row, slot) in rows {
                if scorer.doc() < *row {
                    scorer.seek(*row);
                }
                if scorer.doc() == TERMINATED {
                    break;
                }
                if scorer.doc() == *row
                    && let (Some(weighed), Some(held)) = (weighed.get_mut(*slot), held.get_mut(*slot))
                {
                    weighed.score += scorer.score();
                    held.insert(word);
                }
            }
        }
        Ok(())
    }

    /// Where the chunks are: by segment, rows ascending, each with its place in `chunks`.
    fn locate(&self, chunks: &[u64]) -> Result<BTreeMap<usize, Vec<(DocId, usize)>>, TantivyError> {
        let mut rows = BTreeMap::<usize, Vec<(DocId, usize)>>::new();
        for (ordinal, segment) in self.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(self.fields.chunk)?;
            for (slot, chunk) in chunks.iter().enumerate() {
                let term = Term::from_field_u64(self.fields.chunk, *chunk);
                let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else {
                    continue;
                };
                while postings.doc() != TERMINATED {
                    if !segment.is_deleted(postings.doc()) {
                        rows.entry(ordinal).or_default().push((postings.doc(), slot));
                    }
                    postings.advance();
                }
            }
        }
        for rows in rows.values_mut() {
            rows.sort_unstable();
        }
        Ok(rows)
    }
}

fn query(clause: &Clause) -> Box<dyn Query> {
    let query = TermQuery::new(clause.term.clone(), IndexRecordOption::WithFreqs);
    if (clause.weight - 1.0).abs() < f32::EPSILON {
        Box::new(query)
    } else {
        Box::new(BoostQuery::new(Box::new(query), clause.weight))
    }
}
