//! Asks every question of a test set in each of the four ways, and in a fifth where a reranker is tried.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use super::set::TestSet;
use super::{Error, Metrics, Report, RerankedReport};
use crate::search::fusion::{self, Calibration, Settings, Strategy};
use crate::search::keywords::{Change, Entry, KeywordIndex, Language};

/// Candidates taken from each list.
const CANDIDATES: usize = 100;
/// Results judged.
const RESULTS: usize = 10;
/// Texts embedded between two reports of progress.
const BATCH: usize = 32;

/// A language counts when one document in so many is detected to be in it.
const COMMON_IN: usize = 12;

/// Turns texts into vectors of one dimension, in order; they need not be normalised, and a text without words has none. Whatever
/// the error, its text is for the log.
pub type Embed<'a> = &'a dyn Fn(&[&str]) -> Result<Vec<Option<Vec<f32>>>, String>;

/// Puts the texts found for a question in order: their numbers, best first, each once. Whatever the error, its text is for the log.
pub type Order<'a> = &'a dyn Fn(&str, &[&str]) -> Result<Vec<usize>, String>;

/// A reranker that is tried on the hybrid's best.
#[derive(Clone, Copy)]
pub struct Tried<'a> {
    /// What people call it.
    pub name: &'a str,
    /// The best so many are put in order.
    pub candidates: usize,
    /// How.
    pub order: Order<'a>,
}

/// What an evaluation may vary.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Language of the documents' words; `None` detects it for each document, as ingestion does.
    pub language: Option<Language>,
    /// What a cosine of the embedding model means.
    pub calibration: Calibration,
}

impl Default for Options {
    fn default() -> Self {
        Self { language: None, calibration: Calibration::MINILM }
    }
}

/// Measures retrieval on the test set in `folder`. Each document is one chunk, its title and text. `progress` hears how many texts out of how
/// many are read, which is nearly all of the time this takes; with a reranker, each question counts once more.
///
/// # Errors
/// [`Error::File`], [`Error::Line`] and [`Error::Empty`] for a bad set, with file and line; [`Error::Embedding`] when the model fails or returns
/// anything but a finite vector of one dimension for each text with words; [`Error::Reranking`] when the reranker fails.
pub fn evaluate(
    folder: &Path,
    embed: Embed<'_>,
    options: Options,
    tried: Option<Tried<'_>>,
    progress: &dyn Fn(usize, usize),
) -> Result<Report, Error> {
    let set = TestSet::read(folder)?;
    let embedded = set.documents.len() + set.questions.len();
    let total = embedded + tried.map_or(0, |_| set.questions.len());
    let texts: Vec<String> =
        set.documents.iter().map(|d| format!("{} {}", d.title, d.text).trim().to_owned()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let documents = embed_all(&texts, embed, &|done| progress(done, total))?;
    let questions: Vec<&str> = set.questions.iter().map(|question| question.text.as_str()).collect();
    let questions = embed_all(&questions, embed, &|done| progress(documents.len() + done, total))?;
    let mut dimensions = documents.iter().chain(&questions).flatten().map(Vec::len);
    let first = dimensions.next();
    if dimensions.any(|other| Some(other) != first) {
        return Err(Error::Embedding("vectors of different dimensions".to_owned()));
    }
    let index = index(&set, options.language)?;
    let asked =
        Asked { set: &set, texts: &texts, index: &index, documents: &documents, questions: &questions };
    asked.all(options.calibration, tried, &|done| progress(embedded + done, total))
}

fn embed_all(
    texts: &[&str],
    embed: Embed<'_>,
    progress: &dyn Fn(usize),
) -> Result<Vec<Option<Vec<f32>>>, Error> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        let embedded = embed(batch).map_err(Error::Embedding)?;
        if embedded.len() != batch.len() {
            return Err(Error::Embedding(format!("{} vectors for {} texts", embedded.len(), batch.len())));
        }
        for vector in embedded {
            vectors.push(vector.map(normalised).transpose()?);
        }
        progress(vectors.len());
    }
    Ok(vectors)
}

fn normalised(mut vector: Vec<f32>) -> Result<Vec<f32>, Error> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::MIN_POSITIVE {
        return Err(Error::Embedding("a vector without a direction".to_owned()));
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Ok(vector)
}

fn index(set: &TestSet, language: Option<Language>) -> Result<KeywordIndex, Error> {
    let index = KeywordIndex::in_memory()?;
    let (languages, most) = language.map_or_else(|| detect(set), |given| (HashMap::new(), given));
    let changes: Vec<Change<'_>> = (0_u64..)
        .zip(&set.documents)
        .map(|(chunk, document)| {
            Change::Put(Entry {
                chunk,
                document: u128::from(chunk),
                language: languages.get(&document.id).copied().unwrap_or(most),
                title: &document.title,
                headings: &[],
                body: &document.text,
            })
        })
        .collect();
    index.apply(&changes, 1)?;
    Ok(index)
}

