//! The best few of many scored chunks.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Hit;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Ranked {
    score: f32,
    chunk: u64,
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.chunk.cmp(&self.chunk))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keeps the `limit` best; the greater is the one with the higher score, or the lower chunk number.
pub(super) struct Best {
    limit: usize,
    kept: BinaryHeap<Reverse<Ranked>>,
}

impl Best {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::with_capacity(limit.min(1_024) + 1) }
    }

    /// Scores at or below this need not be offered. Just below the worst that is kept, so that a tie with a lower chunk
    /// number still gets in and the outcome does not depend on how rows are spread over segments.
    pub(super) fn threshold(&self) -> f32 {
        if self.kept.len() < self.limit {
            return f32::MIN;
        }
        self.kept.peek().map_or(f32::MIN, |Reverse(worst)| worst.score.next_down())
    }

    pub(super) fn offer(&mut self, chunk: u64, score: f32) {
        let offered = Ranked { score, chunk };
        if self.kept.len() >= self.limit {
            if self.kept.peek().is_none_or(|Reverse(worst)| offered <= *worst) {
                return;
            }
            self.kept.pop();
        }
        self.kept.push(Reverse(offered));
    }

    pub(super) fn into_hits(self) -> Vec<Hit> {
        self.kept
            .into_sorted_vec()
            .into_iter()
            .map(|Reverse(kept)| Hit { chunk: kept.chunk, score: kept.score })
            .collect()
    }
}
