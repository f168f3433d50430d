//! What can go wrong with the store, said so that an administrator can act.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Fault, Kind};

/// A fault of the store. Cheap to clone: one failed commit answers everybody whose change was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A row that must be there is not.
    #[error("no such row in {table}")]
    NotFound {
        /// The table.
        table: &'static str,
    },
    /// A row that must be new is there already.
    #[error("the key exists already in {table}")]
    AlreadyExists {
        /// The table.
        table: &'static str,
    },
    /// Another row has the same value in a unique index.
    #[error("another row has the same value in {index}")]
    Duplicate {
        /// The index.
        index: &'static str,
    },
    /// A row does not decode.
    #[error("a row of {table} does not decode: {reason}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// What the codec said.
        reason: String,
    },
    /// The database engine failed.
    #[error("the database engine failed")]
    Engine(#[source] Arc<redb::Error>),
    /// The change panicked, or its commit was given up because the process is ending.
    #[error("the change ended without a result")]
    Lost,
    /// More changes wait than may.
    #[error("{waiting} changes are waiting to be written")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// A file or folder of the data directory cannot be used.
    #[error("cannot {action} {}", path.display())]
    Directory {
        /// What was tried, as in "create" or "write to".
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The keyspace was erased, or is being erased.
    #[error("the keyspace was erased")]
    Erased,
    /// Another process uses the data directory.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data was written by a newer release.
    #[error("{} has schema version {found}, this release knows up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest that this release knows.
        known: u32,
    },
    /// The appliance's key is not 32 bytes.
    #[error("{} does not hold a key", path.display())]
    BadKey {
        /// The key file.
        path: PathBuf,
    },
    /// The appliance's key is not the one that this data directory was written with.
    #[error("the key is not that of {}", path.display())]
    WrongKey {
        /// The data directory.
        path: PathBuf,
    },
    /// The appliance's key is handed in by the service manager, and was not.
    #[error("there is no key at {}", path.display())]
    KeyMissing {
        /// Where it would be if it lay in the data directory.
        path: PathBuf,
    },
    /// The appliance's key is handed in by the service manager, so it cannot be changed here.
    #[error("the appliance's key is handed in")]
    KeyHandedIn,
    /// The data directory is another user's.
    #[error("{} belongs to the user {owner}", path.display())]
    OtherOwner {
        /// The data directory.
        path: PathBuf,
        /// The user's number.
        owner: u32,
    },
}

impl Error {
    pub(super) fn directory(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Directory { action, path, source: Arc::new(source) }
    }

    /// Whether the disk is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let full = |error: &std::io::Error| {
            matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        };
        match self {
            Self::Engine(engine) => matches!(&**engine, redb::Error::Io(error) if full(error)),
            Self::Directory { source, .. } => full(source),
            _ => false,
        }
    }

    /// Whether the open database can no longer be used and must be opened anew: redb refuses all writes after
    /// an input or output error.
    pub(super) fn breaks_database(&self) -> bool {
        matches!(self, Self::Engine(engine)
            if matches!(&**engine, redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::LockPoisoned(_)))
    }
}

impl From<redb::Error> for Error {
    fn from(error: redb::Error) -> Self {
        Self::Engine(Arc::new(error))
    }
}

macro_rules! from_engine {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for Error {
            fn from(error: redb::$name) -> Self {
                Self::from(redb::Error::from(error))
            }
        }
    )*};
}

