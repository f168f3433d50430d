//! What each feature is worth.
//!
//! Fitted on the questions of `data/routing/questions.jsonl` that are marked `tune`, with the thresholds held at 0.4 and
//! 0.7; `data/routing/README.md` tells how well they do on the others.

use super::FeatureName;

/// A feature counts nothing up to `from`, in full from `to` on, and evenly in between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weight {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) points: f64,
}

impl Weight {
    pub(super) fn contribution(self, raw: f64) -> f64 {
        self.points * ((raw - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }
}

/// What a word of weight counts beside a word of reasoning.
pub(super) const WEIGHTY: f64 = 1.5;

/// The weight of each feature.
pub(super) fn weight(name: FeatureName) -> Weight {
    let (from, to, points) = match name {
        FeatureName::Length => (4.0, 57.0, 0.35),
        FeatureName::Clauses => (0.0, 6.0, 0.23),
        FeatureName::Questions => (0.0, 3.0, 0.20),
        FeatureName::Reasoning => (0.0, 4.0, 0.30),
        FeatureName::Code => (0.0, 2.0, 0.20),
        FeatureName::Numbers => (0.0, 6.0, 0.12),
        FeatureName::Turns => (0.0, 10.0, 0.05),
        FeatureName::Ambiguity | FeatureName::Language => (0.0, 1.0, 0.05),
    };
    Weight { from, to, points }
}
