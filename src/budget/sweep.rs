//! Gives back what was set aside for answers that nobody works on any more.
//!
//! An answer's job that runs again after a crash asks again and so renews its reservation. One that is not renewed for
//! [`KEPT`] belongs to no job: it ended without settling or releasing. The first reservation of a tenant queues
//! [`ReleaseLeft`] in its own transaction, so the sweep survives whatever the reservation does, and the sweep queues the next
//! one only while something is set aside: an idle tenant has none. Should an answer take longer than that all the same,
//! its settlement is booked in full; only the limit was looser meanwhile.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use super::budgets::Budgets;
use super::reserve::{BY_AGE, give_back};
use crate::base::Timestamp;
use crate::jobs::{self, Failure, Job, Lane, Work, Worker};
use crate::store::{Scan, WriteTx};

/// A reservation that is not renewed for so long is given back.
pub const KEPT: Duration = Duration::from_secs(3_600);
/// In one transaction; what is left is given back in the next.
const RELEASED_ROWS_MAX: usize = 1_000;

/// Gives back the reservations that were left behind.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ReleaseLeft {}

impl Job for ReleaseLeft {
    const NAME: &'static str = "budget.release_left";
    const LANE: Lane = Lane::Upkeep;
    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Queues the sweep for when a reservation of `oldest` has been left too long, unless one waits already.
pub(super) fn plan(tx: &mut WriteTx<'_>, now: Timestamp, oldest: Timestamp) -> Result<(), Error> {
    jobs::enqueue_at(tx, now, oldest.plus(KEPT).max(now), &ReleaseLeft {})?;
    Ok(())
}

/// One sweep; how many reservations were given back.
pub(super) fn release_left(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<usize, Error> {
    let mut released = 0;
    for (message, row) in BY_AGE.scan(tx, &Scan::all(RELEASED_ROWS_MAX))? {
        if now.since(row.at) < KEPT {
            break;
        }
        give_back(tx, message)?;
        released += 1;
    }
    if let Some((_, oldest)) = BY_AGE.scan(tx, &Scan::all(1))?.first() {
        plan(tx, now, oldest.at)?;
    }
    Ok(released)
}

impl Worker<ReleaseLeft> for Budgets {
    async fn run(&self, work: Work<ReleaseLeft>) -> Result<(), Failure> {
        let (ticket, now) = (work.ticket, work.now);
        let swept = work
            .keyspace
            .write(move |tx| if ticket.complete(tx, now)? { release_left(tx, now) } else { Ok(0) });
        let released = swept.await?;
        if released > 0 {
            tracing::info!(released, "money was set aside for answers that nobody works on any more");
        }
        Ok(())
    }
}
