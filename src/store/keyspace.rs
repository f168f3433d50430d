//! One redb file: the system's, or one tenant's. The handle is the permission: whoever holds a [`Keyspace`] may use
//! what is in it, and nothing that takes one takes a tenant id.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use super::Error;
use super::commit::{Change, Committer, TypedChange};
use super::transaction::{Extensions, ReadTx, WriteTx};
use crate::base::{TenantId, Timestamp};

/// Which keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyspaceId {
    /// Who exists: tenants, accounts, sessions.
    System,
    /// One tenant's data.
    Tenant(TenantId),
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Tenant(id) => id.fmt(f),
        }
    }
}

type Attachment = Arc<dyn Any + Send + Sync>;

struct Open {
    id: KeyspaceId,
    folder: PathBuf,
    /// Exchanged when the file is written anew; whoever reads holds on to the one it began with.
    database: RwLock<Arc<redb::Database>>,
    /// Held by whoever commits, and while the file is written anew.
    writing: Mutex<()>,
    committer: Committer,
    extensions: Extensions,
    attachments: Mutex<HashMap<TypeId, Attachment>>,
    last_used_ms: AtomicU64,
    broken: AtomicBool,
    erased: CancellationToken,
}

/// A handle to an open keyspace; cheap to clone. It stays open as long as a handle is held.
#[derive(Clone)]
pub struct Keyspace {
    open: Arc<Open>,
}

impl fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyspace({})", self.open.id)
    }
}

impl Keyspace {
    pub(super) fn new(
        id: KeyspaceId,
        folder: PathBuf,
        database: redb::Database,
        extensions: Extensions,
    ) -> Self {
        Self {
            open: Arc::new(Open {
                id,
                folder,
                database: RwLock::new(Arc::new(database)),
                writing: Mutex::default(),
                committer: Committer::default(),
                extensions,
                attachments: Mutex::default(),
                last_used_ms: AtomicU64::new(0),
                broken: AtomicBool::new(false),
                erased: CancellationToken::new(),
            }),
        }
    }

    /// Which one it is.
    #[must_use]
    pub fn id(&self) -> KeyspaceId {
        self.open.id
    }

    /// The tenant whose it is; nothing for the system's.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self.open.id {
            KeyspaceId::System => None,
            KeyspaceId::Tenant(id) => Some(id),
        }
    }

    /// The folder for files that live and die with this keyspace.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.open.folder
    }

    /// Reads a snapshot on this thread. For a few rows; what scans goes through [`Keyspace::query`].
    ///
    /// # Errors
    /// What `read` fails with, or the engine.
    pub fn read<T, E: From<Error>>(&self, read: impl FnOnce(&ReadTx) -> Result<T, E>) -> Result<T, E> {
        self.usable()?;
        let database = self.database();
        let tx = ReadTx::begin(&*database)?;
        read(&tx)
    }

    pub(super) fn database(&self) -> Arc<redb::Database> {
        self.open.database.read().clone()
    }

    fn usable(&self) -> Result<(), Error> {
        if self.is_erased() { Err(Error::Erased) } else { Ok(()) }
    }

    /// Reads a snapshot on a blocking thread.
    ///
    /// # Errors
    /// What `read` fails with, or the engine.
    pub async fn query<T, E>(
        &self,
        read: impl FnOnce(&ReadTx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let keyspace = self.clone();
        tokio::task::spawn_blocking(move || keyspace.read(read))
            .await
            .unwrap_or_else(|_| Err(Error::Lost.into()))
    }

    /// Makes a change and returns when it is on disk. `change` may run more than once, each time on a transaction
    /// without the traces of the time before. Once begun it is carried out even if the caller goes away.
    ///
    /// # Errors
    /// What `change` fails with, in which case nothing of it is kept, or the engine.
    pub async fn write<T, E>(
        &self,
        change: impl Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.usable()?;
        let (change, answer) = TypedChange::new(change);
        if self.open.committer.add(Box::new(change)) {
            let keyspace = self.clone();
            tokio::task::spawn_blocking(move || keyspace.drain());
        }
        answer.await.unwrap_or_else(|_| Err(Error::Lost.into()))
    }

    /// [`Keyspace::write`] for code that runs on a blocking thread.
    ///
    /// # Errors
    /// As [`Keyspace::write`].
    pub fn write_blocking<T, E>(
        &self,
        change: impl Fn(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.usable()?;
        let (change, answer) = TypedChange::new(change);
        if self.open.committer.add(Box::new(change) as Box<dyn Change>) {
            self.drain();
        }
        answer.blocking_recv().unwrap_or_else(|_| Err(Error::Lost.into()))
    }

    fn drain(&self) {
        let _turn = self.open.writing.lock();
        let database = self.database();
        if let Some(error) = self.open.committer.drain(&database, self.open.id, &self.open.extensions) {
            tracing::error!(keyspace = %self.open.id, error = ?error, "the keyspace must be opened anew");
            self.open.broken.store(true, Ordering::SeqCst);
        }
    }

    /// Runs `exchange` while nobody writes, and puts what it returns in the place of the database. Reading goes on meanwhile.
    pub(super) fn exchange(
        &self,
        exchange: impl FnOnce(&redb::Database) -> Result<redb::Database, Error>,
    ) -> Result<(), Error> {
        let _turn = self.open.writing.lock();
        let made = exchange(&self.database())?;
        *self.open.database.write() = Arc::new(made);
        Ok(())
    }

    /// From here on every handle is of no use: nothing can be read or written any more.
    pub(super) fn mark_erased(&self) {
        self.open.erased.cancel();
    }

    /// Whether the keyspace was erased, so that this handle is of no use.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.open.erased.is_cancelled()
    }

    /// Waits until the keyspace is erased, which most never are.
    pub async fn erased(&self) {
        self.open.erased.cancelled().await;
    }

    /// What is derived from this keyspace and lives as long as it is open: made by `make` when first asked for.
    ///
    /// # Errors
    /// What `make` fails with.
    pub fn attachment<T: Send + Sync + 'static, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut attachments = self.open.attachments.lock();
        if let Some(found) =
            attachments.get(&TypeId::of::<T>()).and_then(|found| found.clone().downcast().ok())
        {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        attachments.insert(TypeId::of::<T>(), made.clone());
        Ok(made)
    }

    pub(super) fn touch(&self, now: Timestamp) {
        self.open.last_used_ms.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> Timestamp {
        Timestamp::from_millis(self.open.last_used_ms.load(Ordering::Relaxed))
    }

    /// Whether nobody but the store holds it.
    pub(super) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.open) == 1
    }

    pub(super) fn is_broken(&self) -> bool {
        self.open.broken.load(Ordering::SeqCst)
    }
}
