//! When a failed request is tried again, and after how long.
//!
//! The rules are those of the vendors' own clients: 408, 409, 429 and 5xx, half a second doubling to eight less up
//! to a quarter of jitter; the server's `x-should-retry`, `retry-after-ms` and `retry-after` (RFC 9110 §10.2.3) come
//! first. On top, each destination has a budget (the retry throttling of gRPC, proposal A6), so that a server in
//! trouble is not kept there by retries.

use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

const FIRST_WAIT_MS: u64 = 500;
const WAIT_MS_MAX: u64 = 8_000;
const JITTER_SHARE_MAX: f64 = 0.25;
/// A server that asks for a longer pause than this is not waited for; whoever called decides.
pub(super) const SERVER_WAIT_MAX: Duration = Duration::from_mins(1);

/// Whether a status is one that may go away by itself.
pub(super) fn is_worth_retrying(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..)
}

/// What the server says about trying again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) should_retry: Option<bool>,
    pub(super) after: Option<Duration>,
}

impl Advice {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let should_retry = text("x-should-retry").and_then(|value| value.parse().ok());
        let after_ms = text("retry-after-ms").and_then(|value| seconds(value, 0.001));
        let after = after_ms.or_else(|| {
            let value = text(RETRY_AFTER.as_str())?;
            seconds(value, 1.0).or_else(|| until(value, text(DATE.as_str())?))
        });
        Self { should_retry, after }
    }
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

/// From the server's own `Date`, so that a clock that is wrong here or there does not matter.
fn until(date: &str, server_now: &str) -> Option<Duration> {
    let then = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let now = jiff::fmt::rfc2822::parse(server_now).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// How long to wait before the attempt after `failures` failed ones; `jitter` is in `0.0..=1.0`. Nothing when the
/// server's wish is longer than [`SERVER_WAIT_MAX`].
pub(super) fn wait(failures: u32, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
    if let Some(asked) = asked {
        return (asked <= SERVER_WAIT_MAX).then_some(asked);
    }
    let doublings = failures.saturating_sub(1).min(8);
    let full = Duration::from_millis((FIRST_WAIT_MS << doublings).min(WAIT_MS_MAX));
    Some(full.mul_f64(1.0 - JITTER_SHARE_MAX * jitter.clamp(0.0, 1.0)))
}

const TOKENS_MAX: u32 = 100;
const TOKENS_PER_FAILURE: u32 = 10;

/// Tokens of one destination: a failure takes ten, a success gives one back, and below half nothing is retried.
#[derive(Debug)]
pub(super) struct Budget(Mutex<u32>);

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(TOKENS_MAX))
    }
}

impl Budget {
    pub(super) fn succeeded(&self) {
        let mut tokens = self.0.lock();
        *tokens = (*tokens + 1).min(TOKENS_MAX);
    }

    /// Counts a failure and says whether a retry is within the budget.
    pub(super) fn failed(&self) -> bool {
        let mut tokens = self.0.lock();
        *tokens = tokens.saturating_sub(TOKENS_PER_FAILURE);
        *tokens > TOKENS_MAX / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(pairs: &[(&'static str, &str)]) -> Advice {
        Advice::read(
            &pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
        )
    }

    #[test]
    fn the_wait_doubles_to_eight_seconds_less_jitter() {
        let waits: Vec<_> = (1..=7).map(|failures| wait(failures, None, 0.0).unwrap().as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(wait(1, None, 1.0).unwrap().as_millis(), 375);
    }

    #[test]
    fn the_server_is_heard_in_every_way_it_can_speak() {
        assert_eq!(advice(&[("retry-after", "3")]).after, Some(Duration::from_secs(3)));
        assert_eq!(advice(&[("retry-after", "1.5")]).after, Some(Duration::from_millis(1500)));
        let both = advice(&[("retry-after", "3"), ("retry-after-ms", "250")]);
        assert_eq!(both.after, Some(Duration::from_millis(250)));
        let date =
            [("date", "Wed, 21 Oct 2026 07:28:00 GMT"), ("retry-after", "Wed, 21 Oct 2026 07:28:07 GMT")];
        assert_eq!(advice(&date).after, Some(Duration::from_secs(7)));
        let past =
            [("date", "Wed, 21 Oct 2026 07:28:00 GMT"), ("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT")];
        assert_eq!(advice(&past).after, Some(Duration::ZERO));
        assert_eq!(advice(&[("x-should-retry", "false")]).should_retry, Some(false));
        for nonsense in ["soon", "-1", "NaN", "inf", "1e300", ""] {
            assert_eq!(advice(&[("retry-after", nonsense)]), Advice::default(), "{nonsense}");
        }
    }

    #[test]
    fn a_pause_that_is_too_long_is_not_waited_for() {
        assert_eq!(wait(1, Some(Duration::from_secs(60)), 0.0), Some(Duration::from_secs(60)));
        assert_eq!(wait(1, Some(Duration::from_secs(61)), 0.0), None);
    }

    #[test]
    fn a_failing_destination_uses_up_its_budget_and_earns_it_back() {
        let budget = Budget::default();
        assert!((0..4).all(|_| budget.failed()));
        assert!(!budget.failed());
        (0..20).for_each(|_| budget.succeeded());
        assert!(budget.failed());
    }
}
