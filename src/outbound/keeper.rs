//! Keeps the egress ledger on disk without anybody waiting for the disk.
//!
//! [`EgressKeeper`] takes entries where requests end, which may be a destructor, so it only puts them into a bounded queue. A task
//! of its own writes what has come meanwhile in one change, so that many entries share a commit. When more wait than may, an entry
//! is not written but counted, and the count becomes a row of its own ([`super::EgressOutcome::Lost`]): the ledger
//! says when it is not whole, and a slow disk never slows a request.
//!
//! An entry is made when an attempt has ended. A process that is killed takes with it what was under way and what waited, which
//! is a commit's time; one that is stopped writes it all ([`Keeping::close`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::entries::{self, Lost};
use super::ledger::{EgressSink, LedgerEntry};
use crate::base::Fault as _;
use crate::store::Keyspace;

/// Entries that may wait to be written.
pub(super) const WAITING_MAX: usize = 4_096;
/// Entries of one change: others wait for its commit.
const BATCH_MAX: usize = 256;
/// After a failed write, before the next.
const RETRY_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<LedgerEntry>,
    lost: Option<Lost>,
}

/// What is written in one change.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<LedgerEntry>,
    lost: Option<Lost>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.lost.is_none()
    }
}

/// The sink that keeps the ledger.
#[derive(Debug, Default)]
pub struct EgressKeeper {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl EgressSink for EgressKeeper {
    fn record(&self, entry: &LedgerEntry) {
        let mut waiting = self.waiting.lock();
        // Once some are lost their mark must come next, so that the order holds.
        if waiting.entries.len() < WAITING_MAX && waiting.lost.is_none() {
            waiting.entries.push_back(entry.clone());
        } else {
            waiting.lost.get_or_insert(Lost { count: 0, since: entry.at }).count += 1;
        }
        drop(waiting);
        self.arrived.notify_one();
    }
}

impl EgressKeeper {
    /// Begins to write what comes, and what has come already, into the system keyspace, of which at most `entries_max` rows are
    /// kept.
    pub fn start(self: &Arc<Self>, system: Keyspace, entries_max: u64) -> Keeping {
        let closing = CancellationToken::new();
        let task = tokio::spawn(keep(Arc::clone(self), system, entries_max, closing.clone()));
        Keeping { task, closing: closing.drop_guard() }
    }

    fn take(&self) -> Batch {
        let mut waiting = self.waiting.lock();
        let count = waiting.entries.len().min(BATCH_MAX);
        let entries = waiting.entries.drain(..count).collect();
        let lost = if waiting.entries.is_empty() { waiting.lost.take() } else { None };
        Batch { entries, lost }
    }
}

/// The writing, under way until this is closed or dropped.
#[derive(Debug)]
pub struct Keeping {
    task: JoinHandle<()>,
    closing: DropGuard,
}

impl Keeping {
    /// Writes what waits and ends. Whoever makes requests should have ended before.
    pub async fn close(self) {
        drop(self.closing);
        // A task that panicked has said so itself.
        let _ = self.task.await;
    }
}

async fn keep(keeper: Arc<EgressKeeper>, system: Keyspace, entries_max: u64, closing: CancellationToken) {
    let mut fails = false;
    loop {
        // Asked before looking, so that what comes in between is not left behind.
        let closes = closing.is_cancelled();
        let batch = Arc::new(keeper.take());
        if batch.is_empty() {
            if closes {
                return;
            }
            tokio::select! {
                () = keeper.arrived.notified() => {}
                () = closing.cancelled() => {}
            }
            continue;
        }
        while let Err(error) = write(&system, &batch, entries_max).await {
            if !fails {
                tracing::error!(code = error.code(), %error, "the egress ledger cannot be written; it is tried again");
            }
            fails = true;
            if closing.is_cancelled() {
                let lost = batch.entries.len() + keeper.waiting.lock().entries.len();
                tracing::error!(lost, "the last entries of the egress ledger were not written");
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_AFTER) => {}
                () = closing.cancelled() => {}
            }
        }
        fails = false;
    }
}

async fn write(system: &Keyspace, batch: &Arc<Batch>, entries_max: u64) -> Result<(), crate::store::Error> {
    let batch = Arc::clone(batch);
    system.write(move |tx| entries::append(tx, &batch.entries, batch.lost, entries_max)).await
}
