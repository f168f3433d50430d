//! The store: keyspaces open on use and close when idle, under one memory budget for all their caches.
//!
//! A thousand tenants that nobody uses cost nothing: none of their files is open.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::crash::CrashDisks;
use super::directory::{DataDirectory, create_folder};
use super::migrate::{MIGRATIONS, Snapshot, migrate};
use super::{Error, Extensions, Keyspace, KeyspaceId};
use crate::base::{Clock, TenantId};

/// How the store is opened.
#[derive(Clone)]
pub struct StoreOptions {
    /// The memory of all databases' page caches together, in bytes.
    pub cache_bytes_max: usize,
    /// A tenant's keyspace that nobody used for so long is closed.
    pub idle_close: Duration,
    /// What changes find in their transactions.
    pub extensions: Extensions,
    /// Simulated disks in place of files, for crash tests.
    pub crash_disks: Option<CrashDisks>,
}

/// The cache of the system's database, in bytes.
pub(super) const SYSTEM_CACHE_BYTES: usize = 16 << 20;
/// The cache of one tenant's database, in bytes.
const TENANT_CACHE_BYTES: usize = 8 << 20;

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes_max: 128 << 20,
            idle_close: Duration::from_secs(300),
            extensions: Extensions::default(),
            crash_disks: None,
        }
    }
}

/// Each tenant has a slot of its own, so that opening one file never makes another tenant wait.
type Slot = Arc<Mutex<Option<Keyspace>>>;

/// All keyspaces of one data directory.
pub struct Store {
    directory: DataDirectory,
    pub(super) options: StoreOptions,
    clock: Arc<dyn Clock>,
    system: Keyspace,
    pub(super) slots: Mutex<HashMap<TenantId, Slot>>,
    /// Tenants that are erased or being erased.
    pub(super) retired: Mutex<HashSet<TenantId>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.directory.path().display())
    }
}

impl Store {
    /// Opens the system keyspace of `path`; creates what is missing.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Newer`], [`Error::Directory`] or the engine's.
    pub fn open(path: &Path, options: StoreOptions, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::open_in(DataDirectory::open(path)?, options, clock)
    }

    /// Opens the system keyspace of a directory whose lock is held already; creates what is missing.
    ///
    /// # Errors
    /// [`Error::Newer`], [`Error::Directory`] or the engine's.
    pub fn open_in(
        directory: DataDirectory,
        options: StoreOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let system = open_keyspace(
            KeyspaceId::System,
            directory.path().to_path_buf(),
            &directory.system_file(),
            SYSTEM_CACHE_BYTES,
            &options,
        )?;
        let (slots, retired) = (Mutex::default(), Mutex::default());
        let store = Self { directory, options, clock, system, slots, retired };
        store.discard_unfinished()?;
        store.discard_arrivals()?;
        Ok(store)
    }

    /// The data directory.
    #[must_use]
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// The system keyspace.
    #[must_use]
    pub fn system(&self) -> &Keyspace {
        &self.system
    }

    /// Opens a tenant's keyspace, or finds it open. Whoever calls this decides who may see the tenant: only
    /// `identity::policy`, the job runner and a backup of everything do.
    ///
    /// # Errors
    /// [`Error::Erased`], [`Error::Newer`], [`Error::Directory`] or the engine's.
    pub fn tenant(&self, tenant: TenantId) -> Result<Keyspace, Error> {
        let slot = self.slots.lock().entry(tenant).or_default().clone();
        let mut place = slot.lock();
        if self.is_retired(KeyspaceId::Tenant(tenant)) {
            return Err(Error::Erased);
        }
        if let Some(keyspace) = place.as_ref()
            && !(keyspace.is_broken() && keyspace.is_idle())
        {
            keyspace.touch(self.clock.now());
            return Ok(keyspace.clone());
        }
        // The broken one is closed before its file is opened again.
        *place = None;
        let folder = self.directory.tenant_folder(tenant);
        create_folder(&folder)?;
        let file = folder.join("keyspace.redb");
        let keyspace =
            open_keyspace(KeyspaceId::Tenant(tenant), folder, &file, TENANT_CACHE_BYTES, &self.options)?;
        keyspace.touch(self.clock.now());
        *place = Some(keyspace.clone());
        drop(place);
        self.keep_within_budget(tenant);
        Ok(keyspace)
    }

