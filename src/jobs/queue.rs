//! The queue itself: operations over a transaction, with no clock and no thread of their own.
//!
//! A job waits, runs or is dead; one that has succeeded is gone. It is claimed by writing the process's boot number into
//! its row, and only who finds that number there may finish it, so a job that was taken from a process that died is never
//! finished twice. Being cut off by the end of the process is counted apart from failing: it costs no attempt, but not
//! without end ([`CRASHES_MAX`]). Under one dedup key at most one job waits.

use std::time::Duration;

use super::attention::Wakeups;
use super::error::Error;
use super::job::{BY_DEDUP_KEY, BY_DUE, BY_STATE, DEAD, Job, JobRow, JobState, JobView, Jobs, Lane, RUNNING};
use crate::base::{JobId, Page, PageRequest, Timestamp};
use crate::store::{self, Read, Scan, WriteTx};

/// The longest pause between attempts.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// A job in whose runs the process ended so often, without getting on, is given up.
const CRASHES_MAX: u32 = 25;
/// From so many on, its next run is put off: a job that brings the process down must not do so at once again.
const CRASHES_AT_ONCE_MAX: u32 = 5;
const RECOVERED_ROWS_MAX: usize = 10_000;

/// Queues `job` to run as soon as a place in its lane is free. Nothing is queued, and `None` returned, when one with
/// the same dedup key waits already.
///
/// # Errors
/// When the engine fails.
pub fn enqueue<J: Job>(tx: &mut WriteTx<'_>, now: Timestamp, job: &J) -> Result<Option<JobId>, store::Error> {
    enqueue_at(tx, now, now, job)
}

/// [`enqueue`], not to run before `due`.
///
/// # Errors
/// When the engine fails.
pub fn enqueue_at<J: Job>(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    due: Timestamp,
    job: &J,
) -> Result<Option<JobId>, store::Error> {
    let dedup_key = job.dedup_key();
    if let Some(key) = &dedup_key
        && BY_DEDUP_KEY.get(tx, &(J::NAME.to_owned(), key.clone()))?.is_some()
    {
        return Ok(None);
    }
    let payload = serde_json::to_value(job)
        .map_err(|error| store::Error::Damaged { table: "jobs.job", reason: error.to_string() })?;
    let id = JobId::new(now);
    let row = JobRow {
        name: J::NAME.to_owned(),
        lane: J::LANE,
        payload,
        dedup_key,
        state: JobState::Waiting,
        boot: 0,
        attempts: 0,
        crashes: 0,
        created: now,
        due,
        last_error: None,
    };
    tx.insert::<Jobs>(&id, &row)?;
    announce(tx, J::LANE, due)?;
    Ok(Some(id))
}

/// Marks the keyspace as having work now, and tells the runner once the transaction is on disk.
fn announce(tx: &mut WriteTx<'_>, lane: Lane, due: Timestamp) -> Result<(), store::Error> {
    if let Some(wakeups) = tx.extension::<Wakeups>() {
        let keyspace = tx.keyspace();
        wakeups.mark(keyspace)?;
        tx.after_commit(move || wakeups.wake(keyspace, lane, due));
    }
    Ok(())
}

/// Claims the longest due job of `lane`, for the process `boot`.
pub(super) fn claim(
    tx: &mut WriteTx<'_>,
    lane: Lane,
    now: Timestamp,
    boot: u64,
) -> Result<Option<(JobId, JobRow)>, store::Error> {
    let due = Scan::between(&(lane.number(), Timestamp::default()), &(lane.number(), now), 1);
    let Some((id, _)) = BY_DUE.scan(tx, &due)?.into_iter().next() else { return Ok(None) };
    let row = tx.update::<Jobs>(&id, |row| {
        row.state = JobState::Running;
        row.boot = boot;
        row.attempts = row.attempts.saturating_add(1);
    })?;
    Ok(Some((id, row)))
}

