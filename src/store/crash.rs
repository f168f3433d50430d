//! A disk that forgets what was not synced: redb runs on it in tests that pull the plug.
//!
//! It keeps the bytes as of the last sync and the writes since. After [`CrashDisk::stop_after_syncs`] the disk
//! refuses everything, as if the power had failed; [`CrashDisk::after_crash`] is what the next start finds: the synced bytes and
//! an arbitrary part of the writes that came after them.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::KeyspaceId;

#[derive(Debug, Default)]
struct State {
    durable: Vec<u8>,
    working: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    syncs: u64,
    syncs_max: Option<u64>,
    dead: bool,
}

/// One simulated file.
#[derive(Debug, Clone, Default)]
pub struct CrashDisk {
    state: Arc<Mutex<State>>,
}

fn power_failed() -> io::Error {
    io::Error::other("the power failed")
}

fn write_at(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset.saturating_add(data.len());
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(target) = bytes.get_mut(offset..end) {
        target.copy_from_slice(data);
    }
}

impl CrashDisk {
    /// How many syncs have succeeded.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Whether the power has failed: from then on nothing is written any more.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state.lock().dead
    }

    /// Lets `more` further syncs succeed, then fails everything.
    pub fn stop_after_syncs(&self, more: u64) {
        let mut state = self.state.lock();
        state.syncs_max = Some(state.syncs.saturating_add(more));
    }

    /// The disk as the next start finds it. Bit `i` of `survivors` says whether the i-th unsynced write got through.
    #[must_use]
    pub fn after_crash(&self, survivors: u64) -> Self {
        let state = self.state.lock();
        let mut bytes = state.durable.clone();
        for (place, (offset, data)) in state.unsynced.iter().enumerate() {
            if survivors >> (place % 64) & 1 == 1 {
                write_at(&mut bytes, *offset, data);
            }
        }
        let state = State { durable: bytes.clone(), working: bytes, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl redb::StorageBackend for CrashDisk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.state.lock().working.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let state = self.state.lock();
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes =
            state.working.get(start..start.saturating_add(out.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        let mut state = self.state.lock();
        if state.dead {
            return Err(power_failed());
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        state.working.resize(len, 0);
        // Growth of a file is not part of what may be lost here: redb checks the length at open.
        if state.durable.len() < len {
            state.durable.resize(len, 0);
        }
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut state = self.state.lock();
        if state.dead || state.syncs_max.is_some_and(|max| state.syncs >= max) {
            state.dead = true;
            return Err(power_failed());
        }
        state.syncs += 1;
        let unsynced = std::mem::take(&mut state.unsynced);
        for (offset, data) in unsynced {
            write_at(&mut state.durable, offset, &data);
        }
        let len = state.working.len();
        state.durable.resize(len, 0);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let mut state = self.state.lock();
        if state.dead {
            return Err(power_failed());
        }
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        write_at(&mut state.working, offset, data);
        state.unsynced.push((offset, data.to_vec()));
        Ok(())
    }
}

/// The simulated files of a whole appliance.
#[derive(Debug, Clone, Default)]
pub struct CrashDisks {
    disks: Arc<Mutex<HashMap<KeyspaceId, CrashDisk>>>,
}

impl CrashDisks {
    /// The disk of one keyspace, empty at first.
    #[must_use]
    pub fn disk(&self, keyspace: KeyspaceId) -> CrashDisk {
        self.disks.lock().entry(keyspace).or_default().clone()
    }

    /// All disks as the next start finds them.
    #[must_use]
    pub fn after_crash(&self, survivors: u64) -> Self {
        let disks = self.disks.lock();
        let disks = disks.iter().map(|(keyspace, disk)| (*keyspace, disk.after_crash(survivors))).collect();
        Self { disks: Arc::new(Mutex::new(disks)) }
    }
}
