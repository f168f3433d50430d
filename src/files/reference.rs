//! Who needs which blob.

use super::{BlobHash, CollectBlob, Stored, stock};
use crate::base::Timestamp;
use crate::jobs;
use crate::store::{self, Read, Scan, WriteTx, tables};

/// References read at a time.
const REFERENCES_AT_A_TIME: usize = 1_024;

tables! {
    /// A row for each need of a blob.
    References = "files.reference": (BlobHash, String) => ();
}

/// Notes that `owner` needs the blob, in the transaction that makes it so.
///
/// # Errors
/// When the engine fails.
pub fn refer(tx: &mut WriteTx<'_>, blob: &Stored, owner: &str) -> Result<(), store::Error> {
    let hash = blob.hash();
    if !is_referenced(tx, hash)? {
        stock::add(tx, hash, blob.size_bytes())?;
    }
    tx.put::<References>(&(hash, owner.to_owned()), &())
}

/// `owner` needs the blob no more; when nobody does, its removal is queued.
///
/// # Errors
/// When the engine fails.
pub fn release(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    hash: BlobHash,
    owner: &str,
) -> Result<(), store::Error> {
    tx.remove::<References>(&(hash, owner.to_owned()))?;
    if !is_referenced(tx, hash)? {
        stock::take(tx, hash)?;
        jobs::enqueue(tx, now, &CollectBlob { hash })?;
    }
    Ok(())
}

/// Whether anybody needs the blob.
///
/// # Errors
/// When the engine fails.
pub fn is_referenced(tx: &impl Read, hash: BlobHash) -> Result<bool, store::Error> {
    Ok(!tx.keys::<References>(&Scan::prefix(&hash, 1))?.is_empty())
}

/// Every blob that somebody needs, once each, in the order of their hashes: 32 bytes for each, for who must not hold a snapshot
/// while it reads their files, because what writers replace meanwhile has to be given back all at once afterwards.
///
/// # Errors
/// The engine's.
pub fn referenced(tx: &impl Read) -> Result<Vec<BlobHash>, store::Error> {
    let mut found = Vec::new();
    each_referenced(tx, |hash| {
        found.push(hash);
        Ok::<_, store::Error>(())
    })?;
    Ok(found)
}

/// Visits every blob that somebody needs, once each, in the order of their hashes.
///
/// # Errors
/// What `visit` fails with, or the engine.
pub fn each_referenced<E: From<store::Error>>(
    tx: &impl Read,
    mut visit: impl FnMut(BlobHash) -> Result<(), E>,
) -> Result<(), E> {
    let mut scan = Scan::all(REFERENCES_AT_A_TIME);
    let mut last: Option<BlobHash> = None;
    loop {
        let keys = tx.keys::<References>(&scan)?;
        let Some(end) = keys.last() else { return Ok(()) };
        scan = scan.after(end);
        for (hash, _) in &keys {
            if last != Some(*hash) {
                visit(*hash)?;
                last = Some(*hash);
            }
        }
    }
}
