//! How good a ranking is, against what is known to be relevant (binary judgements).

use std::collections::HashSet;
use std::hash::Hash;

use serde::Serialize;

/// Rankings are judged down to here.
const DEPTH: usize = 10;

/// Means over the questions of a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen, 2002).
    pub ndcg_at_10: f64,
    /// Share of the relevant documents among the first ten.
    pub recall_at_10: f64,
    /// Reciprocal of the rank of the first relevant document, 0 when none is among the first ten.
    pub mrr_at_10: f64,
}

impl Metrics {
    /// Judges one ranking, best first.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ranks and counts are small")]
    pub fn of<T: Eq + Hash>(ranking: &[T], relevant: &HashSet<T>) -> Self {
        if relevant.is_empty() {
            return Self::default();
        }
        let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let hits: Vec<usize> = ranking
            .iter()
            .take(DEPTH)
            .enumerate()
            .filter(|(_, found)| relevant.contains(found))
            .map(|(rank, _)| rank)
            .collect();
        let ideal: f64 = (0..relevant.len().min(DEPTH)).map(discount).sum();
        Self {
            ndcg_at_10: hits.iter().copied().map(discount).sum::<f64>() / ideal,
            recall_at_10: hits.len() as f64 / relevant.len() as f64,
            mrr_at_10: hits.first().map_or(0.0, |rank| 1.0 / (*rank as f64 + 1.0)),
        }
    }

    /// The mean of several; zeros for none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    pub fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f64;
        let mean = |pick: fn(&Self) -> f64| all.iter().map(pick).sum::<f64>() / count;
        Self {
            ndcg_at_10: mean(|metrics| metrics.ndcg_at_10),
            recall_at_10: mean(|metrics| metrics.recall_at_10),
            mrr_at_10: mean(|metrics| metrics.mrr_at_10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_ranking_scores_one_and_an_empty_one_zero() {
        let relevant = HashSet::from([1, 2]);
        let perfect = Metrics::of(&[2, 1, 3], &relevant);
        assert!((perfect.ndcg_at_10 - 1.0).abs() < 1e-12);
        assert_eq!((perfect.recall_at_10, perfect.mrr_at_10), (1.0, 1.0));
        assert_eq!(Metrics::of(&[], &relevant), Metrics::default());
    }

    #[test]
    fn rank_three_of_one_relevant_document_is_half_the_gain_and_a_third_of_the_rank() {
        let metrics = Metrics::of(&[7, 8, 1], &HashSet::from([1]));
        assert!((metrics.ndcg_at_10 - 0.5).abs() < 1e-12);
        assert!((metrics.mrr_at_10 - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_comes_after_the_tenth_does_not_count() {
        let ranking: Vec<u32> = (0..20).collect();
        assert_eq!(Metrics::of(&ranking, &HashSet::from([10])), Metrics::default());
    }
}
