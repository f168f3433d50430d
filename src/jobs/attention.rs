//! Which keyspaces have work, and when: in memory for the runner, and in the system keyspace for the next start.

use std::collections::{BTreeSet, HashMap, HashSet};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::job::Lane;
use crate::base::{TenantId, Timestamp};
use crate::store::{self, Keyspace, KeyspaceId, Read, Scan, WriteTx, tables};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct AttentionRow {
    next_due: Timestamp,
}

tables! {
    /// The tenants that have jobs.
    Attention = "jobs.attention": TenantId => AttentionRow;
}

/// The most tenants with work that one start reads.
const TENANTS_MAX: usize = 1_000_000;

type Place = (KeyspaceId, Lane);

#[derive(Default)]
struct Due {
    by_time: BTreeSet<(Timestamp, Place)>,
    by_place: HashMap<Place, Timestamp>,
}

/// Told by every commit that queued a job; asked by the runner.
#[derive(Default)]
pub struct Wakeups {
    due: Mutex<Due>,
    marked: Mutex<HashSet<TenantId>>,
    /// Tenants whose jobs are not begun for the time being.
    resting: Mutex<HashSet<TenantId>>,
    /// Keyspaces whose jobs of earlier processes were put back.
    recovered: Mutex<HashSet<KeyspaceId>>,
    system: Mutex<Option<Keyspace>>,
    pub(super) news: Notify,
}

impl Wakeups {
    /// Where tenants with work are remembered. Until this is called they are not.
    pub fn remember_in(&self, system: Keyspace) {
        *self.system.lock() = Some(system);
    }

    /// Lets go of the system keyspace, which otherwise keeps itself open: its transactions hold this.
    pub fn forget(&self) {
        *self.system.lock() = None;
    }

    fn system(&self) -> Option<Keyspace> {
        self.system.lock().clone()
    }

    /// Begins no job of the tenant until [`Wakeups::resume`]; what runs comes to its end.
    pub fn rest(&self, tenant: TenantId) {
        self.resting.lock().insert(tenant);
    }

    /// Goes on with the jobs of a tenant that rested, or whose keyspace has just come here.
    pub fn resume(&self, tenant: TenantId) {
        self.resting.lock().remove(&tenant);
        for lane in Lane::ALL {
            self.wake(KeyspaceId::Tenant(tenant), lane, Timestamp::default());
        }
    }

    /// Knows nothing of the tenant any more: it is gone.
    pub fn drop_tenant(&self, tenant: TenantId) {
        self.marked.lock().remove(&tenant);
        self.resting.lock().remove(&tenant);
        self.recovered.lock().remove(&KeyspaceId::Tenant(tenant));
        let mut schedule = self.due.lock();
        for lane in Lane::ALL {
            let place = (KeyspaceId::Tenant(tenant), lane);
            if let Some(due) = schedule.by_place.remove(&place) {
                schedule.by_time.remove(&(due, place));
            }
        }
    }

    pub(super) fn rests(&self, keyspace: KeyspaceId) -> bool {
        matches!(keyspace, KeyspaceId::Tenant(tenant) if self.resting.lock().contains(&tenant))
    }

    pub(super) fn has_recovered(&self, keyspace: KeyspaceId) -> bool {
        self.recovered.lock().contains(&keyspace)
    }

    pub(super) fn note_recovered(&self, keyspace: KeyspaceId) {
        self.recovered.lock().insert(keyspace);
    }

    /// `lane` of `keyspace` has a job that is due at `due`.
    pub(super) fn wake(&self, keyspace: KeyspaceId, lane: Lane, due: Timestamp) {
        let place = (keyspace, lane);
        {
            let mut schedule = self.due.lock();
            if let Some(known) = schedule.by_place.get(&place).copied() {
                if known <= due {
                    return;
                }
                schedule.by_time.remove(&(known, place));
            }
            schedule.by_place.insert(place, due);
            schedule.by_time.insert((due, place));
        }
        self.news.notify_one();
    }

    /// Takes out the places that are due at `now`.
    pub(super) fn take_due(&self, now: Timestamp) -> Vec<Place> {
        let mut schedule = self.due.lock();
        let mut places = Vec::new();
        while let Some((due, place)) = schedule.by_time.first().copied()
            && due <= now
        {
            schedule.by_time.pop_first();
            schedule.by_place.remove(&place);
            places.push(place);
        }
        places
    }

    /// When the next place is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.lock().by_time.first().map(|(due, _)| *due)
    }

    /// Makes sure that the next start will look at `keyspace`. Called before the job is committed: a row too many costs
    /// a look, one too few would lose work.
    pub(super) fn mark(&self, keyspace: KeyspaceId) -> Result<(), store::Error> {
        let (KeyspaceId::Tenant(tenant), Some(system)) = (keyspace, self.system()) else { return Ok(()) };
        // Held while writing, so that nobody commits a job before the mark is on disk.
        let mut marked = self.marked.lock();
        if marked.contains(&tenant) {
            return Ok(());
        }
        let row = AttentionRow { next_due: Timestamp::default() };
        system.write_blocking(move |tx| tx.put::<Attention>(&tenant, &row))?;
        marked.insert(tenant);
        Ok(())
    }

    /// Says when `tenant` must be looked at next, or that it need not be. Only while none of its jobs can be queued or
    /// running, which the caller ensures by doing this in a change of the tenant's own keyspace.
    pub(super) fn settle(&self, tenant: TenantId, next_due: Option<Timestamp>) -> Result<(), store::Error> {
        let Some(system) = self.system() else { return Ok(()) };
        let mut marked = self.marked.lock();
        match next_due {
            Some(next_due) => {
                system.write_blocking(move |tx| tx.put::<Attention>(&tenant, &AttentionRow { next_due }))?;
            }
            None => {
                system.write_blocking(move |tx| tx.remove::<Attention>(&tenant))?;
            }
        }
        marked.remove(&tenant);
        Ok(())
    }

    /// The tenants that were marked as having work.
    pub(super) fn marked_tenants(&self) -> Vec<TenantId> {
        self.marked.lock().iter().copied().collect()
    }

    /// Reads which tenants had work when the last process ended.
    pub(super) fn recall(&self) -> Result<(), store::Error> {
        let Some(system) = self.system() else { return Ok(()) };
        let rows = system.read(|tx| tx.scan::<Attention>(&Scan::all(TENANTS_MAX)))?;
        self.marked
            .lock()
            .extend(rows.iter().filter(|(_, row)| row.next_due == Timestamp::default()).map(|(id, _)| *id));
        for (tenant, row) in rows {
            for lane in Lane::ALL {
                self.wake(KeyspaceId::Tenant(tenant), lane, row.next_due);
            }
        }
        for lane in Lane::ALL {
            self.wake(KeyspaceId::System, lane, Timestamp::default());
        }
        Ok(())
    }
}

/// Forgets that the tenant has work, in the system keyspace; whether there was a row.
///
/// # Errors
/// When the engine fails.
pub fn forget_attention(tx: &mut WriteTx<'_>, tenant: TenantId) -> Result<bool, store::Error> {
    tx.remove::<Attention>(&tenant)
}

impl std::fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wakeups({})", self.due.lock().by_time.len())
    }
}
