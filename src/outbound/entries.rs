//! The rows of the egress ledger: how an entry is kept, read and forgotten.
//!
//! Rows are numbered in the order in which the attempts ended, without gaps, so a number says how many came after it: what
//! is beyond [`Retention::entries_max`] goes in the transaction that adds what pushed it out, and the table never holds more.
//! What is too old goes with the hourly [`ForgetEgress`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ledger::{LedgerEntry, Outcome};
use crate::base::{Page, PageRequest, Timestamp};
use crate::jobs::{Failure, Job, Lane, Work, Worker};
use crate::store::{Error, Numbers as _, Read, Scan, WriteTx, tables};

/// The sequence that numbers the rows.
const SEQUENCE: &str = "outbound.egress";
/// Characters of a destination that are kept: a host name has at most 253.
const DESTINATION_CHARS_MAX: usize = 300;
/// In one transaction; what is left is forgotten in the next.
const FORGOTTEN_ROWS_MAX: usize = 1_000;

/// How much of the ledger is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Rows at most; the oldest go first.
    pub entries_max: u64,
    /// What began longer ago is forgotten.
    pub age_max: Duration,
}

/// How an attempt ended, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EgressOutcome {
    /// The answer was read to its end; its status may still be an error's.
    Answered,
    /// The policy stopped it before anything was sent; `code` says why.
    Refused,
    /// It went wrong; `code` says how.
    Failed,
    /// Nobody waited for the end.
    Cancelled,
    /// Stands for `lost` attempts that were not written down, because more ended at a time than may wait.
    Lost,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    at: Timestamp,
    destination: String,
    purpose: String,
    tenant: Option<String>,
    bytes_out: u64,
    bytes_in: u64,
    status: Option<u16>,
    duration_ms: u64,
    outcome: EgressOutcome,
    code: Option<String>,
    lost: u64,
}

impl Row {
    fn of(entry: &LedgerEntry) -> Self {
        let (outcome, code) = match entry.outcome {
            Outcome::Answered => (EgressOutcome::Answered, None),
            Outcome::Refused(code) => (EgressOutcome::Refused, Some(code.to_owned())),
            Outcome::Failed(code) => (EgressOutcome::Failed, Some(code.to_owned())),
            Outcome::Cancelled => (EgressOutcome::Cancelled, None),
        };
        Self {
            at: entry.at,
            destination: entry.destination.chars().take(DESTINATION_CHARS_MAX).collect(),
            purpose: entry.purpose.to_owned(),
            tenant: entry.tenant.clone(),
            bytes_out: entry.bytes_out,
            bytes_in: entry.bytes_in,
            status: entry.status,
            duration_ms: entry.duration_ms,
            outcome,
            code,
            lost: 0,
        }
    }

    fn of_lost(lost: Lost) -> Self {
        Self {
            at: lost.since,
            destination: String::new(),
            purpose: String::new(),
            tenant: None,
            bytes_out: 0,
            bytes_in: 0,
            status: None,
            duration_ms: 0,
            outcome: EgressOutcome::Lost,
            code: None,
            lost: lost.count,
        }
    }
}

/// One row of the ledger, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EgressView {
    /// Counted from 1, in the order in which attempts ended.
    pub number: u64,
    /// When it began.
    pub at: Timestamp,
    /// `host:port`; only the scheme where the address had no host; empty for attempts that were lost.
    pub destination: String,
    /// What for, such as `ai.chat`.
    pub purpose: String,
    /// The workspace that it was for; null for the appliance's own.
    #[schema(required)]
    pub tenant: Option<String>,
    /// Bytes of the body that were sent.
    pub bytes_out: u64,
    /// Bytes of the body that came back.
    pub bytes_in: u64,
    /// The status of the answer, where there was one.
    #[schema(required)]
    pub status: Option<u16>,
    /// From the start to the end, in milliseconds.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: EgressOutcome,
    /// Why it was refused or went wrong.
    #[schema(required)]
    pub code: Option<String>,
    /// How many attempts an entry with the outcome `lost` stands for; 0 for all others.
    pub lost: u64,
}

impl EgressView {
    fn of(number: u64, row: Row) -> Self {
        Self {
            number,
            at: row.at,
            destination: row.destination,
            purpose: row.purpose,
            tenant: row.tenant,
            bytes_out: row.bytes_out,
            bytes_in: row.bytes_in,
            status: row.status,
            duration_ms: row.duration_ms,
            outcome: row.outcome,
            code: row.code,
            lost: row.lost,
        }
    }
}

