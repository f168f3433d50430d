//! Group commit: the changes that wait are committed together, so that one fsync serves them all.
//!
//! There is no writer thread. Whoever adds a change while nobody is committing becomes the committer and drains the
//! queue; everybody else only waits for an answer. redb has one writer per file anyway, and its lock is not fair;
//! this queue is. A change that fails before it wrote anything is answered at once; if one fails after
//! it wrote, the batch is aborted and its changes run again, each in a transaction of its own, so that one's error is
//! never another's.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::transaction::{AfterCommit, Extensions, WriteTx};
use super::{Error, KeyspaceId};
use crate::telemetry::Metrics;

/// The most changes of one batch: bounds the memory of a transaction and how long the first of them waits.
const BATCH_CHANGES_MAX: usize = 256;
/// The most changes that may wait for one keyspace.
const WAITING_CHANGES_MAX: usize = 16_384;

/// A change of any type.
pub(super) trait Change: Send {
    /// Runs it; whether it succeeded. Its own result is kept until [`Change::answer`].
    fn apply(&mut self, tx: &mut WriteTx<'_>) -> bool;
    /// Tells the caller: its own result when `commit` is fine or it failed by itself, else the fault of the commit.
    fn answer(self: Box<Self>, commit: Result<(), Error>);
}

pub(super) struct TypedChange<T, E, F> {
    run: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> TypedChange<T, E, F>
where
    F: Fn(&mut WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    pub(super) fn new(run: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { run, result: None, reply }, answer)
    }
}

impl<T, E, F> Change for TypedChange<T, E, F>
where
    F: Fn(&mut WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn apply(&mut self, tx: &mut WriteTx<'_>) -> bool {
        // A panic rolls back like an error does; the caller is told that its change was lost.
        let result = catch_unwind(AssertUnwindSafe(|| (self.run)(tx)));
        self.result = Some(result.unwrap_or_else(|_| Err(Error::Lost.into())));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, commit: Result<(), Error>) {
        let result = match (self.result, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Lost.into()),
        };
        // The caller may have gone away; the change is on disk all the same.
        let _ = self.reply.send(result);
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Box<dyn Change>>,
    committing: bool,
}

/// The changes that wait for one keyspace.
#[derive(Default)]
pub(super) struct Committer {
    queue: Mutex<Queue>,
}

impl Committer {
    /// Adds a change; true when the caller must now [`Committer::drain`], because nobody else is.
    pub(super) fn add(&self, change: Box<dyn Change>) -> bool {
        let mut queue = self.queue.lock();
        if queue.waiting.len() >= WAITING_CHANGES_MAX {
            let waiting = queue.waiting.len();
            drop(queue);
            change.answer(Err(Error::Busy { waiting }));
            return false;
        }
        queue.waiting.push_back(change);
        !std::mem::replace(&mut queue.committing, true)
    }

    fn next_batch(&self) -> Option<Vec<Box<dyn Change>>> {
        let mut queue = self.queue.lock();
        if queue.waiting.is_empty() {
            queue.committing = false;
            return None;
        }
        let changes = queue.waiting.len().min(BATCH_CHANGES_MAX);
        Some(queue.waiting.drain(..changes).collect())
    }

    /// Commits until nothing waits. Returns the fault after which the database must be opened anew, if there was one.
    pub(super) fn drain(
        &self,
        database: &redb::Database,
        keyspace: KeyspaceId,
        extensions: &Extensions,
    ) -> Option<Error> {
        let mut broken = None;
        while let Some(batch) = self.next_batch() {
            if let Err(error) = commit_batch(database, keyspace, extensions, batch)
                && error.breaks_database()
            {
                broken = Some(error);
            }
        }
        broken
    }
}

fn begin(database: &redb::Database) -> Result<redb::WriteTransaction, Error> {
    let mut transaction = database.begin_write()?;
    // Costs one more fsync and saves a full repair, which takes seconds on a large file, after a crash.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// What became of a batch's first attempt.
enum Attempt {
    Committed(Vec<Box<dyn Change>>),
    /// One failed after it had written.
    Spoilt(Vec<Box<dyn Change>>),
    Failed(Vec<Box<dyn Change>>, Error),
}

fn commit_batch(
    database: &redb::Database,
    keyspace: KeyspaceId,
    extensions: &Extensions,
    batch: Vec<Box<dyn Change>>,
) -> Result<(), Error> {
    match attempt(database, keyspace, extensions, batch) {
        Attempt::Committed(changes) => {
            changes.into_iter().for_each(|change| change.answer(Ok(())));
            Ok(())
        }
        Attempt::Failed(changes, error) => {
            changes.into_iter().for_each(|change| change.answer(Err(error.clone())));
            Err(error)
        }
        Attempt::Spoilt(changes) => {
            let mut outcome = Ok(());
            for change in changes {
                match attempt(database, keyspace, extensions, vec![change]) {
                    Attempt::Committed(alone) | Attempt::Spoilt(alone) => {
                        alone.into_iter().for_each(|change| change.answer(Ok(())));
                    }
                    Attempt::Failed(alone, error) => {
                        alone.into_iter().for_each(|change| change.answer(Err(error.clone())));
                        outcome = Err(error);
                    }
                }
            }
            outcome
        }
    }
}

fn attempt(
    database: &redb::Database,
    keyspace: KeyspaceId,
    extensions: &Extensions,
    mut batch: Vec<Box<dyn Change>>,
) -> Attempt {
    let transaction = match begin(database) {
        Ok(transaction) => transaction,
        Err(error) => return Attempt::Failed(batch, error),
    };
    let mut announcements: Vec<AfterCommit> = Vec::new();
    let mut wrote = false;
    let mut kept = Vec::with_capacity(batch.len());
    let mut rest = batch.drain(..);
    while let Some(mut change) = rest.next() {
        let mut tx = WriteTx::new(&transaction, keyspace, extensions);
        let succeeded = change.apply(&mut tx);
        let (writes, after_commit) = (tx.writes, std::mem::take(&mut tx.after_commit));
        drop(tx);
        if succeeded {
            wrote |= writes > 0;
            announcements.extend(after_commit);
            kept.push(change);
        } else if writes == 0 {
            change.answer(Ok(()));
        } else {
            kept.push(change);
            kept.extend(rest);
            return Attempt::Spoilt(kept);
        }
    }
    drop(rest);
    if wrote {
        let begun = Instant::now();
        let committed = transaction.commit();
        if let Some(metrics) = extensions.get::<Metrics>() {
            metrics.committed(begun.elapsed(), committed.is_ok());
        }
        if let Err(error) = committed {
            return Attempt::Failed(kept, error.into());
        }
    }
    announcements.into_iter().for_each(|announce| announce());
    Attempt::Committed(kept)
}
