//! Properties of fusion that hold for any candidates, and the cases that matter.

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::Strategy;
use super::*;
use crate::search::keywords::{Evidence, Hit, Weighed};

const EVIDENCE: Evidence = Evidence {
    words: 6,
    words_unknown: 0,
    identifiers: 0,
    identifiers_known: 0,
    identifier_share: 0.0,
    identifiers_only: false,
};

fn candidate(chunk: u64, cosine: f32, bm25: f32) -> Candidate {
    let rank = u32::try_from(chunk).unwrap() + 1;
    let coverage = (bm25 / 30.0).clamp(0.0, 1.0);
    Candidate {
        chunk,
        cosine,
        bm25,
        coverage,
        semantic_rank: Some(rank),
        keyword_rank: (bm25 > 0.0).then_some(rank),
    }
}

fn settings(strategy: Strategy) -> Settings {
    Settings { strategy, top_k: 100, ..Settings::default() }
}

fn order(candidates: &[Candidate], settings: &Settings) -> Vec<u64> {
    fuse(candidates, EVIDENCE, Calibration::MINILM, settings)
        .results
        .iter()
        .map(|ranked| ranked.chunk)
        .collect()
}

fn by(candidates: &[Candidate], score: fn(&Candidate) -> f32) -> Vec<u64> {
    let mut sorted = candidates.to_vec();
    sorted.sort_by(|a, b| score(b).total_cmp(&score(a)).then_with(|| a.chunk.cmp(&b.chunk)));
    sorted.iter().map(|candidate| candidate.chunk).collect()
}

