//! A bounded place for work that computes or scans, so that it can neither stall the async runtime nor pile up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use tokio::sync::{Semaphore, oneshot};

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// As many as may wait are waiting already.
    #[error("the pool is busy")]
    Busy,
    /// The work panicked, or the runtime is shutting down.
    #[error("the work ended without a result")]
    Lost,
}

/// How much work of low priority gives way to everything else (setpriority(2)): under load a third of a fair share.
const NICENESS: i32 = 5;
/// Who has waited for so long gives way no more than that, so that nobody waits for ever where a processor is never idle. Longer
/// than a flood of 200 takes, or its end would be felt.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs blocking work on the runtime's blocking threads, or on threads of low priority, a bounded number at a time.
#[derive(Debug, Clone)]
pub struct Pool {
    running: Arc<Semaphore>,
    places: Arc<Semaphore>,
    running_max: usize,
    places_max: usize,
    gives_way: bool,
}

impl Pool {
    /// At most `running_max` at a time, and at most `waiting_max` more in line.
    #[must_use]
    pub fn new(running_max: usize, waiting_max: usize) -> Self {
        let places_max = running_max.saturating_add(waiting_max);
        Self {
            running: Arc::new(Semaphore::new(running_max)),
            places: Arc::new(Semaphore::new(places_max)),
            running_max,
            places_max,
            gives_way: false,
        }
    }

    /// The same for work that others should not feel, even when it comes in a flood: each piece has a thread of low priority, and
    /// while more wait in line only what nobody else would use of the processors (`SCHED_IDLE`, sched(7)): then who wakes up does
    /// not wait for the end of a time slice. Worth it for pieces of a millisecond and more; a thread costs some 30 microseconds.
    #[must_use]
    pub fn of_low_priority(running_max: usize, waiting_max: usize) -> Self {
        Self { gives_way: true, ..Self::new(running_max, waiting_max) }
    }

    /// Runs `work` when a place is free. Once begun it runs to its end, even if the caller goes away.
    ///
    /// # Errors
    /// [`PoolError::Busy`] at once when the line is full; [`PoolError::Lost`] when the work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let came = Instant::now();
        let place = self.places.clone().try_acquire_owned().map_err(|_| PoolError::Busy)?;
        let turn = self.running.clone().acquire_owned().await.map_err(|_| PoolError::Lost)?;
        let work = move || {
            let result = work();
            drop((turn, place));
            result
        };
        if !self.gives_way {
            return tokio::task::spawn_blocking(work).await.map_err(|_| PoolError::Lost);
        }
        let wholly = self.waiting() > 0 && came.elapsed() < PATIENCE;
        let (answer, answered) = oneshot::channel();
        let modest = move || {
            give_way(wholly);
            // Nobody waits for it any more.
            let _ = answer.send(work());
        };
        std::thread::Builder::new().name("pool".to_owned()).spawn(modest).map_err(|_| PoolError::Busy)?;
        answered.await.map_err(|_| PoolError::Lost)
    }

    /// How many are in line.
    fn waiting(&self) -> usize {
        let taken = self.places_max.saturating_sub(self.places.available_permits());
        taken.saturating_sub(self.running_max.saturating_sub(self.running.available_permits()))
    }
}

/// Lowers the priority of this thread, for good. Where it is not allowed, the work is done at the usual one.
fn give_way(wholly: bool) {
    let _ = rustix::process::nice(NICENESS);
    if wholly {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_line_is_refused_at_once_and_a_panic_frees_its_place() {
        for pool in [Pool::new(1, 0), Pool::of_low_priority(1, 0)] {
            refuses_and_frees(pool).await;
        }
    }

    async fn refuses_and_frees(pool: Pool) {
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || gate.recv().is_ok()).await }
        });
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|| ()).await, Err(PoolError::Busy));
        assert_eq!(pool.waiting(), 0, "who runs does not wait");
        open.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        assert_eq!(pool.run(|| -> () { panic!("on purpose") }).await, Err(PoolError::Lost));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }
}