/// When the next waiting job of `lane` is due.
pub(super) fn next_due(tx: &impl Read, lane: Lane) -> Result<Option<Timestamp>, store::Error> {
    let rows = BY_DUE.scan(tx, &Scan::prefix(&lane.number(), 1))?;
    Ok(rows.first().map(|(_, row)| row.due))
}

/// Whether any job runs or will run, and when the next waiting one is due.
pub(super) fn outlook(tx: &impl Read) -> Result<(bool, Option<Timestamp>), store::Error> {
    let running = !BY_STATE.keys(tx, &Scan::prefix(&RUNNING, 1))?.is_empty();
    let mut next = None;
    for lane in Lane::ALL {
        next = [next, next_due(tx, lane)?].into_iter().flatten().min();
    }
    Ok((running, next))
}

/// Puts back the jobs that ran when an earlier process ended.
pub(super) fn recover(tx: &mut WriteTx<'_>, now: Timestamp, boot: u64) -> Result<usize, store::Error> {
    let running = BY_STATE.scan(tx, &Scan::prefix(&RUNNING, RECOVERED_ROWS_MAX))?;
    let mut recovered = 0;
    for (id, row) in running.into_iter().filter(|(_, row)| row.boot != boot) {
        tx.update::<Jobs>(&id, |row| {
            row.crashes = row.crashes.saturating_add(1);
            // The attempt was cut off, it did not fail.
            row.attempts = row.attempts.saturating_sub(1);
            let delay = Duration::from_secs(10) * row.crashes.saturating_sub(CRASHES_AT_ONCE_MAX);
            row.due = now.plus(delay);
            row.state = JobState::Waiting;
            if row.crashes >= CRASHES_MAX {
                row.state = JobState::Dead;
                row.last_error = Some("the process ended each time it ran".to_owned());
            }
        })
        .or_else(|error| give_way(tx, &id, error).map(|()| row))?;
        recovered += 1;
    }
    for lane in Lane::ALL {
        if let Some(due) = next_due(tx, lane)? {
            announce(tx, lane, due)?;
        }
    }
    Ok(recovered)
}

/// A job that is put back while another with its key waits is not needed any more.
fn give_way(tx: &mut WriteTx<'_>, id: &JobId, error: store::Error) -> Result<(), store::Error> {
    match error {
        store::Error::Duplicate { .. } => {
            tx.remove::<Jobs>(id)?;
            Ok(())
        }
        other => Err(other),
    }
}

/// Whether this process still holds the claim.
pub(super) fn is_claimed(tx: &impl Read, id: JobId, boot: u64) -> Result<bool, store::Error> {
    Ok(tx.get::<Jobs>(&id)?.is_some_and(|row| row.state == JobState::Running && row.boot == boot))
}

/// Takes the job off the queue; a recurring one is put back for its next time.
pub(super) fn complete(
    tx: &mut WriteTx<'_>,
    id: JobId,
    now: Timestamp,
    every: Option<Duration>,
) -> Result<(), store::Error> {
    let Some(every) = every else {
        tx.remove::<Jobs>(&id)?;
        return Ok(());
    };
    let due = now.plus(every);
    let row = tx.update::<Jobs>(&id, |row| {
        row.state = JobState::Waiting;
        row.due = due;
        row.attempts = 0;
        row.crashes = 0;
        row.last_error = None;
    });
    match row {
        Ok(row) => announce(tx, row.lane, due),
        Err(error) => give_way(tx, &id, error),
    }
}

/// Notes that a long job has got on: earlier failures and crashes no longer count against it.
pub(super) fn got_on(tx: &mut WriteTx<'_>, id: JobId) -> Result<(), store::Error> {
    tx.update::<Jobs>(&id, |row| {
        row.attempts = row.attempts.min(1);
        row.crashes = 0;
    })
    .map(drop)
}