/// Scores on a coarse grid, so that standardising cannot merge two that differ.
fn any_candidates() -> impl proptest::strategy::Strategy<Value = Vec<Candidate>> {
    prop::collection::vec((-100_i16..=100, 0_i16..=300), 1..60).prop_map(|scores| {
        (0_u64..)
            .zip(scores)
            .map(|(chunk, (cosine, bm25))| {
                candidate(chunk, f32::from(cosine) / 100.0, f32::from(bm25) / 10.0)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_score_is_finite_whatever_comes_in(
        scores in prop::collection::vec((prop::num::f32::ANY, prop::num::f32::ANY, prop::num::f32::ANY), 0..40),
        which in 0_usize..4,
    ) {
        let strategy = [Strategy::Hybrid, Strategy::Predecessor, Strategy::Semantic, Strategy::Keyword][which];
        let candidates: Vec<Candidate> = (0_u64..)
            .zip(scores)
            .map(|(chunk, (cosine, bm25, coverage))| Candidate { coverage, ..candidate(chunk, cosine, bm25) })
            .collect();
        for ranked in fuse(&candidates, EVIDENCE, Calibration::MINILM, &settings(strategy)).results {
            prop_assert!(ranked.explanation.combined.is_finite());
            prop_assert!((0.0..=1.0).contains(&ranked.score));
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(candidates in any_candidates(), seed in any::<u64>()) {
        let mut shuffled = candidates.clone();
        shuffled.sort_by_key(|candidate| candidate.chunk.wrapping_mul(seed | 1).rotate_left(17));
        for strategy in [Strategy::Hybrid, Strategy::Predecessor, Strategy::Semantic, Strategy::Keyword] {
            prop_assert_eq!(order(&candidates, &settings(strategy)), order(&shuffled, &settings(strategy)));
        }
    }

    #[test]
    fn the_semantic_list_alone_gives_its_own_order(candidates in any_candidates()) {
        let alone: Vec<Candidate> = candidates.iter().map(|c| candidate(c.chunk, c.cosine, 0.0)).collect();
        prop_assert_eq!(order(&alone, &settings(Strategy::Hybrid)), by(&alone, |c| c.cosine));
        let fused = fuse(&alone, EVIDENCE, Calibration::MINILM, &settings(Strategy::Hybrid));
        prop_assert_eq!(fused.trace.reason, WeightReason::NoKeywordMatch);
    }

    #[test]
    fn the_keyword_list_alone_gives_its_own_order(candidates in any_candidates()) {
        let alone: Vec<Candidate> = candidates.iter().map(|c| candidate(c.chunk, 0.3, c.bm25 + 0.1)).collect();
        prop_assert_eq!(order(&alone, &settings(Strategy::Hybrid)), by(&alone, |c| c.bm25));
    }

    #[test]
    fn lists_that_agree_give_the_order_they_agree_on(candidates in any_candidates()) {
        let agreeing: Vec<Candidate> =
            candidates.iter().map(|c| candidate(c.chunk, c.cosine, (c.cosine + 1.0) * 10.0)).collect();
        prop_assert_eq!(order(&agreeing, &settings(Strategy::Hybrid)), by(&agreeing, |c| c.cosine));
    }

    #[test]
    fn weights_of_one_and_zero_are_each_half_alone(candidates in any_candidates()) {
        let weights = |semantic, keyword| Settings {
            semantic_weight: semantic,
            keyword_weight: keyword,
            ..settings(Strategy::Hybrid)
        };
        prop_assert_eq!(order(&candidates, &weights(1.0, 0.0)), by(&candidates, |c| c.cosine));
        if candidates.iter().any(|c| c.bm25 > 0.0) {
            prop_assert_eq!(order(&candidates, &weights(0.0, 1.0)), by(&candidates, |c| c.bm25));
        }
    }
}

#[test]
fn the_predecessor_gives_nothing_for_what_a_list_did_not_return() {
    let listed = |chunk, cosine, bm25, semantic_rank, keyword_rank| Candidate {
        semantic_rank,
        keyword_rank,
        ..candidate(chunk, cosine, bm25)
    };
    let candidates = [
        listed(1, 0.8, 5.0, Some(1), None),
        listed(2, 0.7, 10.0, None, Some(1)),
        listed(3, 0.6, 5.0, Some(2), Some(2)),
        listed(4, 0.9, 20.0, Some(3), Some(3)),
    ];
    let settings = Settings { strategy: Strategy::Predecessor, top_k: 1, ..Settings::default() };
    let fused = fuse(&candidates, EVIDENCE, Calibration::MINILM, &settings);
    assert_eq!(fused.trace.candidates, 4);
    let all = Settings { top_k: 2, ..settings };
    let fused = fuse(&candidates[..3], EVIDENCE, Calibration::MINILM, &all);
    let chunks: Vec<u64> = fused.results.iter().map(|ranked| ranked.chunk).collect();
    assert_eq!(chunks, [3, 1]);
    let third = 0.7_f32.mul_add(0.6, 0.3 * 0.5);
    assert!((fused.results[0].explanation.combined - third).abs() < 1e-6);
    assert!((fused.results[1].explanation.combined - 0.7 * 0.8).abs() < 1e-6);
}

#[test]
fn a_list_that_sets_its_first_apart_gets_more_weight() {
    let many = |cosine: fn(u8) -> f32, bm25: fn(u8) -> f32| -> Vec<Candidate> {
        (0..40_u8).map(|n| candidate(u64::from(n), cosine(n), bm25(n))).collect()
    };
    let share = |candidates: &[Candidate], evidence| {
        fuse(candidates, evidence, Calibration::MINILM, &settings(Strategy::Hybrid)).trace.semantic_weight
    };
    let steep = |n: u8| if n == 0 { 0.9 } else { 0.3 };
    let flat = |n: u8| 0.5 - f32::from(n) / 1_000.0;
    let steep_words = |n: u8| if n == 0 { 20.0 } else { 2.0 };
    let flat_words = |n: u8| 10.0 - f32::from(n) / 20.0;
    let semantic = share(&many(steep, flat_words), EVIDENCE);
    let keyword = share(&many(flat, steep_words), EVIDENCE);
    assert!(semantic > 0.7 && keyword < 0.4, "{semantic} {keyword}");
    let both = many(steep, steep_words);
    let identifier = Evidence { identifiers: 1, identifiers_known: 1, identifier_share: 0.8, ..EVIDENCE };
    assert!(share(&both, identifier) < share(&both, EVIDENCE));
    let bare = Evidence { identifiers_only: true, ..identifier };
    assert!(share(&many(steep, flat_words), bare) < 0.2);
}

#[test]
fn results_below_the_minimum_are_dropped_and_counted() {
    let candidates = [candidate(1, 0.9, 20.0), candidate(2, 0.05, 0.5), candidate(3, 0.0, 0.0)];
    let settings = Settings { min_score: 0.5, ..Settings::default() };
    let fused = fuse(&candidates, EVIDENCE, Calibration::MINILM, &settings);
    assert_eq!(fused.results.len(), 1);
    assert_eq!(fused.trace.dropped_by_min_score, 2);
    assert!(fuse(&[], EVIDENCE, Calibration::MINILM, &settings).results.is_empty());
}

#[test]
fn what_one_list_did_not_score_is_filled_in_from_the_other_index() {
    let semantic = [(1, 0.9), (2, 0.8)];
    let keyword = [Hit { chunk: 3, score: 7.0 }, Hit { chunk: 2, score: 5.0 }];
    assert_eq!(union(&semantic, &keyword), [1, 2, 3]);
    let weighed =
        [(1, 1.0), (2, 5.0), (3, 7.0)].map(|(chunk, score)| Weighed { chunk, score, coverage: 0.5 });
    let gathered = gather(&semantic, &keyword, &[(3, 0.4)], &weighed);
    assert_eq!(gathered.len(), 3);
    assert_eq!((gathered[0].bm25, gathered[0].keyword_rank), (1.0, None));
    assert_eq!(
        (gathered[2].cosine, gathered[2].semantic_rank, gathered[2].keyword_rank),
        (0.4, None, Some(1))
    );
    assert_eq!(gather(&semantic, &keyword, &[], &weighed).len(), 2);
}

#[test]
fn an_explanation_serialises_with_both_scores_and_ranks() {
    let fused = fuse(&[candidate(1, 0.9, 20.0)], EVIDENCE, Calibration::MINILM, &Settings::default());
    let json = serde_json::to_value(&fused).unwrap();
    assert_eq!(json["results"][0]["explanation"]["semantic_rank"], 2);
    assert_eq!(json["trace"]["strategy"], "hybrid");
}