    /// [`Store::tenant`] from async code: opening a file blocks.
    ///
    /// # Errors
    /// As [`Store::tenant`].
    pub async fn tenant_async(self: &Arc<Self>, tenant: TenantId) -> Result<Keyspace, Error> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.tenant(tenant)).await.unwrap_or(Err(Error::Lost))
    }

    /// How many tenants' keyspaces are open.
    #[must_use]
    pub fn open_tenants(&self) -> usize {
        self.slots.lock().len()
    }

    /// Shows each keyspace that is open to `visit`, the system's first. For what is counted over all, never for what is in one.
    pub fn visit_open(&self, mut visit: impl FnMut(&Keyspace)) {
        visit(&self.system);
        let slots: Vec<Slot> = self.slots.lock().values().cloned().collect();
        for slot in slots {
            // Who opens or closes it just now holds the place; it is counted the next time.
            let keyspace = slot.try_lock().and_then(|place| place.clone());
            if let Some(keyspace) = keyspace {
                visit(&keyspace);
            }
        }
    }

    /// Closes the keyspaces that nobody holds at the moment, because memory is short; how many were closed.
    pub fn close_unused(&self) -> usize {
        self.close_where(usize::MAX, |_| true)
    }

    /// Closes the keyspaces that nobody has used for [`StoreOptions::idle_close`]; how many were closed.
    pub fn close_idle(&self) -> usize {
        let now = self.clock.now();
        self.close_where(usize::MAX, |keyspace| now.since(keyspace.last_used()) >= self.options.idle_close)
    }

    /// Closes the least recently used keyspaces while there are more than the memory budget allows.
    fn keep_within_budget(&self, except: TenantId) {
        let open_max =
            (self.options.cache_bytes_max.saturating_sub(SYSTEM_CACHE_BYTES) / TENANT_CACHE_BYTES).max(1);
        let excess = self.open_tenants().saturating_sub(open_max);
        if excess > 0 {
            self.close_where(excess, |keyspace| keyspace.tenant() != Some(except));
        }
    }

    /// Closes up to `keyspaces_max` that nobody holds, longest unused first.
    fn close_where(&self, keyspaces_max: usize, condition: impl Fn(&Keyspace) -> bool) -> usize {
        let mut slots = self.slots.lock();
        let mut candidates: Vec<_> = slots
            .iter()
            .filter_map(|(tenant, slot)| {
                let place = slot.try_lock()?;
                let keyspace = place.as_ref()?;
                (keyspace.is_idle() && condition(keyspace)).then(|| (keyspace.last_used(), *tenant))
            })
            .collect();
        candidates.sort_unstable();
        let mut closed = 0;
        for (_, tenant) in candidates.into_iter().take(keyspaces_max) {
            // Nobody can clone the slot while the map is locked; who cloned it before holds its lock or a count.
            let unused = slots.get(&tenant).is_some_and(|slot| {
                Arc::strong_count(slot) == 1
                    && slot.try_lock().is_some_and(|mut place| {
                        let idle = place.as_ref().is_none_or(Keyspace::is_idle);
                        if idle {
                            *place = None;
                        }
                        idle
                    })
            });
            if unused {
                slots.remove(&tenant);
                closed += 1;
            }
        }
        closed
    }
}

fn open_keyspace(
    id: KeyspaceId,
    folder: PathBuf,
    file: &Path,
    cache_bytes: usize,
    options: &StoreOptions,
) -> Result<Keyspace, Error> {
    let database = match &options.crash_disks {
        Some(disks) => builder(cache_bytes).create_with_backend(disks.disk(id))?,
        None => open_file(file, cache_bytes)?,
    };
    migrate(&database, id, file, MIGRATIONS, Snapshot::Take)?;
    Ok(Keyspace::new(id, folder, database, options.extensions.clone()))
}

fn builder(cache_bytes: usize) -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

/// Opens or makes a database file.
pub(super) fn open_file(file: &Path, cache_bytes: usize) -> Result<redb::Database, Error> {
    builder(cache_bytes).create(file).map_err(|error| match error {
        redb::DatabaseError::Storage(redb::StorageError::Io(error)) => Error::directory("open", file)(error),
        redb::DatabaseError::DatabaseAlreadyOpen => Error::InUse { path: file.to_path_buf() },
        other => other.into(),
    })
}
