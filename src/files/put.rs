//! Putting a blob: written aside, synced, renamed.
//!
//! The name is the hash of the bytes, so it is known only at the end, and a file under its final name is whole. The blob
//! is pinned under the same lock in which it is renamed. A sweep is queued, durably, before the first byte: whatever
//! becomes of the process, something will look whether the blob was ever referred to. An upload that fails or is given up
//! leaves nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use super::pin::{Attached, Stored};
use super::{BlobHash, Error, SweepBlobs};
use crate::base::Timestamp;
use crate::jobs;
use crate::store::{self, Keyspace};

/// The first bytes of a blob that [`Stored::head`] keeps.
pub const HEAD_BYTES: usize = 8 << 10;
/// Where blobs lie under the keyspace's folder.
pub(super) const FOLDER: &str = "files";
/// Where they are written, under [`FOLDER`].
pub(super) const NEW: &str = "new";
/// A blob whose reference is not committed by then is removed.
const SWEEP_AFTER: Duration = Duration::from_mins(10);
/// Pieces of a stream that may wait for the disk.
const PIECES_WAITING_MAX: usize = 8;

/// Puts `bytes`; the same bytes are one blob.
///
/// # Errors
/// When the disk or the store fails.
pub async fn put(keyspace: &Keyspace, now: Timestamp, bytes: Bytes) -> Result<Stored, Error> {
    let attached = prepare(keyspace, now).await?;
    let keyspace = keyspace.clone();
    blocking(move || {
        let mut upload = Upload::begin(&keyspace, attached, u64::MAX)?;
        upload.append(&bytes)?;
        upload.finish()
    })
    .await
}

/// Puts what a stream brings, at most `bytes_max` of it.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Interrupted`] when the stream fails, or when the disk or the store does. Nothing is kept.
pub async fn put_stream<S>(
    keyspace: &Keyspace,
    now: Timestamp,
    mut stream: S,
    bytes_max: u64,
) -> Result<Stored, Error>
where
    S: Stream<Item = io::Result<Bytes>> + Unpin + Send,
{
    let attached = prepare(keyspace, now).await?;
    let (sender, mut pieces) = mpsc::channel::<io::Result<Bytes>>(PIECES_WAITING_MAX);
    let keyspace = keyspace.clone();
    let writing = blocking(move || {
        let mut upload = Upload::begin(&keyspace, attached, bytes_max)?;
        loop {
            match pieces.blocking_recv() {
                Some(Ok(piece)) if piece.is_empty() => break,
                Some(Ok(piece)) => upload.append(&piece)?,
                Some(Err(error)) => return Err(Error::Interrupted(Arc::new(error))),
                None => return Err(Error::Interrupted(Arc::new(io::ErrorKind::UnexpectedEof.into()))),
            }
        }
        upload.finish()
    });
    let feeding = async move {
        while let Some(piece) = stream.next().await {
            let empty = piece.as_ref().is_ok_and(Bytes::is_empty);
            // The writer has given up when nobody receives; its answer says why.
            if !empty && sender.send(piece).await.is_err() {
                return;
            }
        }
        // An empty piece is the end. Should this future be dropped before, the writer sees no end and keeps nothing.
        let _ = sender.send(Ok(Bytes::new())).await;
    };
    let (stored, ()) = tokio::join!(writing, feeding);
    stored
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(store::Error::Lost.into()))
}

/// Makes sure that a sweep will come after what is about to be put.
async fn prepare(keyspace: &Keyspace, now: Timestamp) -> Result<Arc<Attached>, Error> {
    let attached = Attached::of(keyspace);
    // Before anything can be referred to there is a count that it is added to.
    super::stored_bytes(keyspace).await?;
    if !attached.held.lock().sweep_queued {
        keyspace.write(move |tx| jobs::enqueue_at(tx, now, now.plus(SWEEP_AFTER), &SweepBlobs {})).await?;
        attached.held.lock().sweep_queued = true;
    }
    Ok(attached)
}

/// A blob that is being written.
struct Upload {
    keyspace: Keyspace,
    attached: Arc<Attached>,
    name: String,
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    size_bytes: u64,
    bytes_max: u64,
    head: Vec<u8>,
}

impl Upload {
    fn begin(keyspace: &Keyspace, attached: Arc<Attached>, bytes_max: u64) -> Result<Self, Error> {
        let folder = keyspace.folder().join(FOLDER).join(NEW);
        create_folder(&folder)?;
        let name = format!("{:032x}", rand::random::<u128>());
        let path = folder.join(&name);
        attached.held.lock().writing.insert(name.clone());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| {
            attached.held.lock().writing.remove(&name);
            Error::io("create a file")(error)
        })?;
        let (keyspace, hasher) = (keyspace.clone(), blake3::Hasher::new());
        Ok(Self { keyspace, attached, name, path, file, hasher, size_bytes: 0, bytes_max, head: Vec::new() })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size_bytes = self.size_bytes.saturating_add(bytes.len() as u64);
        if self.size_bytes > self.bytes_max {
            return Err(Error::TooLarge { bytes_max: self.bytes_max });
        }
        self.hasher.update(bytes);
        let room = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.file.write_all(bytes).map_err(Error::io("write a file"))
    }

    /// Puts the whole blob in its place, over an older copy of it: that one may be damaged, this one is not.
    fn finish(mut self) -> Result<Stored, Error> {
        self.file.sync_all().map_err(Error::io("sync a file"))?;
        let hash = BlobHash::from_digest(self.hasher.finalize());
        let place = hash.path(self.keyspace.folder());
        let parent = place.parent().unwrap_or(&place).to_path_buf();
        create_folder(&parent)?;
        let first_bytes = Bytes::from(std::mem::take(&mut self.head));
        let stored = {
            let mut doing = self.attached.held.lock();
            std::fs::rename(&self.path, &place).map_err(Error::io("put a file in its place"))?;
            Stored::pinned(&self.keyspace, &self.attached, &mut doing, hash, self.size_bytes, first_bytes)
        };
        sync_folder(&parent)?;
        Ok(stored)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Renamed when it was finished; else it is of no use.
        let _ = std::fs::remove_file(&self.path);
        self.attached.held.lock().writing.remove(&self.name);
    }
}

/// Creates a folder and syncs the one it is in, so that what is put into it can be found after a crash.
fn create_folder(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(Error::io("create a folder"))?;
    for above in folder.ancestors().skip(1).take(2) {
        sync_folder(above)?;
    }
    Ok(())
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("sync a folder"))
}
