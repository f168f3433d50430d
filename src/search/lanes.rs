//! Many texts through a model, each on one thread: for the most texts in a second nothing waits for its slowest part.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rten::ThreadPool;

/// Threads at most.
const LANES_MAX: usize = 64;

/// As many pools of one thread as texts are worked on at a time.
pub(super) struct Lanes(Vec<Arc<ThreadPool>>);

impl Lanes {
    /// At least one lane, at most 64.
    pub(super) fn new(lanes: usize) -> Self {
        let lanes = lanes.clamp(1, LANES_MAX);
        Self((0..lanes).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect())
    }

    /// The lane that runs something alone.
    pub(super) fn first(&self) -> Option<&Arc<ThreadPool>> {
        self.0.first()
    }

    /// `work` for each of `count` numbers from 0, as many at a time as there are lanes, whoever is free taking the next. The
    /// results are in the order of the numbers.
    pub(super) fn each<T: Send>(
        &self,
        count: usize,
        work: &(dyn Fn(usize, &Arc<ThreadPool>) -> T + Sync),
    ) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let run = |lane: &Arc<ThreadPool>| {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return done;
                }
                done.push((index, work(index, lane)));
            }
        };
        let mut numbered = thread::scope(|scope| {
            let mut lanes = self.0.iter().take(count);
            let first = lanes.next();
            let others: Vec<_> = lanes.map(|lane| scope.spawn(|| run(lane))).collect();
            let mut done = first.map(run).unwrap_or_default();
            for other in others {
                match other.join() {
                    Ok(part) => done.extend(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        numbered.sort_unstable_by_key(|(index, _)| *index);
        numbered.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_worked_on_once_and_results_are_in_order() {
        for lanes in [0, 1, 3] {
            let lanes = Lanes::new(lanes);
            assert_eq!(lanes.each(7, &|index, _| index * 2), [0, 2, 4, 6, 8, 10, 12]);
            assert!(lanes.each(0, &|index, _| index).is_empty());
        }
    }
}
