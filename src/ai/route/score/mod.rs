//! How hard a question is, from the question alone: a number in [0, 1] and what it is made of.
//!
//! Nine features are measured in one walk over the text (words, punctuation, lines) with word lists per language
//! ([`words`]); each adds its weight, ramped between a value that counts for nothing and one that counts in full; the sum
//! is bounded to [0, 1]. No model, no learning at run time: the same question has the same score everywhere, and each
//! part of it can be explained. The weights were fitted on one half of `data/routing/questions.jsonl` and reported on the other.
//!
//! A list of words instead of a small classifier, because who is billed by a decision wants to see why it fell.

mod code;
mod feature;
mod fold;
mod lexicon;
mod measure;
mod scorer;
#[cfg(test)]
mod tests;
mod weights;
mod words;

pub use feature::{Feature, FeatureName, Score};
pub use measure::{Question, TEXT_BYTES_MAX};
pub use scorer::Scorer;
