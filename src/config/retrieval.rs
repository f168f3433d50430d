//! `[retrieval]`: how passages are found.

use serde::Deserialize;

use super::settings::Finding;

/// How the two indexes are read as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetrievalStrategy {
    /// Both.
    Hybrid,
    /// As the predecessor did it, to compare.
    Predecessor,
    /// Likeness of meaning alone.
    Semantic,
    /// Words alone.
    Keyword,
}

/// The knobs of retrieval.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retrieval {
    /// How the lists are fused.
    pub strategy: RetrievalStrategy,
    /// What likeness of meaning counts for.
    pub semantic_weight: f32,
    /// What words in common count for.
    pub keyword_weight: f32,
    /// The passages of an answer.
    pub top_k: usize,
    /// Passages below are left out.
    pub min_score: f32,
}

const TOP_K_MAX: usize = 50;

impl Retrieval {
    pub(super) fn check(&self) -> Vec<Finding> {
        let shares = [
            ("retrieval.semantic_weight", self.semantic_weight),
            ("retrieval.keyword_weight", self.keyword_weight),
            ("retrieval.min_score", self.min_score),
        ];
        let mut findings: Vec<Finding> = shares
            .into_iter()
            .filter(|(_, share)| !(0.0..=1.0).contains(share))
            .map(|(key, share)| (key, format!("{share} is not between 0 and 1")))
            .collect();
        if self.semantic_weight + self.keyword_weight <= 0.0 {
            findings.push(("retrieval.semantic_weight", "one of the two weights is above 0".to_owned()));
        }
        if !(1..=TOP_K_MAX).contains(&self.top_k) {
            findings.push(("retrieval.top_k", format!("from 1 to {TOP_K_MAX}")));
        }
        findings
    }
}
