//! The knobs of fusion, as a knowledge base keeps them.

use serde::{Deserialize, Serialize};

/// How two lists become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Both scores of every candidate, brought to one scale within the question, summed with weights that follow the evidence.
    #[default]
    Hybrid,
    /// As Frontdesk's predecessor did it, to compare: keyword scores divided by their maximum, raw cosines, the first
    /// `top_k * 2` of each list, and 0 for whatever a list did not return.
    Predecessor,
    /// The cosine alone.
    Semantic,
    /// BM25 alone; chunks that hold no word of the question are left out.
    Keyword,
}

/// Settings of one retrieval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How the lists are fused.
    pub strategy: Strategy,
    /// Weight of the semantic score; only its ratio to the other counts.
    pub semantic_weight: f32,
    /// Weight of the keyword score.
    pub keyword_weight: f32,
    /// Whether `hybrid` may move the weights by what the two lists look like; off, they are taken as they stand.
    pub adaptive: bool,
    /// Results returned at most.
    pub top_k: usize,
    /// Results whose shown score (0 to 1) is lower are dropped.
    pub min_score: f32,
    /// Results returned at least, where there are so many, beyond `top_k`: what a reranker is to put in order. What a
    /// strategy makes of `top_k` stays as it is.
    pub rerank_candidates: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strategy: Strategy::Hybrid,
            semantic_weight: 0.7,
            keyword_weight: 0.3,
            adaptive: true,
            top_k: 5,
            min_score: 0.0,
            rerank_candidates: 0,
        }
    }
}

impl Settings {
    /// Share of the semantic score in the sum, 0 to 1; 0.7 when the weights make no sense.
    #[must_use]
    pub fn semantic_share(&self) -> f32 {
        let share = self.semantic_weight / (self.semantic_weight + self.keyword_weight);
        let sound = self.semantic_weight >= 0.0 && self.keyword_weight >= 0.0 && share.is_finite();
        if sound { share } else { 0.7 }
    }
}
