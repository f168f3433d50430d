//! How many bytes of files a tenant needs, counted as they come and go.
//!
//! The count is kept in the transactions of [`super::refer`] and [`super::release`]; a blob that several need counts once. A
//! keyspace of an older release has no count yet, nor has one whose count was removed: [`measure`] makes it from what is
//! referred to, before the next blob is put. Until then nothing is added or taken, because it would be counted twice.

use super::put::blocking;
use super::{BlobHash, Error, Stored, each_referenced, is_referenced};
use crate::quotas::{self, Quota};
use crate::store::{self, Keyspace, Read, WriteTx, tables};

tables! {
    /// The bytes of each blob that is needed.
    Sizes = "files.size": BlobHash => u64;
    /// Their sum.
    Totals = "files.total": () => u64;
}

pub(super) fn add(tx: &mut WriteTx<'_>, hash: BlobHash, bytes: u64) -> Result<(), store::Error> {
    let Some(total) = tx.get::<Totals>(&())? else { return Ok(()) };
    tx.put::<Sizes>(&hash, &bytes)?;
    tx.put::<Totals>(&(), &total.saturating_add(bytes))
}

pub(super) fn take(tx: &mut WriteTx<'_>, hash: BlobHash) -> Result<(), store::Error> {
    let Some(total) = tx.get::<Totals>(&())? else { return Ok(()) };
    let bytes = tx.get::<Sizes>(&hash)?.unwrap_or(0);
    tx.remove::<Sizes>(&hash)?;
    tx.put::<Totals>(&(), &total.saturating_sub(bytes))
}

/// Whether the tenant's quota has room for the blob, in the transaction that is about to refer to it.
///
/// # Errors
/// [`quotas::Error::Reached`], or when the store fails.
pub fn admit(tx: &WriteTx<'_>, blob: &Stored) -> Result<(), quotas::Error> {
    if is_referenced(tx, blob.hash())? {
        return Ok(());
    }
    let total = tx.get::<Totals>(&())?.unwrap_or(0);
    quotas::admit(tx, Quota::StorageBytes, None, total.saturating_add(blob.size_bytes()))
}

/// The bytes of all blobs that are needed, each counted once; counted now where there is no count yet.
///
/// # Errors
/// When the store or the disk fails.
pub async fn stored_bytes(keyspace: &Keyspace) -> Result<u64, Error> {
    if let Some(total) = keyspace.read(|tx| tx.get::<Totals>(&()))? {
        return Ok(total);
    }
    let keyspace = keyspace.clone();
    blocking(move || measure(&keyspace)).await
}

/// Makes the count where there is none. Blocks.
pub(super) fn measure(keyspace: &Keyspace) -> Result<u64, Error> {
    let folder = keyspace.folder().to_path_buf();
    keyspace.write_blocking(move |tx| {
        if let Some(total) = tx.get::<Totals>(&())? {
            return Ok::<_, Error>(total);
        }
        let mut needed = Vec::new();
        each_referenced(tx, |hash| {
            needed.push(hash);
            Ok::<_, Error>(())
        })?;
        let mut total = 0u64;
        for hash in needed {
            // A blob that is missing takes no room.
            let bytes = std::fs::metadata(hash.path(&folder)).map_or(0, |about| about.len());
            tx.put::<Sizes>(&hash, &bytes)?;
            total = total.saturating_add(bytes);
        }
        tx.put::<Totals>(&(), &total)?;
        Ok(total)
    })
}
