//! The job that removes what is left of passages that were withdrawn.

use super::document::Places;
use super::jobs::{ClearGroup, TendIndex};
use super::{Error, Knowledge};
use crate::jobs::{self, Failure, Work, Worker};
use crate::search::index::{self, PASSAGES_MAX, number};
use crate::store::{Read as _, Scan};

/// Passages removed in one change.
const REMOVED_MAX: usize = 256;

impl Worker<ClearGroup> for Knowledge {
    async fn run(&self, work: Work<ClearGroup>) -> Result<(), Failure> {
        let (keyspace, group, ticket) = (&work.keyspace, work.job.group, work.ticket);
        // The indexes let go of the group before it is no longer hidden.
        self.catch_up(keyspace).await?;
        loop {
            let removed = keyspace
                .write(move |tx| {
                    let places = Scan::between(&number(group, 0), &number(group, PASSAGES_MAX), REMOVED_MAX);
                    for chunk in tx.keys::<Places>(&places)? {
                        tx.remove::<Places>(&chunk)?;
                    }
                    let removed = index::clear(tx, group, REMOVED_MAX)?;
                    ticket.got_on(tx)?;
                    Ok::<_, Error>(removed)
                })
                .await?;
            if removed == 0 {
                break;
            }
            if work.stopping.is_cancelled() {
                return Err(Failure::Later(std::time::Duration::ZERO));
            }
        }
        let (now, tend_after) = (self.now(), self.inner.settings.tend_after);
        keyspace
            .write(move |tx| {
                index::forget(tx, group)?;
                jobs::enqueue_at(tx, now, now.plus(tend_after), &TendIndex {})?;
                ticket.complete(tx, now)
            })
            .await?;
        Ok(())
    }
}
