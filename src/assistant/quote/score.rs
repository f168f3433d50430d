//! How well each unit of the passages fits the question: by meaning, by words, by codes, by the kind of thing asked for.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation as _;

use super::given::PassageGiven;
use super::question::{Identifier, Question, joined};
use super::unit::{Parts, Shape, Unit, cells, plain_text};
use super::words::{Words, plain};

const PER_COVERAGE: f32 = 0.25;
const PER_PASSAGE_SCORE: f32 = 0.10;
const PER_IDENTIFIER: f32 = 0.20;
/// More for a code that the heading right above names, or that the unit begins with: there it is explained, not mentioned.
const PER_IDENTIFIER_EXPLAINED: f32 = 0.28;
const PER_KIND: f32 = 0.04;
/// A step of a procedure, where the question asks how something is done.
const PER_STEP: f32 = 0.06;
/// A document whose title is made of nothing but words of the question.
const PER_TITLE: f32 = 0.08;
/// What the first places of retrieval, which has seen all passages, are worth.
const PER_PLACE: [f32; 3] = [0.06, 0.04, 0.02];
/// What a word of the question is worth that only the headings above a unit hold.
const HEADING_SHARE: f32 = 0.75;
/// Weight of a code among the words of a question.
const IDENTIFIER_WEIGHT: f32 = 2.0;
/// Words of the headings that go before a unit when it is embedded.
const CONTEXT_WORDS_MAX: usize = 24;

/// A unit that was compared with the question.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) passage: usize,
    pub(super) unit: usize,
    pub(super) cosine: f32,
    pub(super) score: f32,
}

/// Words and codes of one text.
#[derive(Debug, Default)]
pub(super) struct Lexical {
    pub(super) stems: HashSet<String>,
    codes: HashSet<String>,
}

impl Lexical {
    pub(super) fn of(text: &str, words: &Words) -> Self {
        let mut codes = HashSet::new();
        let mut before = String::new();
        for piece in text
            .split(|c: char| c.is_whitespace() || matches!(c, '|' | ',' | ';' | '(' | ')' | '"' | '`' | '*'))
        {
            let joined = joined(piece);
            if joined.is_empty() {
                continue;
            }
            for part in piece.split(['/', ':', '=']) {
                codes.insert(self::joined(part));
            }
            codes.insert(format!("{before}{joined}"));
            codes.insert(joined.clone());
            before = joined;
        }
        Self { stems: words.stems(text), codes }
    }

    /// Whether the code stands here, whole or as the beginning of a longer one.
    pub(super) fn holds(&self, identifier: &Identifier) -> bool {
        let code = &identifier.joined;
        let as_part = |other: &String| {
            (code.len() >= 4 && other.starts_with(code.as_str()))
                || (code.chars().all(|c| c.is_ascii_digit())
                    && other.ends_with(code.as_str())
                    && other.len() <= code.len() + 3)
        };
        self.codes.contains(code) || self.codes.iter().any(as_part)
    }
}

