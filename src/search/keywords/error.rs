//! What can go wrong in the keyword index.
//!
//! The index is derived: whatever cannot be read is deleted and built again from the store. So the one distinction that
//! matters to a caller is [`Error::Unusable`] (delete it and rebuild) against everything else (keep it and try again).

use std::borrow::Cow;
use std::path::PathBuf;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError};

use crate::base::fault::{Fault, Kind};

/// A fault of the keyword index.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files are damaged, incomplete, or of another layout. Delete the folder and rebuild from the store.
    #[error("the keyword index in {folder} cannot be used: {reason}")]
    Unusable {
        /// The folder to delete; empty for an index in memory.
        folder: PathBuf,
        /// What was found, for the log.
        reason: String,
    },
    /// Another writer holds the folder, in this process or another.
    #[error("the keyword index in {folder} is being written by somebody else")]
    Busy {
        /// The folder in question.
        folder: PathBuf,
    },
    /// The folder or a file in it could not be made, read or written.
    #[error("the keyword index could not be read or written")]
    Io(#[from] std::io::Error),
    /// The engine failed in a way that says nothing about the files.
    #[error("the keyword engine failed")]
    Engine(#[source] TantivyError),
}

impl Error {
    /// Sorts an engine error into the kinds above.
    pub(super) fn from_engine(error: TantivyError, folder: &std::path::Path) -> Self {
        let unusable = |reason: String| Self::Unusable { folder: folder.to_path_buf(), reason };
        match error {
            TantivyError::DataCorruption(_)
            | TantivyError::IncompatibleIndex(_)
            | TantivyError::SchemaError(_)
            | TantivyError::FieldNotFound(_)
            | TantivyError::DeserializeError(_)
            | TantivyError::OpenReadError(
                OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_),
            ) => unusable(error.to_string()),
            TantivyError::OpenReadError(OpenReadError::IoError { ref io_error, .. })
                if is_damage(io_error) =>
            {
                unusable(error.to_string())
            }
            TantivyError::IoError(ref io_error) if is_damage(io_error) => unusable(error.to_string()),
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::Busy { folder: folder.to_path_buf() },
            TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(path)) => {
                unusable(format!("{} is missing", path.display()))
            }
            TantivyError::IoError(cause) => match std::sync::Arc::try_unwrap(cause) {
                Ok(cause) => Self::Io(cause),
                Err(shared) => Self::Io(std::io::Error::new(shared.kind(), shared)),
            },
            other => Self::Engine(other),
        }
    }
}

/// What reading a file of the wrong content ends in, as opposed to a disk that fails.
fn is_damage(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Busy { .. } => Kind::Unavailable,
            Self::Unusable { .. } | Self::Io(_) | Self::Engine(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "keyword_index_unusable",
            Self::Busy { .. } => "keyword_index_busy",
            Self::Io(_) => "keyword_index_io",
            Self::Engine(_) => "keyword_engine_failed",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unusable { .. } => {
                "The search index is damaged. It is being rebuilt from the stored documents; search by words works again when that is done."
            }
            Self::Busy { .. } => "The search index is in use by another process. Try again in a moment.",
            Self::Io(_) => {
                "The search index could not be read or written. Check the disk and its free space."
            }
            Self::Engine(_) => "Search by words failed. Try again; the log has the cause.",
        })
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Io(_) | Self::Engine(_) => true,
            Self::Unusable { .. } => false,
        }
    }
}