from_engine!(StorageError, TableError, TransactionError, CommitError, DatabaseError, SetDurabilityError);

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } | Self::Erased => Kind::NotFound,
            Self::AlreadyExists { .. } | Self::Duplicate { .. } | Self::KeyHandedIn => Kind::Conflict,
            Self::Busy { .. } | Self::InUse { .. } | Self::Lost => Kind::Unavailable,
            Self::Engine(_) | Self::Directory { .. } => {
                if self.is_disk_full() {
                    Kind::Unavailable
                } else {
                    Kind::Internal
                }
            }
            Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::BadKey { .. }
            | Self::WrongKey { .. }
            | Self::KeyMissing { .. }
            | Self::OtherOwner { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::Erased => "not_found",
            Self::AlreadyExists { .. } | Self::Duplicate { .. } => "already_exists",
            Self::Damaged { .. } => "data_damaged",
            Self::Engine(_) | Self::Directory { .. } if self.is_disk_full() => "disk_full",
            Self::Engine(_) => "database_failed",
            Self::Lost => "write_lost",
            Self::Busy { .. } => "store_busy",
            Self::Directory { .. } => "directory_unusable",
            Self::InUse { .. } => "directory_in_use",
            Self::Newer { .. } => "data_newer",
            Self::BadKey { .. } => "key_unusable",
            Self::WrongKey { .. } => "key_wrong",
            Self::KeyMissing { .. } => "key_missing",
            Self::KeyHandedIn => "key_handed_in",
            Self::OtherOwner { .. } => "directory_of_another_user",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound { .. } | Self::Erased => "It does not exist.".into(),
            Self::AlreadyExists { .. } | Self::Duplicate { .. } => "It exists already.".into(),
            Self::Busy { .. } => "The appliance is busy writing. Try again in a moment.".into(),
            Self::Lost => "The change was not saved. Try again.".into(),
            Self::Engine(_) | Self::Directory { .. } if self.is_disk_full() => {
                "The appliance's disk is full. Nothing was saved; free some space and try again.".into()
            }
            Self::InUse { path } => format!(
                "The data directory {} is in use by another Frontdesk process. Stop that one, or choose another \
                 directory with --data-dir.",
                path.display()
            )
            .into(),
            Self::Newer { path, found, known } => format!(
                "{} was written by a newer release of Frontdesk (schema {found}; this one knows up to {known}). \
                 Install that release again, or restore a backup made by this one. Nothing was changed.",
                path.display()
            )
            .into(),
            Self::BadKey { path } => format!(
                "{} does not hold the appliance's key (32 bytes). Put back the file that belongs to this data \
                 directory; without it, sealed secrets cannot be read.",
                path.display()
            )
            .into(),
            Self::WrongKey { path } => format!(
                "The appliance's key is not the one that {} was written with. Hand in the key that belongs to it, \
                 and leave no other one in the directory. Nothing was changed.",
                path.display()
            )
            .into(),
            Self::KeyHandedIn => "The service manager hands the appliance's key in. Put 32 new random bytes before those in its file, \
                 and restart the service."
                .into(),
            Self::KeyMissing { path } => format!(
                "The appliance's key is handed in by the service manager and is not there. Start the service and repeat \
                 the command while it runs, or put the key at {}.",
                path.display()
            )
            .into(),
            Self::OtherOwner { path, owner } => format!(
                "The data directory {} belongs to another user. Repeat the command as that user: sudo -u '#{owner}' \
                 frontdesk ... (the packaged service's is frontdesk).",
                path.display()
            )
            .into(),
            Self::Directory { action, path, source } => format!(
                "Cannot {action} {}: {source}. Check the path, its owner and its permissions.",
                path.display()
            )
            .into(),
            Self::Damaged { .. } | Self::Engine(_) => "The appliance's database failed. Its log says why.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Lost => true,
            Self::Engine(_) | Self::Directory { .. } => self.is_disk_full(),
            Self::NotFound { .. }
            | Self::Erased
            | Self::AlreadyExists { .. }
            | Self::Duplicate { .. }
            | Self::Damaged { .. }
            | Self::InUse { .. }
            | Self::Newer { .. }
            | Self::BadKey { .. }
            | Self::WrongKey { .. }
            | Self::KeyMissing { .. }
            | Self::KeyHandedIn
            | Self::OtherOwner { .. } => false,
        }
    }
}
