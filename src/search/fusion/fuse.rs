//! Two lists into one.

use serde::Serialize;

use super::weighing::semantic_share;
use super::{Calibration, Candidate, Explanation, Settings, Strategy, Timings, Trace, WeightReason};
use crate::search::keywords::Evidence;

/// One chunk of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranked {
    /// Its number.
    pub chunk: u64,
    /// The score to show, 0 to 1, calibrated to mean the same whatever the embedding model. The order is that of
    /// [`Explanation::combined`], which knows the other candidates too, so neighbours may show scores the other way round.
    pub score: f32,
    /// Why it stands here.
    pub explanation: Explanation,
}

/// The outcome of a retrieval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fused {
    /// Best first, at most `top_k`, or as many as a reranker is to put in order.
    pub results: Vec<Ranked>,
    /// What was done.
    pub trace: Trace,
}

/// Fuses candidates into the results of one question. Pure: the order of `candidates` does not matter, ties go to the lower chunk
/// number, and scores that are not finite count as the worst.
#[must_use]
pub fn fuse(
    candidates: &[Candidate],
    evidence: Evidence,
    calibration: Calibration,
    settings: &Settings,
) -> Fused {
    let mut candidates: Vec<Candidate> = candidates.iter().copied().map(sound).collect();
    candidates.sort_by_key(|candidate| candidate.chunk);
    candidates.dedup_by_key(|candidate| candidate.chunk);
    let considered = candidates.len();
    let (share, reason, scaled) = scale(&mut candidates, evidence, calibration, settings);

    let mut results: Vec<Ranked> = candidates
        .iter()
        .zip(scaled)
        .map(|(candidate, (semantic, keyword))| Ranked {
            chunk: candidate.chunk,
            score: calibration.shown(candidate.cosine, candidate.coverage),
            explanation: Explanation {
                cosine: candidate.cosine,
                semantic_rank: candidate.semantic_rank,
                bm25: candidate.bm25,
                keyword_rank: candidate.keyword_rank,
                coverage: candidate.coverage,
                semantic_normalised: semantic,
                keyword_normalised: keyword,
                combined: share.mul_add(semantic, (1.0 - share) * keyword),
            },
        })
        .collect();
    results.sort_by(|a, b| {
        b.explanation.combined.total_cmp(&a.explanation.combined).then_with(|| a.chunk.cmp(&b.chunk))
    });
    let before = results.len();
    results.retain(|ranked| ranked.score >= settings.min_score);
    let dropped_by_min_score = before - results.len();
    results.truncate(settings.top_k.max(settings.rerank_candidates));
    let trace = Trace {
        strategy: settings.strategy,
        semantic_weight: share,
        reason,
        candidates: considered,
        dropped_by_filter: 0,
        dropped_by_min_score,
        timings: Timings::default(),
    };
    Fused { results, trace }
}

fn sound(candidate: Candidate) -> Candidate {
    let finite = |score: f32, otherwise: f32| if score.is_finite() { score } else { otherwise };
    Candidate {
        cosine: finite(candidate.cosine, -1.0).clamp(-1.0, 1.0),
        bm25: finite(candidate.bm25, 0.0).clamp(0.0, 1e9),
        coverage: finite(candidate.coverage, 0.0).clamp(0.0, 1.0),
        ..candidate
    }
}

/// Both scores of each candidate on one scale, and the share of the semantic one; may drop candidates the strategy does not know.
fn scale(
    candidates: &mut Vec<Candidate>,
    evidence: Evidence,
    calibration: Calibration,
    settings: &Settings,
) -> (f32, WeightReason, Vec<(f32, f32)>) {
    let cosines = |candidates: &[Candidate]| -> Vec<f32> { candidates.iter().map(|c| c.cosine).collect() };
    let bm25 = |candidates: &[Candidate]| -> Vec<f32> { candidates.iter().map(|c| c.bm25).collect() };
    match settings.strategy {
        Strategy::Hybrid => {
            let (share, reason) = semantic_share(candidates, evidence, calibration, settings);
            let scaled =
                standardise(&cosines(candidates)).into_iter().zip(standardise(&bm25(candidates))).collect();
            (share, reason, scaled)
        }
        Strategy::Predecessor => {
            let listed = u32::try_from(settings.top_k.saturating_mul(2)).unwrap_or(u32::MAX);
            let in_list = |rank: Option<u32>| rank.is_some_and(|rank| rank <= listed);
            candidates.retain(|c| in_list(c.semantic_rank) || in_list(c.keyword_rank));
            let most = candidates
                .iter()
                .filter(|c| in_list(c.keyword_rank))
                .map(|c| c.bm25)
                .fold(f32::MIN_POSITIVE, f32::max);
            let scaled = candidates
                .iter()
                .map(|c| {
                    let semantic = if in_list(c.semantic_rank) { c.cosine } else { 0.0 };
                    let keyword = if in_list(c.keyword_rank) { c.bm25 / most } else { 0.0 };
                    (semantic, keyword)
                })
                .collect();
            let any = candidates.iter().any(|c| in_list(c.keyword_rank));
            let (share, reason) = if any {
                (settings.semantic_share(), WeightReason::Settings)
            } else {
                (1.0, WeightReason::NoKeywordMatch)
            };
            (share, reason, scaled)
        }
        Strategy::Semantic => {
            let scaled = cosines(candidates).into_iter().map(|cosine| (cosine, 0.0)).collect();
            (1.0, WeightReason::OneList, scaled)
        }
        Strategy::Keyword => {
            candidates.retain(|c| c.bm25 > 0.0);
            let scaled = bm25(candidates).into_iter().map(|score| (0.0, score)).collect();
            (0.0, WeightReason::OneList, scaled)
        }
    }
}

/// Deviations from the mean of the candidates: what is left when the scale of a score is taken away. Raw cosines of different models
/// spread differently, so a weight on them would mean something else for each.
#[expect(clippy::cast_precision_loss, reason = "a few hundred candidates")]
fn standardise(scores: &[f32]) -> Vec<f32> {
    let count = scores.len().max(1) as f64;
    let mean = scores.iter().copied().map(f64::from).sum::<f64>() / count;
    let variance = scores.iter().map(|score| (f64::from(*score) - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    scores
        .iter()
        .map(|score| {
            if deviation < 1e-7 {
                return 0.0;
            }
            #[expect(clippy::cast_possible_truncation, reason = "a handful of deviations")]
            let standardised = ((f64::from(*score) - mean) / deviation) as f32;
            standardised
        })
        .collect()
}
