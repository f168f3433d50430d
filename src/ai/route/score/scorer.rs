//! Turns what was measured into a score, and says why.

use super::lexicon::Lexicons;
use super::measure::{Language, Measures, measure};
use super::weights::{WEIGHTY, weight};
use super::{Feature, FeatureName, Question, Score};
use crate::base::counted;

/// Words from which on a text says what it is about by itself.
const WORDS_SELF_CONTAINED: usize = 12;
/// Words that are named in a reason.
const NAMED_MAX: usize = 4;
/// What a language counts that no list knows, in Latin letters.
const UNKNOWN: f64 = 0.5;

/// Scores questions. Holds the word lists; the same for every question.
#[derive(Debug)]
pub struct Scorer {
    lexicons: Lexicons,
}

impl Default for Scorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Scorer {
    /// Reads the word lists.
    #[must_use]
    pub fn new() -> Self {
        Self { lexicons: Lexicons::new() }
    }

    /// How hard a question is. Linear in its text, of which the first [`super::TEXT_BYTES_MAX`] bytes are looked at.
    #[must_use]
    pub fn score(&self, question: &Question<'_>) -> Score {
        let measures = measure(question, &self.lexicons);
        let features = FeatureName::ALL.map(|name| {
            let (raw, reason) = describe(name, &measures, question);
            Feature { name, raw, contribution: weight(name).contribution(raw), reason }
        });
        let sum: f64 = features.iter().map(|feature| feature.contribution).sum();
        Score { value: sum.clamp(0.0, 1.0), features: features.into() }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of at most some thousands")]
fn number(count: usize) -> f64 {
    count as f64
}

/// A feature as measured, and what that was.
fn describe(name: FeatureName, measures: &Measures, question: &Question<'_>) -> (f64, String) {
    match name {
        FeatureName::Length => (number(measures.words), counted(measures.words, "word", "words")),
        FeatureName::Clauses => {
            let parts = measures.joins + measures.pauses;
            let sentences = counted(measures.sentences, "sentence", "sentences");
            (number(parts), format!("{} between parts of {sentences}", counted(parts, "joint", "joints")))
        }
        FeatureName::Questions => {
            let (marks, items, further) = (measures.question_marks, measures.list_items, measures.further);
            let reason = format!(
                "{}, {}, {} such as \"also\"",
                counted(marks, "question mark", "question marks"),
                counted(items, "list item", "list items"),
                counted(further, "word", "words")
            );
            (number(marks + items + further), reason)
        }
        FeatureName::Reasoning => {
            let raw = number(measures.reasons.len()) + WEIGHTY * number(measures.weighty.len());
            let all: Vec<&str> =
                measures.weighty.iter().chain(&measures.reasons).map(String::as_str).collect();
            let more = if all.len() > NAMED_MAX { ", ..." } else { "" };
            let named = all.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
            (raw, if all.is_empty() { "none of the words for it".to_owned() } else { named + more })
        }
        FeatureName::Code => {
            let reason =
                if measures.code_points > 0.0 { "code or names of technical things" } else { "none" };
            (measures.code_points, reason.to_owned())
        }
        FeatureName::Numbers => {
            (number(measures.numbers), counted(measures.numbers, "word with digits", "words with digits"))
        }
        FeatureName::Turns => {
            (number(question.turns), counted(question.turns, "message before", "messages before"))
        }
        FeatureName::Ambiguity => ambiguity(measures),
        FeatureName::Language => language(measures.language),
    }
}

/// The share of words that point at something not said, in a text too short to say it.
fn ambiguity(measures: &Measures) -> (f64, String) {
    if measures.vague == 0 || measures.words > WORDS_SELF_CONTAINED {
        return (0.0, "says what it is about".to_owned());
    }
    let raw = (2.0 * number(measures.vague) / number(measures.words.max(1))).min(1.0);
    let words = counted(measures.vague, "word points", "words point");
    (raw, format!("{words} at something not said"))
}

fn language(language: Language) -> (f64, String) {
    match language {
        Language::TooShort => (0.0, "too short to tell".to_owned()),
        Language::Known(name) => (0.0, name.to_owned()),
        Language::Unknown => (UNKNOWN, "none of those with word lists".to_owned()),
        Language::OtherScript => (1.0, "in letters other than Latin".to_owned()),
    }
}