/// The language of each document that differs from that of most, and that of most. A text this short is often taken for a language nobody
/// wrote in, so one that is rare in the set is not believed.
fn detect(set: &TestSet) -> (HashMap<String, Language>, Language) {
    let detected: Vec<(&str, Language)> = set
        .documents
        .iter()
        .filter_map(|document| {
            let info = whatlang::detect(&document.text).filter(whatlang::Info::is_reliable)?;
            Some((document.id.as_str(), Language::from_code(info.lang().code())))
        })
        .collect();
    let mut counted = BTreeMap::<Language, usize>::new();
    for (_, language) in &detected {
        *counted.entry(*language).or_default() += 1;
    }
    let most = counted
        .iter()
        .max_by_key(|(_, count)| **count)
        .map_or(Language::default(), |(language, _)| *language);
    let common =
        |language: &Language| counted.get(language).is_some_and(|count| count * COMMON_IN >= detected.len());
    let others = detected
        .iter()
        .filter(|(_, language)| *language != most && common(language))
        .map(|(id, language)| ((*id).to_owned(), *language))
        .collect();
    (others, most)
}

/// A set, ready to be asked.
struct Asked<'a> {
    set: &'a TestSet,
    texts: &'a [&'a str],
    index: &'a KeywordIndex,
    documents: &'a [Option<Vec<f32>>],
    questions: &'a [Option<Vec<f32>>],
}

impl Asked<'_> {
    fn all(
        &self,
        calibration: Calibration,
        tried: Option<Tried<'_>>,
        progress: &dyn Fn(usize),
    ) -> Result<Report, Error> {
        let Self { set, index, .. } = self;
        let ways = [Strategy::Semantic, Strategy::Keyword, Strategy::Hybrid, Strategy::Predecessor];
        let mut metrics = ways.map(|_| Vec::with_capacity(set.questions.len()));
        let (mut reranked, mut took) = (Vec::new(), Vec::new());
        let asked = set.questions.iter().zip(self.questions).zip(&set.relevant);
        for (done, ((question, vector), relevant)) in (1..).zip(asked) {
            let cosines: Vec<(u64, f32)> = (0_u64..)
                .zip(self.documents)
                .filter_map(|(chunk, row)| Some((chunk, dot(row.as_ref()?, vector.as_ref()?))))
                .collect();
            let mut semantic = cosines.clone();
            semantic.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            semantic.truncate(CANDIDATES);
            let asked = index.ask(&question.text)?;
            let keyword = index.top(&asked, CANDIDATES, None)?.hits;
            let union = fusion::union(&semantic, &keyword);
            let weighed = index.weigh(&asked, &union)?;
            let candidates = fusion::gather(&semantic, &keyword, &cosines, &weighed);
            let ranking = |strategy, rerank_candidates| -> Vec<usize> {
                let settings =
                    Settings { strategy, top_k: RESULTS, rerank_candidates, ..Settings::default() };
                let fused = fusion::fuse(&candidates, asked.evidence(), calibration, &settings);
                fused.results.iter().filter_map(|ranked| usize::try_from(ranked.chunk).ok()).collect()
            };
            for (strategy, metrics) in ways.into_iter().zip(&mut metrics) {
                metrics.push(Metrics::of(&ranking(strategy, 0), relevant));
            }
            if let Some(tried) = &tried {
                let found = ranking(Strategy::Hybrid, tried.candidates);
                let begun = Instant::now();
                reranked.push(Metrics::of(&self.reordered(tried, &question.text, found)?, relevant));
                took.push(begun.elapsed());
                progress(done);
            }
        }
        let [semantic, keyword, hybrid, predecessor] = metrics.map(|metrics| Metrics::mean(&metrics));
        let reranked = tried.map(|tried| RerankedReport {
            reranker: tried.name.to_owned(),
            candidates: tried.candidates,
            metrics: Metrics::mean(&reranked),
            ms_p50: median_ms(took),
        });
        Ok(Report { semantic, keyword, hybrid, predecessor, reranked })
    }

    /// What was found in the reranker's order.
    fn reordered(&self, tried: &Tried<'_>, question: &str, found: Vec<usize>) -> Result<Vec<usize>, Error> {
        let best = found.get(..tried.candidates).unwrap_or(&found);
        let texts: Vec<&str> = best.iter().filter_map(|place| self.texts.get(*place)).copied().collect();
        if texts.len() < 2 {
            return Ok(found);
        }
        let order = (tried.order)(question, &texts).map_err(Error::Reranking)?;
        let first: Vec<usize> = order.iter().filter_map(|place| best.get(*place)).copied().collect();
        Ok(first.into_iter().chain(found.iter().skip(best.len()).copied()).collect())
    }
}

fn median_ms(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