/// The passages taken apart, with their words.
pub(super) struct Ground<'a> {
    pub(super) question: &'a Question,
    pub(super) words: &'a Words,
    pub(super) passages: &'a [PassageGiven],
    pub(super) parts: Vec<Parts>,
    /// Of each passage, the words of all of it, title and headings included.
    pub(super) whole: Vec<Lexical>,
    /// What each word of the question tells, less for one that every passage holds.
    pub(super) weights: Vec<f32>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(question: &'a Question, words: &'a Words, passages: &'a [PassageGiven]) -> Self {
        let parts: Vec<Parts> = passages.iter().map(|passage| Parts::of(&passage.text)).collect();
        let whole: Vec<Lexical> = passages
            .iter()
            .map(|passage| {
                Lexical::of(
                    &format!("{} {} {}", passage.title, passage.heading_path.join(" "), passage.text),
                    words,
                )
            })
            .collect();
        let weights = question
            .words
            .iter()
            .map(|word| {
                #[expect(clippy::cast_precision_loss, reason = "a handful of passages")]
                let share = whole.iter().filter(|text| words.held(&word.stem, &text.stems) > 0.0).count()
                    as f32
                    / whole.len().max(1) as f32;
                word.weight * (1.0 - 0.5 * share * share)
            })
            .collect();
        Self { question, words, passages, parts, whole, weights }
    }

    pub(super) fn unit(&self, passage: usize, unit: usize) -> Option<&Unit> {
        self.parts.get(passage)?.units.get(unit)
    }

    /// The passage's words from the first to the last of these units.
    pub(super) fn slice(&self, passage: usize, range: &std::ops::Range<usize>) -> &'a str {
        self.passages.get(passage).and_then(|given| given.text.get(range.clone())).unwrap_or_default()
    }

    /// The headings above a unit, outermost first, those within the passage's own text included.
    pub(super) fn headings(&self, passage: usize, section: usize) -> Vec<String> {
        let mut path = self.passages.get(passage).map(|given| given.heading_path.clone()).unwrap_or_default();
        let sections = self.parts.get(passage).map(|parts| parts.sections.as_slice()).unwrap_or_default();
        let mut within: Vec<(usize, &str)> = Vec::new();
        for section in sections.iter().take(section + 1).filter(|section| !section.heading.is_empty()) {
            within.retain(|(level, _)| *level < section.level);
            within.push((section.level, &section.heading));
        }
        for (_, heading) in within {
            if !path.iter().any(|above| above == heading) {
                path.push(plain_text(heading));
            }
        }
        path
    }

    /// Title and headings in one line, for embedding and for counting words.
    pub(super) fn context(&self, passage: usize, section: usize) -> String {
        let title = self.passages.get(passage).map(|given| given.title.as_str()).unwrap_or_default();
        let mut names: Vec<String> = vec![title.to_owned()];
        names.extend(self.headings(passage, section));
        names.retain(|name| !name.trim().is_empty());
        names.dedup();
        let mut left = CONTEXT_WORDS_MAX;
        let mut kept: Vec<String> = Vec::new();
        for name in names.into_iter().rev() {
            let length = super::words::count(&name);
            if length <= left {
                left -= length;
                kept.push(name);
            }
        }
        kept.reverse();
        kept.join(": ")
    }

    /// What is read of a unit: for a table row its cells with their columns' names, for an item also what leads it in.
    pub(super) fn read(&self, passage: usize, index: usize) -> String {
        let Some(unit) = self.unit(passage, index) else { return String::new() };
        let text = self.slice(passage, &unit.range);
        match (unit.shape, &unit.header) {
            (Shape::Row, Some(header)) => {
                let names = cells(self.slice(passage, header));
                let pairs = cells(text).into_iter().enumerate().filter(|(_, cell)| !cell.is_empty());
                let pairs =
                    pairs.map(|(column, cell)| match names.get(column).filter(|name| !name.is_empty()) {
                        Some(name) if column > 0 => format!("{name}: {cell}"),
                        _ => cell,
                    });
                plain_text(&pairs.collect::<Vec<_>>().join("; "))
            }
            (Shape::Item { .. }, _) => {
                let lead = self.lead_in(passage, index).and_then(|lead| self.unit(passage, lead));
                let lead = lead.map(|unit| self.slice(passage, &unit.range)).unwrap_or_default();
                plain_text(&format!("{lead} {}", text.trim_start_matches(['-', '*', '+', '•', ' '])))
            }
            _ => plain_text(text),
        }
    }

    /// The sentence that leads in the list or table a unit belongs to.
    pub(super) fn lead_in(&self, passage: usize, unit: usize) -> Option<usize> {
        let parts = self.parts.get(passage)?;
        let before = parts.block_of(unit).start.checked_sub(1)?;
        let (lead, own) = (parts.units.get(before)?, parts.units.get(unit)?);
        (lead.leads_in && lead.section == own.section).then_some(before)
    }

    /// Weighted share of the question that these words hold; what only `above` holds counts less.
    pub(super) fn coverage(&self, own: &Lexical, above: &Lexical) -> f32 {
        let mut total = 0.0;
        let mut held = 0.0;
        for (word, weight) in self.question.words.iter().zip(&self.weights) {
            total += weight;
            let here = self.words.held(&word.stem, &own.stems);
            held += weight * here.max(HEADING_SHARE * self.words.held(&word.stem, &above.stems));
        }
        for identifier in &self.question.identifiers {
            total += IDENTIFIER_WEIGHT;
            held += if own.holds(identifier) || above.holds(identifier) { IDENTIFIER_WEIGHT } else { 0.0 };
        }
        if total > 0.0 { held / total } else { 0.0 }
    }

    /// Codes of the question that a text holds, as a share; 0 when there are none.
    pub(super) fn identifiers_held(&self, own: &Lexical, above: &Lexical) -> f32 {
        let asked = &self.question.identifiers;
        let held = asked.iter().filter(|code| own.holds(code) || above.holds(code)).count();
        #[expect(clippy::cast_precision_loss, reason = "at most eight")]
        let share = held as f32 / asked.len().max(1) as f32;
        share
    }

    /// Compares units with the question, at most `units_max`, best first.
    pub(super) fn score<E>(
        &self,
        question: &[f32],
        units_max: usize,
        embed: super::Embed<'_, E>,
    ) -> Result<Vec<Scored>, E> {
        let mut candidates = self.candidates();
        candidates.sort_by(|a, b| b.before.total_cmp(&a.before));
        candidates.truncate(units_max);
        let texts: Vec<String> = candidates.iter().map(|candidate| candidate.text.clone()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embed(&texts)?;
        let mut scored: Vec<Scored> = candidates
            .iter()
            .zip(vectors)
            .map(|(candidate, vector)| {
                let cosine = vector.map_or(0.0, |vector| cosine(question, &vector));
                Scored {
                    passage: candidate.passage,
                    unit: candidate.unit,
                    cosine,
                    score: cosine + candidate.bonus,
                }
            })
            .collect();
        scored.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| (a.passage, a.unit).cmp(&(b.passage, b.unit)))
        });
        Ok(scored)
    }

    /// Share of a title's words that the question asks about; the words of a title that tell nothing do not count.
    fn share_asked(&self, title: &str) -> f32 {
        let told = title.unicode_words().map(plain).filter(|word| !self.words.is_stop(word));
        let stems: Vec<String> = told.map(|word| self.words.stem(&word)).collect();
        let asked = stems.iter().filter(|stem| self.question.words.iter().any(|word| word.stem == **stem));
        #[expect(clippy::cast_precision_loss, reason = "words of a title")]
        let share = asked.count() as f32 / stems.len().max(1) as f32;
        share
    }

    fn is_asked_step(&self, passage: usize, unit: usize) -> bool {
        let shape = self.unit(passage, unit).map(|unit| unit.shape);
        self.question.procedural && matches!(shape, Some(Shape::Item { number: Some(_) }))
    }

    fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (passage, (given, parts)) in self.passages.iter().zip(&self.parts).enumerate() {
            let title = self.share_asked(&given.title);
            for (number, section) in parts.sections.iter().enumerate() {
                let context = self.context(passage, number);
                let above = Lexical::of(&context, self.words);
                let heading =
                    Lexical::of(&self.headings(passage, number).pop().unwrap_or_default(), self.words);
                for unit in section.units.clone() {
                    let read = self.read(passage, unit);
                    let own = Lexical::of(&read, self.words);
                    let kind = self.question.wants.and_then(|wanted| wanted.in_text(&read));
                    let coverage = self.coverage(&own, &above);
                    let bonus = PER_COVERAGE * coverage
                        + PER_PASSAGE_SCORE * given.score
                        + PER_PLACE.get(passage).copied().unwrap_or(0.0)
                        + PER_IDENTIFIER * self.identifiers_held(&own, &above)
                        + PER_IDENTIFIER_EXPLAINED
                            * self.identifiers_held(&Lexical::of(beginning(&read), self.words), &heading)
                        + PER_TITLE * title
                        + if kind == Some(true) { PER_KIND } else { 0.0 }
                        + if self.is_asked_step(passage, unit) { PER_STEP } else { 0.0 };
                    let before = given.cosine + bonus + 0.2 * coverage;
                    candidates.push(Candidate {
                        passage,
                        unit,
                        text: with_context(&context, &read),
                        before,
                        bonus,
                    });
                }
            }
        }
        candidates
    }
}

struct Candidate {
    passage: usize,
    unit: usize,
    text: String,
    /// Estimate before the unit is embedded.
    before: f32,
    /// What is added to the cosine.
    bonus: f32,
}

/// The word a unit begins with, or the two of "error E-17".
fn beginning(read: &str) -> &str {
    let mut ends = read.match_indices([' ', ';']).map(|(at, _)| at).chain([read.len()]);
    let first = read.get(..ends.next().unwrap_or_default()).unwrap_or_default();
    let announces = ["code", "error", "fault", "message", "alarm"].contains(&first.to_lowercase().as_str());
    if announces { read.get(..ends.next().unwrap_or_default()).unwrap_or(first) } else { first }
}

/// What is embedded of a text under its headings.
pub(super) fn with_context(context: &str, text: &str) -> String {
    if context.is_empty() { text.to_owned() } else { format!("{context}: {text}") }
}

/// Cosine of two vectors of length one; 0 when they have no common dimension.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return 0.0;
    }
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>().clamp(-1.0, 1.0)
}
