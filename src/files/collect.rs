//! Removing blobs that nobody needs.
//!
//! A blob is needed while a pin or a reference says so, and both are looked at under the lock of the pins, so none is
//! removed between being put and being referred to. [`CollectBlob`] follows the release of a last reference;
//! [`SweepBlobs`] looks at every file, and so meets what a crash has left: blobs whose reference was never committed, and
//! uploads that were cut off. Both are safe to repeat.

use std::fs::DirEntry;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pin::{Attached, Stored};
use super::put::{FOLDER, NEW, blocking};
use super::{BlobHash, Error, is_referenced};
use crate::jobs::{Failure, Job, Lane, Work, Worker};
use crate::store::Keyspace;

/// Removes one blob if nobody needs it: queued when its last reference is released.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CollectBlob {
    /// Which.
    pub hash: BlobHash,
}

impl Job for CollectBlob {
    const NAME: &'static str = "files.collect";
    const LANE: Lane = Lane::Upkeep;
    fn dedup_key(&self) -> Option<String> {
        Some(self.hash.to_string())
    }
}

/// Removes every blob that nobody needs and what unfinished uploads left behind: queued when blobs are put.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepBlobs {}

impl Job for SweepBlobs {
    const NAME: &'static str = "files.sweep";
    const LANE: Lane = Lane::Upkeep;
    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Does the jobs of this room.
#[derive(Debug, Clone, Copy, Default)]
pub struct Collector;

impl Worker<CollectBlob> for Collector {
    async fn run(&self, work: Work<CollectBlob>) -> Result<(), Failure> {
        blocking(move || {
            let attached = Attached::of(&work.keyspace);
            remove_unless_needed(&work.keyspace, &attached, work.job.hash).map(drop)
        })
        .await?;
        Ok(())
    }
}

impl Worker<SweepBlobs> for Collector {
    async fn run(&self, work: Work<SweepBlobs>) -> Result<(), Failure> {
        let swept = blocking(move || sweep(&work.keyspace)).await?;
        if swept.removed > 0 {
            tracing::info!(
                removed = swept.removed,
                kept = swept.kept,
                "files that nobody needs were removed"
            );
        }
        Ok(())
    }
}

/// Removes a blob that was put for a moment only, unless somebody needs it. Should the process end first, the sweep meets it.
///
/// # Errors
/// When the disk or the store fails.
pub async fn discard(keyspace: &Keyspace, stored: Stored) -> Result<(), Error> {
    let keyspace = keyspace.clone();
    blocking(move || {
        let (attached, hash) = (Attached::of(&keyspace), stored.hash());
        drop(stored);
        remove_unless_needed(&keyspace, &attached, hash).map(drop)
    })
    .await
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files removed.
    pub removed: usize,
    /// Blobs kept.
    pub kept: usize,
}

/// Looks at every file of the keyspace and removes what nobody needs. On this thread.
///
/// # Errors
/// When the disk or the store fails.
pub fn sweep(keyspace: &Keyspace) -> Result<Swept, Error> {
    let attached = Attached::of(keyspace);
    // What is put from here on may be missed, so its sweep must be queued anew.
    attached.held.lock().sweep_queued = false;
    let mut swept = Swept::default();
    for shelf in entries(&keyspace.folder().join(FOLDER))? {
        let unfinished = shelf.file_name() == NEW;
        for entry in entries(&shelf.path())? {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let removed = match BlobHash::parse(name) {
                Some(hash) if !unfinished => remove_unless_needed(keyspace, &attached, hash)?,
                None if unfinished && !attached.held.lock().writing.contains(name) => remove(&entry.path())?,
                _ => continue,
            };
            if removed {
                swept.removed += 1;
            } else {
                swept.kept += 1;
            }
        }
    }
    Ok(swept)
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, Error> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match listed {
        Ok(entries) => Ok(entries),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(Error::io("list a folder")(error)),
    }
}

/// Whether it was removed.
fn remove_unless_needed(keyspace: &Keyspace, attached: &Attached, hash: BlobHash) -> Result<bool, Error> {
    // The snapshot is taken under the lock: a pin that is gone by now has been replaced by a reference, or by nothing.
    let mut held = attached.held.lock();
    if held.pins.contains_key(&hash) || keyspace.read(|tx| is_referenced(tx, hash))? || held.keeps_all() {
        return Ok(false);
    }
    let removed = remove(&hash.path(keyspace.folder()));
    drop(held);
    removed
}

fn remove(path: &Path) -> Result<bool, Error> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("remove a file")(error)),
    }
}
