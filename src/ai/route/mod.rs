//! Which model a question goes to, decided without asking anyone.
//!
//! Images first: a question with images goes to the vision tier. Otherwise its complexity is [scored](score) in [0, 1],
//! explained feature by feature, and two thresholds part economical, middle and premium. A strategy (data in the
//! settings) names who answers in each tier; a [`Router`] matches those names with the providers that are configured, passes
//! over what is not there, cheaper tiers first, and ends with the extractive answerer, which is always there. A strategy
//! that keeps to this machine never gets a provider elsewhere, not even as the last resort.
//!
//! A [`Decision`] is complete: its score, features and reason are kept with the answer. [`forecast`] decides for a
//! whole file of questions and says what that costs.
//!
//! Owns no table, no job and no event. The first [`score::TEXT_BYTES_MAX`] bytes of a question are looked at, in linear time.

mod decision;
mod error;
pub mod forecast;
mod router;
pub mod score;
mod strategy;
#[cfg(test)]
mod tests;
mod tier;

pub use decision::{Choice, Decision};
pub use error::RouteError;
pub use router::Router;
pub use score::{Feature, FeatureName, Question, Score, Scorer};
pub use strategy::{Configured, EXTRACTIVE, LOCAL};
pub use tier::{Thresholds, Tier};
