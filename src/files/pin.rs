//! What keeps a blob from being removed before its reference is committed.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{BlobHash, Error};
use crate::store::Keyspace;

#[derive(Debug, Default)]
pub(super) struct Held {
    /// How many [`Stored`] there are of each.
    pub(super) pins: HashMap<BlobHash, usize>,
    /// Names in `files/new/` that are being written.
    pub(super) writing: HashSet<String>,
    /// Whether a sweep is queued that has not begun.
    pub(super) sweep_queued: bool,
    /// How many [`Hold`]s there are.
    holds: usize,
    /// Whether a blob that nobody needs was kept because of them.
    kept_for_holds: bool,
}

impl Held {
    /// Whether nothing may be removed now; it is noted that something was to be.
    pub(super) fn keeps_all(&mut self) -> bool {
        self.kept_for_holds |= self.holds > 0;
        self.holds > 0
    }
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

/// Keeps every blob of a keyspace on disk while it is held, needed or not: a snapshot of the tables that is taken under it
/// refers to no blob that goes away meanwhile.
#[derive(Debug)]
pub struct Hold {
    attached: Arc<Attached>,
    keyspace: Keyspace,
}

impl Hold {
    /// From now on.
    #[must_use]
    pub fn of(keyspace: &Keyspace) -> Self {
        let attached = Attached::of(keyspace);
        attached.held.lock().holds += 1;
        Self { attached, keyspace: keyspace.clone() }
    }

    /// Lets go, and removes what was kept because of it. On this thread.
    ///
    /// # Errors
    /// When the disk or the store fails. What then stays is met by the next sweep.
    pub fn release(self) -> Result<(), Error> {
        let (attached, keyspace) = (self.attached.clone(), self.keyspace.clone());
        drop(self);
        let mut held = attached.held.lock();
        let due = held.holds == 0 && std::mem::take(&mut held.kept_for_holds);
        drop(held);
        if due { super::sweep(&keyspace).map(drop) } else { Ok(()) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.attached.held.lock();
        held.holds = held.holds.saturating_sub(1);
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