tables! {
    /// What was sent and refused, by number.
    pub(super) Entries = "outbound.egress": u64 => Row;
}

/// Attempts that were not written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) count: u64,
    /// When the first of them began.
    pub(super) since: Timestamp,
}

/// Adds entries and, after them, the mark of those that were lost; what they push out goes.
pub(super) fn append(
    tx: &mut WriteTx<'_>,
    entries: &[LedgerEntry],
    lost: Option<Lost>,
    entries_max: u64,
) -> Result<(), Error> {
    let rows: Vec<Row> = entries.iter().map(Row::of).chain(lost.map(Row::of_lost)).collect();
    for row in &rows {
        let number = tx.next_number(SEQUENCE)?;
        tx.insert::<Entries>(&number, row)?;
    }
    // As many again, so that a limit that was lowered is reached in time.
    push_out(tx, entries_max, rows.len().saturating_mul(2)).map(drop)
}

/// Forgets the oldest rows beyond `entries_max`, at most `rows_max` of them; how many.
fn push_out(tx: &mut WriteTx<'_>, entries_max: u64, rows_max: usize) -> Result<usize, Error> {
    let last_out = tx.last_number(SEQUENCE)?.saturating_sub(entries_max);
    let numbers = tx.keys::<Entries>(&Scan::between(&0u64, &last_out, rows_max))?;
    for number in &numbers {
        tx.remove::<Entries>(number)?;
    }
    Ok(numbers.len())
}

/// Forgets what is too old or too much, at most [`FORGOTTEN_ROWS_MAX`] rows; how many.
pub(super) fn forget(tx: &mut WriteTx<'_>, now: Timestamp, kept: Retention) -> Result<usize, Error> {
    let mut forgotten = push_out(tx, kept.entries_max, FORGOTTEN_ROWS_MAX)?;
    let oldest = tx.scan::<Entries>(&Scan::all(FORGOTTEN_ROWS_MAX - forgotten))?;
    for (number, row) in oldest {
        if now.since(row.at) <= kept.age_max {
            break;
        }
        tx.remove::<Entries>(&number)?;
        forgotten += 1;
    }
    Ok(forgotten)
}

/// Forgets the rows about one tenant, looking at `rows_max` rows after number `after`: how many were forgotten, and the last number
/// that was looked at while there are more.
///
/// # Errors
/// When the store fails.
pub fn forget_tenant(
    tx: &mut WriteTx<'_>,
    tenant: &str,
    after: u64,
    rows_max: usize,
) -> Result<(u64, Option<u64>), Error> {
    let rows = tx.scan::<Entries>(&Scan::all(rows_max).after(&after))?;
    let (last, more) = (rows.last().map(|(number, _)| *number), rows.len() >= rows_max);
    let mut forgotten = 0;
    for (number, _) in rows.iter().filter(|(_, row)| row.tenant.as_deref() == Some(tenant)) {
        tx.remove::<Entries>(number)?;
        forgotten += 1;
    }
    Ok((forgotten, last.filter(|_| more)))
}

/// One page of the ledger of the system keyspace, newest first.
///
/// # Errors
/// When the store fails.
pub fn egress(tx: &impl Read, request: &PageRequest) -> Result<Page<EgressView>, Error> {
    let page = tx.page::<Entries>(Scan::all(0).reversed(), request)?;
    Ok(page.map(|(number, row)| EgressView::of(number, row)))
}

/// Forgets what the ledger need not hold any more. Queue it in the system keyspace at each start; a second one is not kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ForgetEgress {}

impl Job for ForgetEgress {
    const NAME: &'static str = "outbound.forget_egress";
    const LANE: Lane = Lane::Upkeep;
    const EVERY: Option<Duration> = Some(Duration::from_hours(1));

    fn dedup_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

/// Does [`ForgetEgress`].
#[derive(Debug, Clone, Copy)]
pub struct EgressSweeper(pub Retention);

impl Worker<ForgetEgress> for EgressSweeper {
    async fn run(&self, work: Work<ForgetEgress>) -> Result<(), Failure> {
        let (now, kept) = (work.now, self.0);
        while !work.stopping.is_cancelled() {
            let forgotten = work.keyspace.write(move |tx| forget(tx, now, kept)).await?;
            if forgotten < FORGOTTEN_ROWS_MAX {
                break;
            }
        }
        Ok(())
    }
}
