//! The egress ledger: what was sent or refused, to whom, for what, and how it ended.
//!
//! One entry per attempt, written when the attempt is over, also when the caller has turned away. An entry holds
//! sizes and names, never contents, headers or paths.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::base::{Clock, Timestamp};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer was read to its end.
    Answered,
    /// The policy stopped it with this code before anything was sent.
    Refused(&'static str),
    /// It went wrong with this code.
    Failed(&'static str),
    /// The caller did not wait for the end.
    Cancelled,
}

/// One attempt to reach another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// When it began.
    pub at: Timestamp,
    /// `host:port`; only the scheme where the address had no host.
    pub destination: String,
    /// What for, such as `ai.chat`.
    pub purpose: &'static str,
    /// On whose behalf; nobody's for the appliance itself.
    pub tenant: Option<String>,
    /// Bytes of the body that were sent.
    pub bytes_out: u64,
    /// Bytes of the body that came back.
    pub bytes_in: u64,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// From the start to the end, in milliseconds.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// Hears of each entry, to keep it for longer than memory does. Must return at once: it is called where the
/// request ends, which may be a destructor.
pub trait EgressSink: Send + Sync + 'static {
    /// Takes note.
    fn record(&self, entry: &LedgerEntry);
}

/// The latest entries, a bounded number of them.
pub struct Ledger {
    latest: Mutex<VecDeque<LedgerEntry>>,
    entries_max: usize,
    sink: Option<Arc<dyn EgressSink>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("entries_max", &self.entries_max).finish_non_exhaustive()
    }
}

impl Ledger {
    pub(super) fn new(entries_max: usize, sink: Option<Arc<dyn EgressSink>>, clock: Arc<dyn Clock>) -> Self {
        Self { latest: Mutex::default(), entries_max, sink, clock }
    }

    /// What is remembered, oldest first.
    #[must_use]
    pub fn latest(&self) -> Vec<LedgerEntry> {
        self.latest.lock().iter().cloned().collect()
    }

    fn record(&self, entry: LedgerEntry) {
        tracing::debug!(
            destination = entry.destination,
            purpose = entry.purpose,
            status = entry.status,
            bytes_out = entry.bytes_out,
            bytes_in = entry.bytes_in,
            duration_ms = entry.duration_ms,
            outcome = ?entry.outcome,
            "egress"
        );
        if let Some(sink) = &self.sink {
            sink.record(&entry);
        }
        let mut latest = self.latest.lock();
        while latest.len() >= self.entries_max.max(1) {
            latest.pop_front();
        }
        latest.push_back(entry);
    }
}

/// An attempt under way. It is entered in the ledger when it ends or, failing that, when it is dropped.
#[derive(Debug)]
pub(super) struct Attempt {
    ledger: Arc<Ledger>,
    entry: Option<LedgerEntry>,
    began: Instant,
}

impl Attempt {
    pub(super) fn begin(
        ledger: &Arc<Ledger>,
        destination: String,
        purpose: &'static str,
        tenant: Option<String>,
    ) -> Self {
        let entry = LedgerEntry {
            at: ledger.clock.now(),
            destination,
            purpose,
            tenant,
            bytes_out: 0,
            bytes_in: 0,
            status: None,
            duration_ms: 0,
            outcome: Outcome::Cancelled,
        };
        Self { ledger: Arc::clone(ledger), entry: Some(entry), began: Instant::now() }
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.entry {
            entry.bytes_out = bytes as u64;
        }
    }

    pub(super) fn answered(&mut self, status: u16) {
        if let Some(entry) = &mut self.entry {
            entry.status = Some(status);
        }
    }

    /// Counts bytes that came in and returns how many that makes.
    pub(super) fn received(&mut self, bytes: usize) -> u64 {
        self.entry.as_mut().map_or(0, |entry| {
            entry.bytes_in += bytes as u64;
            entry.bytes_in
        })
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        if let Some(mut entry) = self.entry.take() {
            entry.outcome = outcome;
            entry.duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.ledger.record(entry);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ManualClock;

    #[tokio::test]
    async fn the_ledger_forgets_the_oldest_and_tells_the_sink_everything() {
        #[derive(Default)]
        struct Heard(Mutex<Vec<String>>);
        impl EgressSink for Heard {
            fn record(&self, entry: &LedgerEntry) {
                self.0.lock().push(entry.destination.clone());
            }
        }
        let heard = Arc::new(Heard::default());
        let ledger = Arc::new(Ledger::new(2, Some(heard.clone()), Arc::new(ManualClock::default())));
        for place in ["a:1", "b:1", "c:1"] {
            Attempt::begin(&ledger, place.into(), "test", None).end(Outcome::Answered);
        }
        let kept: Vec<_> = ledger.latest().into_iter().map(|entry| entry.destination).collect();
        assert_eq!(kept, ["b:1", "c:1"]);
        assert_eq!(*heard.0.lock(), ["a:1", "b:1", "c:1"]);
    }

    #[tokio::test]
    async fn an_attempt_that_nobody_ends_is_entered_as_cancelled_once() {
        let ledger = Arc::new(Ledger::new(9, None, Arc::new(ManualClock::default())));
        drop(Attempt::begin(&ledger, "a:1".into(), "test", None));
        let mut ended = Attempt::begin(&ledger, "b:1".into(), "test", None);
        ended.end(Outcome::Answered);
        drop(ended);
        let outcomes: Vec<_> = ledger.latest().into_iter().map(|entry| entry.outcome).collect();
        assert_eq!(outcomes, [Outcome::Cancelled, Outcome::Answered]);
    }
}
