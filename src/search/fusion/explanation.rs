//! Why a result stands where it stands, for people who want to know.

use serde::Serialize;

use super::Strategy;

/// How one result came by its place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Explanation {
    /// Cosine with the question, as computed.
    pub cosine: f32,
    /// Place in the semantic list, from 1; absent when that list did not return it and the cosine was filled in.
    pub semantic_rank: Option<u32>,
    /// BM25 with the question, as computed.
    pub bm25: f32,
    /// Place in the keyword list, from 1; absent when that list did not return it.
    pub keyword_rank: Option<u32>,
    /// Share of the question's telling words that it holds, 0 to 1.
    pub coverage: f32,
    /// The cosine on the scale the sum uses.
    pub semantic_normalised: f32,
    /// The keyword score on the scale the sum uses.
    pub keyword_normalised: f32,
    /// The weighted sum that decides the order; comparable within one question only.
    pub combined: f32,
}

/// Why the two lists were weighed as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightReason {
    /// The weights of the settings.
    Settings,
    /// No candidate holds a word of the question: purely semantic.
    NoKeywordMatch,
    /// The strategy reads one list only.
    OneList,
    /// The settings, moved by how clearly each list tells its first from the rest.
    Contrast,
    /// The same, and the question names an identifier that some chunk holds as written.
    Identifier,
}

/// What one retrieval did, for its explanation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// The strategy that ran.
    pub strategy: Strategy,
    /// Share of the semantic score in the sum, 0 to 1.
    pub semantic_weight: f32,
    /// Why that share.
    pub reason: WeightReason,
    /// Chunks considered.
    pub candidates: usize,
    /// Chunks the filter kept out of the lists; filled in by the caller.
    pub dropped_by_filter: usize,
    /// Chunks whose shown score was below the minimum.
    pub dropped_by_min_score: usize,
    /// Duration of each step; filled in by the caller.
    pub timings: Timings,
}

/// Microseconds each step of a retrieval took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// Embedding the question.
    pub embed_us: u64,
    /// The semantic list.
    pub semantic_us: u64,
    /// The keyword list.
    pub keyword_us: u64,
    /// Filling in the scores a list did not give.
    pub fill_us: u64,
    /// Fusing.
    pub fuse_us: u64,
    /// Reranking, 0 when there was none.
    pub rerank_us: u64,
}
