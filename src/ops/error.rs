//! What can go wrong with backups and the ways back.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Fault, Kind};
use crate::{ai, archive, identity, store, tenants};

/// A fault of the ops room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The archive is damaged, sealed, or cannot be written.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// The audit trail could not be read or written.
    #[error("the audit trail")]
    Audit(#[source] Arc<identity::Error>),
    /// A provider's key does not open, or could not be sealed.
    #[error("the keys of model providers")]
    Keys(#[source] Arc<ai::keys::Error>),
    /// The tenants could not be listed.
    #[error("the list of tenants")]
    Tenants(#[source] Arc<tenants::Error>),
    /// There is no such backup.
    #[error("no backup {name}")]
    Missing {
        /// Its name.
        name: String,
    },
    /// One is asked for already and has not begun.
    #[error("a backup waits already")]
    Waiting,
    /// The archive is something else than what is needed.
    #[error("not a backup of an appliance")]
    NotABackup,
    /// The archive holds keyspaces only, as before an upgrade.
    #[error("a copy of the keyspaces alone")]
    KeyspacesOnly,
    /// It was made by a newer release.
    #[error("made by {program} with schema version {schema}, this release knows up to {known}")]
    Newer {
        /// That release.
        program: String,
        /// Its schema version.
        schema: u32,
        /// The newest that this release knows.
        known: u32,
    },
    /// There is data where a backup is to be restored.
    #[error("{} holds data", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// A backup is whole and yet does not hold what it should.
    #[error("{problem}")]
    Unproven {
        /// What is wrong with it, in a sentence.
        problem: String,
    },
    /// There is nothing to go back to.
    #[error("no snapshot of before an upgrade")]
    NoSnapshot {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A rollback was cut off.
    #[error("a rollback is not finished")]
    RollbackUnfinished,
    /// The process is ending.
    #[error("the appliance is being stopped")]
    Stopping,
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
}

impl Error {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source: Arc::new(source) }
    }
}

impl From<identity::Error> for Error {
    fn from(error: identity::Error) -> Self {
        Self::Audit(Arc::new(error))
    }
}

impl From<tenants::Error> for Error {
    fn from(error: tenants::Error) -> Self {
        Self::Tenants(Arc::new(error))
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Archive(error) => error.kind(),
            Self::Audit(error) => error.kind(),
            Self::Keys(error) => error.kind(),
            Self::Tenants(error) => error.kind(),
            Self::Missing { .. } | Self::NoSnapshot { .. } => Kind::NotFound,
            Self::Waiting | Self::Exists { .. } => Kind::Conflict,
            Self::NotABackup | Self::KeyspacesOnly | Self::Newer { .. } | Self::Unproven { .. } => {
                Kind::Invalid
            }
            Self::Stopping => Kind::Unavailable,
            Self::RollbackUnfinished | Self::Io { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Tenants(error) => error.code(),
            Self::Missing { .. } => "backup_not_found",
            Self::Waiting => "backup_waiting",
            Self::NotABackup => "not_a_backup",
            Self::KeyspacesOnly => "backup_of_keyspaces",
            Self::Newer { .. } => "backup_newer",
            Self::Exists { .. } => "data_exists",
            Self::Unproven { .. } => "backup_unproven",
            Self::NoSnapshot { .. } => "snapshot_not_found",
            Self::RollbackUnfinished => "rollback_unfinished",
            Self::Stopping => "stopping",
            Self::Io { .. } => "backup_storage_failed",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Archive(error) => error.public(),
            Self::Audit(error) => error.public(),
            Self::Keys(error) => error.public(),
            Self::Tenants(error) => error.public(),
            Self::Missing { .. } => "There is no backup of this name.".into(),
            Self::Waiting => "A backup is about to be made already. Wait until it is there.".into(),
            Self::NotABackup => {
                "The file is an exported workspace and no backup. Import it with frontdesk tenant import.".into()
            }
            Self::KeyspacesOnly => {
                "The file was made before an upgrade and holds the databases alone. Go back to it with frontdesk rollback.".into()
            }
            Self::Newer { program, .. } => format!(
                "The backup was made by a newer release of Frontdesk ({program}). Install that release, or a later one, and \
                 restore it there."
            )
            .into(),
            Self::Exists { path } => format!(
                "{} holds data already, and nothing was changed. With --force it is moved aside, not deleted, and the backup \
                 takes its place.",
                path.display()
            )
            .into(),
            Self::Unproven { problem } => format!("The backup is not good: {problem}.").into(),
            Self::NoSnapshot { path } => format!(
                "There is nothing to go back to: {} holds no snapshot of before an upgrade.",
                path.display()
            )
            .into(),
            Self::RollbackUnfinished => {
                "A rollback of this data directory was cut off. Finish it with frontdesk rollback.".into()
            }
            Self::Stopping => "The appliance is being stopped. Try again when it is back.".into(),
            Self::Io { action, path, source } => {
                format!("Cannot {action} {}: {source}. Check the path, its owner and the free space.", path.display()).into()
            }
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Archive(error) => error.retryable(),
            Self::Audit(error) => error.retryable(),
            Self::Keys(error) => error.retryable(),
            Self::Tenants(error) => error.retryable(),
            Self::Waiting | Self::Stopping | Self::Io { .. } => true,
            Self::Missing { .. }
            | Self::NotABackup
            | Self::KeyspacesOnly
            | Self::Newer { .. }
            | Self::Exists { .. }
            | Self::Unproven { .. }
            | Self::NoSnapshot { .. }
            | Self::RollbackUnfinished => false,
        }
    }
}
