//! What was decided, with everything that it was decided by.

use serde::{Deserialize, Serialize};

use super::score::Feature;
use super::tier::Tier;

/// Somebody who can answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The provider's name in the settings, or [`EXTRACTIVE`](super::EXTRACTIVE).
    pub provider: String,
    /// As the provider names it, or [`EXTRACTIVE`](super::EXTRACTIVE).
    pub model: String,
    /// The tier that it answers for in the strategy; none for the extractive answerer as the last resort.
    pub tier: Option<Tier>,
}

/// Where a question goes and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The strategy in force.
    pub strategy: String,
    /// The tier that the question belongs to.
    pub tier: Tier,
    /// Its complexity, in [0, 1].
    pub score: f64,
    /// What the strategy names for the tier, configured or not.
    pub named: String,
    /// Who answers: a provider's name in the settings, or [`EXTRACTIVE`](super::EXTRACTIVE).
    pub provider: String,
    /// With which model, or [`EXTRACTIVE`](super::EXTRACTIVE).
    pub model: String,
    /// The tier that the answering provider has in the strategy: another than `tier` when that one is not configured, none
    /// for the extractive answerer as the last resort.
    pub answering_tier: Option<Tier>,
    /// One sentence for people.
    pub reason: String,
    /// What the score is made of; their contributions, with the bound to [0, 1], are the score.
    pub features: Vec<Feature>,
    /// Who is next when that one fails, in order; none twice, the extractive answerer last.
    pub then: Vec<Choice>,
}
