//! What can go wrong with a blob.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use super::BlobHash;
use crate::base::{Fault, Kind};
use crate::store;

/// A fault of the files room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// More bytes than the caller allows.
    #[error("more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// The sender stopped in the middle.
    #[error("the file did not arrive whole")]
    Interrupted(#[source] Arc<io::Error>),
    /// There is no such blob.
    #[error("the blob {hash} is missing")]
    Missing {
        /// Which.
        hash: BlobHash,
    },
    /// Its bytes are not those that were put.
    #[error("the blob {hash} is damaged")]
    Damaged {
        /// Which.
        hash: BlobHash,
    },
    /// The file system failed.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
}

impl Error {
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source: Arc::new(source) }
    }

    fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Interrupted(_) => Kind::Invalid,
            Self::Io { .. } if self.is_disk_full() => Kind::Unavailable,
            Self::Missing { .. } | Self::Damaged { .. } | Self::Io { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::TooLarge { .. } => "file_too_large",
            Self::Interrupted(_) => "file_interrupted",
            Self::Missing { .. } => "file_missing",
            Self::Damaged { .. } => "file_content_damaged",
            Self::Io { .. } if self.is_disk_full() => "disk_full",
            Self::Io { .. } => "file_storage_failed",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::TooLarge { bytes_max } => {
                let mebibytes = (bytes_max >> 20).max(1);
                format!("The file is larger than the limit of {mebibytes} MiB. Split it into smaller files.").into()
            }
            Self::Interrupted(_) => "The file did not arrive whole. Upload it again.".into(),
            Self::Missing { .. } => {
                "The stored file is missing from the appliance's disk. Upload it again, or restore a backup.".into()
            }
            Self::Damaged { .. } => {
                "The stored file is damaged on the appliance's disk. Upload it again, or restore a backup.".into()
            }
            Self::Io { .. } if self.is_disk_full() => {
                "The appliance's disk is full. Nothing was saved; free some space and try again.".into()
            }
            Self::Io { .. } => {
                "The appliance could not read or write its files. Its log says why; check the disk and the owner of the \
                 data directory."
                    .into()
            }
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Io { .. } => true,
            Self::TooLarge { .. } | Self::Interrupted(_) | Self::Missing { .. } | Self::Damaged { .. } => {
                false
            }
        }
    }
}
