//! Looks again and again at what can change under a running process, and sets the health facts that a probe reads.
//!
//! A probe costs nothing and can never hang, because it only reads what was seen last. Whether the disk takes a commit is proven
//! by one; everything else is looked at.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::operations::Operations;
use super::place::{DISK_FAILED_BYTES, DISK_WARNING_BYTES};
use crate::base::Timestamp;
use crate::store::{Error, WriteTx, tables};
use crate::telemetry::DiskFacts;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a commit is made to prove that one can be.
const COMMIT_EVERY: Duration = Duration::from_secs(60);
/// A commit that takes longer is as bad as none.
const COMMIT_MAX: Duration = Duration::from_secs(20);
/// How often the memory is looked at. Databases that are closed for it too often are only opened again.
const RELIEVE_EVERY: Duration = Duration::from_secs(10);

tables! {
    /// When the process last proved that it can write.
    Heartbeat = "ops.heartbeat": () => Timestamp;
}

fn beat(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<(), Error> {
    tx.put::<Heartbeat>(&(), &now)
}

/// Looks until `stopping`. The first look is over when this is first suspended for longer than a commit takes.
pub async fn watch(operations: Arc<Operations>, stopping: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut relief = tokio::time::interval(RELIEVE_EVERY);
    let mut committed: Option<Timestamp> = None;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = relief.tick() => relieve(&operations).await,
            _ = looks.tick() => {
                let now = operations.parts.clock.now();
                // One that failed is tried at every look, so that the fact is over soon after the fault.
                if committed.is_none_or(|at| now.since(at) >= COMMIT_EVERY) {
                    committed = commit(&operations, now).await.then_some(now);
                }
                look(&operations, now);
            }
        }
    }
}

/// Proves that the disk takes a commit; whether it did.
async fn commit(operations: &Operations, now: Timestamp) -> bool {
    let (health, system) = (&operations.parts.health, operations.parts.store.system());
    let written = tokio::time::timeout(COMMIT_MAX, system.write(move |tx| beat(tx, now))).await;
    match written {
        Ok(Ok(())) => {
            health.ok("store");
            return true;
        }
        Ok(Err(error)) if error.is_disk_full() => {
            health.failed("store", "The disk is full; nothing can be saved. Free some space.");
        }
        Ok(Err(error)) => {
            tracing::error!(?error, "a commit to prove that one can be made failed");
            health.failed(
                "store",
                "The database takes no changes. The log says why; when it is mended, restart the appliance.",
            );
        }
        Err(_) => health.failed("store", "The disk takes too long to save a change."),
    }
    false
}

/// Looks at everything that needs no commit.
fn look(operations: &Operations, now: Timestamp) {
    let (parts, health) = (&operations.parts, &operations.parts.health);
    match DiskFacts::of(parts.store.directory().path()).map(|disk| disk.free_bytes) {
        Ok(0..DISK_FAILED_BYTES) => health.failed("disk", "The disk is nearly full. Free some space."),
        Ok(DISK_FAILED_BYTES..DISK_WARNING_BYTES) => {
            health.degraded("disk", "Little room is left on the disk.");
        }
        Ok(_) => health.ok("disk"),
        Err(_) => health.failed("disk", "The data directory is not there any more."),
    }
    match operations.runner_is_alive() {
        Some(true) => health.ok("jobs"),
        Some(false) => health.failed("jobs", "Background work has ended; restart the appliance."),
        None => {}
    }
    match operations.proxy_fault(now) {
        Some((fault, _)) => health.degraded("proxy", fault),
        None => health.ok("proxy"),
    }
}

/// Gives memory back when it is short: the databases and indexes that nobody holds are closed.
async fn relieve(operations: &Operations) {
    let (memory, health) = (&operations.parts.memory, &operations.parts.health);
    if !memory.is_short() {
        health.ok("memory");
        return;
    }
    let store = operations.parts.store.clone();
    let closed = tokio::task::spawn_blocking(move || store.close_unused()).await.unwrap_or(0);
    if closed > 0 {
        tracing::info!(closed, "memory is short; databases that nobody uses were closed");
    }
    health.degraded("memory", "Memory is short; uploads and the reading of documents wait.");
}
