//! What derived indexes must still read: written in the transaction of the change, read on from where each left off.
//!
//! An entry has a number that only grows. An index keeps the number it has read to in its own commit, so after a
//! crash it reads on from there: nothing is lost, and nothing counts twice because entries are safe to apply again.

use serde::de::DeserializeOwned;

use super::record::{self, Record};
use super::transaction::{Numbers as _, Write as _};
use super::{Error, Key as _, Read, Scan, WriteTx};

const LOG: &str = "store.index_log";
const SEQUENCE: &str = "store.index_log";

/// Appends an entry; its number.
///
/// # Errors
/// When the engine fails.
pub fn append<E: Record>(tx: &mut WriteTx<'_>, entry: &E) -> Result<u64, Error> {
    let number = tx.next_number(SEQUENCE)?;
    tx.put_raw_record(LOG, &number.to_bytes(), entry)?;
    Ok(number)
}

/// The number of the last entry ever written; 0 when there is none.
///
/// # Errors
/// When the engine fails.
pub fn last(tx: &impl Read) -> Result<u64, Error> {
    tx.last_number(SEQUENCE)
}

/// The number of the oldest entry that is still kept.
///
/// # Errors
/// When the engine fails.
pub fn first(tx: &impl Read) -> Result<Option<u64>, Error> {
    let mut first = None;
    tx.walk(LOG, &Scan::all(1), &mut |key, _| {
        first = u64::from_bytes(key);
        Ok(())
    })?;
    Ok(first)
}

/// Up to `entries_max` entries after number `position`, oldest first.
///
/// # Errors
/// When the engine fails or an entry is damaged.
pub fn read<E: DeserializeOwned>(
    tx: &impl Read,
    position: u64,
    entries_max: usize,
) -> Result<Vec<(u64, E)>, Error> {
    let mut entries = Vec::new();
    tx.walk(LOG, &Scan::all(entries_max).after(&position), &mut |key, value| {
        let number = u64::from_bytes(key)
            .ok_or_else(|| Error::Damaged { table: LOG, reason: "its key is not a number".to_owned() })?;
        entries.push((number, record::decode(LOG, value)?));
        Ok(())
    })?;
    Ok(entries)
}

/// Forgets entries up to and including `position`, which every index has read; at most `entries_max` of them.
///
/// # Errors
/// When the engine fails.
pub fn trim(tx: &mut WriteTx<'_>, position: u64, entries_max: usize) -> Result<usize, Error> {
    let mut keys = Vec::new();
    tx.walk(LOG, &Scan::between(&0u64, &position, entries_max), &mut |key, _| {
        keys.push(key.to_vec());
        Ok(())
    })?;
    for key in &keys {
        tx.remove_bytes(LOG, key)?;
    }
    Ok(keys.len())
}