/// Puts a failed job back with its pause.
pub(super) fn put_back(
    tx: &mut WriteTx<'_>,
    id: JobId,
    due: Timestamp,
    reason: Option<&str>,
) -> Result<(), store::Error> {
    let row = tx.update::<Jobs>(&id, |row| {
        row.state = JobState::Waiting;
        row.due = due;
        match reason {
            Some(reason) => row.last_error = Some(reason.to_owned()),
            None => row.attempts = row.attempts.saturating_sub(1),
        }
    });
    match row {
        Ok(row) => announce(tx, row.lane, due),
        Err(error) => give_way(tx, &id, error),
    }
}

/// Makes it a dead letter.
pub(super) fn bury(tx: &mut WriteTx<'_>, id: JobId, reason: &str) -> Result<(), store::Error> {
    tx.update::<Jobs>(&id, |row| {
        row.state = JobState::Dead;
        row.last_error = Some(reason.to_owned());
    })
    .map(drop)
}

/// The pause after `attempts` failed ones: 1 s doubling to an hour, and up to a quarter more, so that jobs that
/// failed together do not come back together.
pub(super) fn pause(attempts: u32) -> Duration {
    let base = Duration::from_secs(1).saturating_mul(1 << attempts.saturating_sub(1).min(12)).min(PAUSE_MAX);
    base + base.mul_f64(rand::random::<f64>() / 4.0)
}

/// The dead letters, or what is waiting or running, of a keyspace.
///
/// # Errors
/// When the engine fails.
pub fn list(tx: &impl Read, state: JobState, request: &PageRequest) -> Result<Page<JobView>, Error> {
    let page = tx.page::<Jobs>(Scan::all(0), request)?;
    let next_cursor = page.next_cursor;
    let items =
        page.items.into_iter().filter(|(_, row)| row.state == state).map(|(id, row)| JobView::of(id, row));
    Ok(Page { items: items.collect(), next_cursor })
}

/// How many jobs wait or run, counted up to `rows_max`.
///
/// # Errors
/// When the engine fails.
pub fn waiting(tx: &impl Read, rows_max: usize) -> Result<usize, store::Error> {
    let running = BY_STATE.keys(tx, &Scan::prefix(&RUNNING, rows_max))?.len();
    Ok(running + BY_DUE.keys(tx, &Scan::all(rows_max))?.len())
}

/// How many jobs there are, each number up to `rows_max`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that wait, in the order of [`Lane::ALL`].
    pub waiting: [usize; 3],
    /// Those that run.
    pub running: usize,
    /// Dead letters.
    pub dead: usize,
}

impl Counts {
    /// These and `other` together.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for (one, more) in self.waiting.iter_mut().zip(other.waiting) {
            *one += more;
        }
        Self { waiting: self.waiting, running: self.running + other.running, dead: self.dead + other.dead }
    }
}

/// Counts the jobs of a keyspace.
///
/// # Errors
/// When the engine fails.
pub fn counts(tx: &impl Read, rows_max: usize) -> Result<Counts, store::Error> {
    let mut counts = Counts {
        running: BY_STATE.keys(tx, &Scan::prefix(&RUNNING, rows_max))?.len(),
        dead: BY_STATE.keys(tx, &Scan::prefix(&DEAD, rows_max))?.len(),
        ..Counts::default()
    };
    for (count, lane) in counts.waiting.iter_mut().zip(Lane::ALL) {
        *count = BY_DUE.keys(tx, &Scan::prefix(&lane.number(), rows_max))?.len();
    }
    Ok(counts)
}

/// Runs a dead letter again, from its first attempt.
///
/// # Errors
/// [`Error::NotDead`].
pub fn retry(tx: &mut WriteTx<'_>, now: Timestamp, id: JobId) -> Result<JobView, Error> {
    let found = tx.get::<Jobs>(&id)?.filter(|row| row.state == JobState::Dead).ok_or(Error::NotDead)?;
    let row = tx.update::<Jobs>(&id, |row| {
        row.state = JobState::Waiting;
        row.attempts = 0;
        row.crashes = 0;
        row.due = now;
    })?;
    announce(tx, found.lane, now)?;
    Ok(JobView::of(id, row))
}
