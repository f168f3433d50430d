//! How much each list is worth for this question.
//!
//! A list that knows the answer sets it apart: its first scores stand out from those further down. So the share of the semantic
//! score starts at the setting and moves with the contrast of the semantic list (the fall of the cosine from the first to the
//! twenty-first, in deviations of the model) against that of the keyword list (the fall of BM25, as a share of the first). Paraphrased
//! questions raise it; a language the model does not know, or a rare name, lowers it. Both contrasts are pure numbers, and neither the corpus
//! nor the language has to be known. A known identifier lowers it further, by how much of the question it makes up; where there is nothing
//! but identifiers, the model has nothing to understand, and the chunks that hold them come first.

use super::{Calibration, Candidate, Settings, WeightReason};
use crate::search::keywords::Evidence;

/// The place a list's first is compared with.
const DEPTH: usize = 20;
/// Contrast of the semantic list over that of the keyword list at which the setting holds as it stands.
const BALANCE: f32 = 4.2;
/// How far the share moves when the ratio of the contrasts is multiplied by e.
const SLOPE: f32 = 0.6;
/// A question of this many words is trusted by half: few words make a contrast by chance.
const WORDS_HALF: f32 = 3.0;
/// The most an identifier that is the whole question takes away.
const IDENTIFIER_PULL: f32 = 0.6;
/// Neither list is ever silenced.
const SHARE: std::ops::RangeInclusive<f32> = 0.1..=0.95;

/// The semantic share for this question, and why.
pub(super) fn semantic_share(
    candidates: &[Candidate],
    evidence: Evidence,
    calibration: Calibration,
    settings: &Settings,
) -> (f32, WeightReason) {
    let set = settings.semantic_share();
    let has_keywords = candidates.iter().any(|candidate| candidate.bm25 > 0.0);
    if !has_keywords {
        return (1.0, WeightReason::NoKeywordMatch);
    }
    if !settings.adaptive || set <= 0.0 || set >= 1.0 {
        return (set, WeightReason::Settings);
    }
    let (_, cosine_fall) = contrast(candidates.iter().map(|candidate| candidate.cosine));
    let (first, bm25_fall) = contrast(candidates.iter().map(|candidate| candidate.bm25));
    let semantic = cosine_fall / calibration.unrelated_deviation.max(1e-4);
    let keyword = bm25_fall / first;
    let mut share = set;
    let mut reason = WeightReason::Settings;
    if keyword > 1e-3 && candidates.len() > 2 {
        #[expect(clippy::cast_precision_loss, reason = "a question has few words")]
        let words = evidence.words as f32;
        share += SLOPE * words / (words + WORDS_HALF) * (semantic.max(1e-3) / keyword / BALANCE).ln();
        reason = WeightReason::Contrast;
    }
    if evidence.identifiers_only {
        return (*SHARE.start(), WeightReason::Identifier);
    }
    if evidence.identifier_share > 0.0 {
        share -= IDENTIFIER_PULL * evidence.identifier_share;
        reason = WeightReason::Identifier;
    }
    (share.clamp(*SHARE.start(), *SHARE.end()), reason)
}

/// The highest score, and how far below it the one at [`DEPTH`] lies.
fn contrast(scores: impl Iterator<Item = f32>) -> (f32, f32) {
    let mut scores: Vec<f32> = scores.collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let first = scores.first().copied().unwrap_or(0.0);
    let later = scores.get(DEPTH).or(scores.last()).copied().unwrap_or(first);
    (first, first - later)
}
