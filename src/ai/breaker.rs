//! A circuit breaker for one provider: who fails again and again is not asked for a while, so that visitors do not wait for it.
//!
//! Closed it admits everyone. After [`FAILURES_MAX`] failures in a row it opens for [`PAUSE`]; a server that asks to be left alone is left
//! alone for as long as it asks. Then one request is let through to try; its success closes the breaker, its failure opens it again. Kept
//! in memory: a restart is a fresh start. The pattern is Michael Nygard's (Release It!, chapter "Stability Patterns").

use std::time::Duration;

use parking_lot::Mutex;

use crate::base::Timestamp;

/// Failures in a row that open it.
const FAILURES_MAX: u32 = 5;
/// How long it stays open.
const PAUSE: Duration = Duration::from_secs(30);
/// However long a server asks to be left alone, it is tried again after this.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// Whether one provider may be asked.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    failures: u32,
    /// Asked again from then on.
    closed_from: Option<Timestamp>,
}

impl Breaker {
    /// Whether to ask at `now`; otherwise, when to come back. Whoever is let through while it is open is the trial: others are
    /// kept out for another [`PAUSE`].
    ///
    /// # Errors
    /// The time from which the provider will be tried again.
    pub fn admit(&self, now: Timestamp) -> Result<(), Timestamp> {
        let mut state = self.state.lock();
        match state.closed_from {
            Some(closed_from) if now < closed_from => Err(closed_from),
            Some(_) => {
                state.closed_from = Some(now.plus(PAUSE));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It answered.
    pub fn succeeded(&self) {
        *self.state.lock() = State::default();
    }

    /// It failed; `retry_after` is what its server asked for. A server that asks to be left alone is left alone at once.
    pub fn failed(&self, now: Timestamp, retry_after: Option<Duration>) {
        let mut state = self.state.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX || retry_after.is_some() || state.closed_from.is_some() {
            let pause = retry_after.unwrap_or(PAUSE).min(PAUSE_MAX);
            state.closed_from = Some(now.plus(pause));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_through_to_try() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(at(0), None);
        }
        assert_eq!(breaker.admit(at(0)), Ok(()), "four failures are not enough");
        breaker.failed(at(0), None);
        assert_eq!(breaker.admit(at(29)), Err(at(30)));
        assert_eq!(breaker.admit(at(30)), Ok(()), "the trial");
        assert_eq!(breaker.admit(at(30)), Err(at(60)), "nobody else meanwhile");
        breaker.failed(at(31), None);
        assert_eq!(breaker.admit(at(60)), Err(at(61)), "the trial failed");
        assert_eq!(breaker.admit(at(61)), Ok(()));
        breaker.succeeded();
        assert_eq!(breaker.admit(at(61)), Ok(()));
        assert_eq!(breaker.admit(at(61)), Ok(()));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            breaker.failed(at(0), None);
            breaker.succeeded();
        }
        assert_eq!(breaker.admit(at(0)), Ok(()));
    }

    #[test]
    fn a_server_that_asks_to_be_left_alone_is_left_alone_but_not_for_ever() {
        let breaker = Breaker::default();
        breaker.failed(at(0), Some(Duration::from_secs(120)));
        assert_eq!(breaker.admit(at(119)), Err(at(120)));
        breaker.failed(at(0), Some(Duration::from_secs(1_000_000)));
        assert_eq!(breaker.admit(at(1)), Err(at(900)));
    }
}
