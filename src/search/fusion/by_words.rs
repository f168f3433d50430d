//! The keyword list alone, where a question could not be embedded.
//!
//! The shown score is made of likeness and of words. Where nothing is known of the likeness, it is taken as that of a middling find, so
//! that the share of words found still tells good from bad, and no word makes a passage look certain.

use super::{Calibration, Candidate, Fused, Settings, Strategy, fuse};
use crate::search::keywords::Evidence;

/// As [`fuse()`] with the strategy `keyword`, whatever strategy is set. Cosines of the candidates count for nothing.
#[must_use]
pub fn fuse_by_words(
    candidates: &[Candidate],
    evidence: Evidence,
    calibration: Calibration,
    settings: &Settings,
) -> Fused {
    let words = Settings { strategy: Strategy::Keyword, min_score: 0.0, ..*settings };
    let mut fused = fuse(candidates, evidence, calibration, &words);
    for ranked in &mut fused.results {
        ranked.score = Calibration::shown_by_words(ranked.explanation.coverage);
    }
    let before = fused.results.len();
    fused.results.retain(|ranked| ranked.score >= settings.min_score);
    fused.trace.dropped_by_min_score = before - fused.results.len();
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_alone_order_the_passages_and_score_by_the_share_of_words_found() {
        let candidate = |chunk, bm25, coverage| Candidate {
            chunk,
            cosine: 0.0,
            bm25,
            coverage,
            semantic_rank: None,
            keyword_rank: Some(1),
        };
        let candidates = [candidate(1, 2.0, 0.2), candidate(2, 5.0, 1.0), candidate(3, 0.0, 0.0)];
        let settings = Settings::default();
        let found = fuse_by_words(&candidates, Evidence::default(), Calibration::MINILM, &settings);
        let chunks: Vec<u64> = found.results.iter().map(|ranked| ranked.chunk).collect();
        assert_eq!((chunks, found.trace.strategy), (vec![2, 1], Strategy::Keyword));
        assert!(found.results[0].score > found.results[1].score && found.results[0].score < 0.6);
        let strict = Settings { min_score: 0.3, ..settings };
        let found = fuse_by_words(&candidates, Evidence::default(), Calibration::MINILM, &strict);
        assert_eq!((found.results.len(), found.trace.dropped_by_min_score), (1, 1));
    }
}
