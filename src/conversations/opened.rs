//! How many conversations were begun in a month, which a quota may limit.
//!
//! The count is a row for each month, raised in the transaction that opens a conversation. A month without a row is counted
//! from the conversations themselves, newest first: at its beginning that is one look.

use super::Error;
use super::conversation::Conversations;
use crate::base::Timestamp;
use crate::identity::{Pass, Reach, Right};
use crate::quotas::{self, Quota, month_of, start_of_month};
use crate::store::{self, Read, Scan, WriteTx, tables};

tables! {
    /// Conversations begun, by the months since year 0.
    Opened = "conversations.opened": u32 => u64;
}

/// Rows read at a time while counting.
const COUNTED_ROWS: usize = 256;

/// Conversations begun in the month of `now`, by UTC.
///
/// # Errors
/// When the store fails.
pub fn opened_in_month(tx: &impl Read, now: Timestamp) -> Result<u64, Error> {
    Ok(match tx.get::<Opened>(&month_of(now))? {
        Some(opened) => opened,
        None => counted(tx, start_of_month(now))?,
    })
}

/// One more, if the quota allows it.
pub(super) fn count_one(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<(), Error> {
    let opened = opened_in_month(tx, now)?.saturating_add(1);
    quotas::admit(tx, Quota::ConversationsPerMonth, None, opened)?;
    Ok(tx.put::<Opened>(&month_of(now), &opened)?)
}

fn counted(tx: &impl Read, since: Timestamp) -> Result<u64, store::Error> {
    let (mut found, mut scan) = (0, Scan::all(COUNTED_ROWS).reversed());
    loop {
        let rows = tx.scan::<Conversations>(&scan)?;
        found += rows.iter().filter(|(_, row)| row.created_at >= since).count() as u64;
        match rows.last() {
            Some((id, row)) if row.created_at >= since => {
                scan = Scan::all(COUNTED_ROWS).reversed().after(id);
            }
            _ => return Ok(found),
        }
    }
}

/// A refusal as whoever asked is told of it.
pub(super) fn for_whom<R: Right>(error: impl Into<Error>, pass: Pass<R>) -> Error {
    match (error.into(), pass.reach()) {
        (Error::Quota(error), Reach::Visitor(_)) => Error::Quota(error.for_visitor()),
        (error, _) => error,
    }
}
