//! What keeps a blob from being removed before its reference is committed.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::BlobHash;
use crate::store::Keyspace;

#[derive(Debug, Default)]
pub(super) struct Held {
    /// How many [`Stored`] there are of each.
    pub(super) pins: HashMap<BlobHash, usize>,
    /// Names in `files/new/` that are being written.
    pub(super) writing: HashSet<String>,
    /// Whether a sweep is queued that has not begun.
    pub(super) sweep_queued: bool,
}

/// What this process is doing with the blobs of one open keyspace.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) held: Mutex<Held>,
}

impl Attached {
    pub(super) fn of(keyspace: &Keyspace) -> Arc<Self> {
        match keyspace.attachment(|| Ok::<_, Infallible>(Self::default())) {
            Ok(attached) => attached,
            Err(never) => match never {},
        }
    }
}

#[derive(Debug)]
struct Pin {
    hash: BlobHash,
    attached: Arc<Attached>,
    /// Held so that the keyspace is not closed and opened anew without its pins.
    _keyspace: Keyspace,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.attached.held.lock();
        if let Some(count) = held.pins.get_mut(&self.hash) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.pins.remove(&self.hash);
            }
        }
    }
}

/// A blob that is on disk and stays there as long as this, or a clone of it, is held. Hold it until the transaction that
/// refers to the blob is committed.
#[derive(Debug, Clone)]
pub struct Stored {
    hash: BlobHash,
    size_bytes: u64,
    head: Bytes,
    _pin: Arc<Pin>,
}

impl Stored {
    /// To be called under the lock of `held`, with the blob about to be put in its place.
    pub(super) fn pinned(
        keyspace: &Keyspace,
        attached: &Arc<Attached>,
        doing: &mut Held,
        hash: BlobHash,
        size_bytes: u64,
        head: Bytes,
    ) -> Self {
        *doing.pins.entry(hash).or_insert(0) += 1;
        let pin = Pin { hash, attached: attached.clone(), _keyspace: keyspace.clone() };
        Self { hash, size_bytes, head, _pin: Arc::new(pin) }
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> BlobHash {
        self.hash
    }

    /// Its size.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Its first bytes, at most [`super::HEAD_BYTES`], to tell its type by.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }
}
