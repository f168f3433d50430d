//! Why an archive cannot be written or believed.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::base::{self, Fault};
use crate::store;

/// Where in an archive something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the beginning of the file. In a sealed archive, where the piece of 64 KiB ends that it is in.
    pub at: u64,
    /// The entry that was being read, such as `system.redb`; nothing before the first.
    pub entry: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.at)?;
        match &self.entry {
            Some(entry) => write!(f, ", in {entry}"),
            None => Ok(()),
        }
    }
}

/// A fault of the archive room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Something else, or not from the beginning.
    #[error("not an archive of Frontdesk")]
    NotAnArchive,
    /// Of a later version of the format.
    #[error("an archive of format {found}")]
    FormatNewer {
        /// Which.
        found: u16,
    },
    /// It ends too early.
    #[error("the archive is cut off at {place}")]
    Truncated {
        /// Where it ends.
        place: Place,
    },
    /// Its bytes are not those that were written.
    #[error("the archive was altered at {place}")]
    Altered {
        /// Where.
        place: Place,
    },
    /// Its bytes are as they were written, and make no sense.
    #[error("the archive makes no sense at {place}: {reason}")]
    Senseless {
        /// Where.
        place: Place,
        /// What is wrong.
        reason: &'static str,
    },
    /// More than the limits of whoever reads or writes allow.
    #[error("{what} has more than {bytes_max} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        bytes_max: u64,
    },
    /// A path that could lead elsewhere.
    #[error("the path {path:?} is refused")]
    PathRefused {
        /// Which.
        path: String,
    },
    /// A file is not as long as was said.
    #[error("{path} changed while it was read")]
    Changed {
        /// Which.
        path: String,
    },
    /// It is sealed, and nothing was given to open it.
    #[error("the archive is encrypted")]
    Sealed {
        /// Whether to a passphrase.
        to_passphrase: bool,
    },
    /// It is sealed to another passphrase or recipient.
    #[error("the passphrase or identity does not open the archive")]
    WrongKey,
    /// What was given to seal or open with is none.
    #[error("not an age {what}")]
    KeyUnusable {
        /// `recipient` or `identity`.
        what: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The file system, or whatever is at the other end, failed.
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
    pub(super) fn too_large(what: &str, bytes_max: usize) -> Self {
        Self::TooLarge { what: what.to_owned(), bytes_max: bytes_max as u64 }
    }

    pub(super) fn io(action: &'static str) -> impl Fn(io::Error) -> Self {
        // A fault of a layer below travels through the packing in an `io::Error`.
        move |error| match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => Self::Io { action, source: Arc::new(error) },
        }
    }

    pub(super) fn in_entry(mut self, name: Option<&str>) -> Self {
        if let Self::Truncated { place } | Self::Altered { place } | Self::Senseless { place, .. } = &mut self
            && place.entry.is_none()
        {
            place.entry = name.map(str::to_owned);
        }
        self
    }

    /// Where the archive is wrong, if it is.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Truncated { place } | Self::Altered { place } | Self::Senseless { place, .. } => {
                Some(place)
            }
            _ => None,
        }
    }

    fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::other(error)
    }
}

impl Fault for Error {
    fn kind(&self) -> base::Kind {
        match self {
            Self::NotAnArchive
            | Self::FormatNewer { .. }
            | Self::Truncated { .. }
            | Self::Altered { .. }
            | Self::Senseless { .. }
            | Self::PathRefused { .. }
            | Self::Sealed { .. }
            | Self::WrongKey
            | Self::KeyUnusable { .. } => base::Kind::Invalid,
            Self::TooLarge { .. } => base::Kind::TooLarge,
            Self::Store(error) => error.kind(),
            Self::Io { .. } if self.is_disk_full() => base::Kind::Unavailable,
            Self::Changed { .. } | Self::Io { .. } => base::Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAnArchive => "archive_unknown",
            Self::FormatNewer { .. } => "archive_newer",
            Self::Truncated { .. } => "archive_cut_off",
            Self::Altered { .. } => "archive_altered",
            Self::Senseless { .. } => "archive_senseless",
            Self::TooLarge { .. } => "archive_too_large",
            Self::PathRefused { .. } => "archive_path_refused",
            Self::Changed { .. } => "archive_source_changed",
            Self::Sealed { .. } => "archive_sealed",
            Self::WrongKey => "archive_wrong_key",
            Self::KeyUnusable { .. } => "archive_key_unusable",
            Self::Store(error) => error.code(),
            Self::Io { .. } if self.is_disk_full() => "disk_full",
            Self::Io { .. } => "archive_storage_failed",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotAnArchive => "This is not a file that Frontdesk has made. Choose a backup or an exported workspace.".into(),
            Self::FormatNewer { found } => format!(
                "The file was made by a newer release of Frontdesk (format {found}). Install that release, or a later one."
            )
            .into(),
            Self::Truncated { place } => {
                format!("The file is cut off at {place}. Copy it again from where it was made, or take another one.").into()
            }
            Self::Altered { place } => format!(
                "The file is not as it was written: it differs at {place}. Copy it again from where it was made, or take \
                 another one."
            )
            .into(),
            Self::Senseless { place, reason } => {
                format!("The file is whole, but makes no sense at {place}: {reason}. Take another one.").into()
            }
            Self::TooLarge { what, bytes_max } => {
                format!("{what} is larger than the limit of {bytes_max} bytes.").into()
            }
            Self::PathRefused { path } => {
                format!("The file names the path {path:?}, which could lead out of the data directory. Do not use it.").into()
            }
            Self::Changed { path } => format!("{path} changed while it was read. Try again.").into(),
            Self::Sealed { to_passphrase: true } => {
                "The file is encrypted with a passphrase. Name a file that holds it with --passphrase-file.".into()
            }
            Self::Sealed { to_passphrase: false } => {
                "The file is encrypted to a key. Name the file of the age identity with --identity.".into()
            }
            Self::WrongKey => {
                "The passphrase or identity does not open the file: it was encrypted with another one.".into()
            }
            Self::KeyUnusable { what: "recipient" } => {
                "This is not an age recipient. It begins with age1; age-keygen prints it as the public key.".into()
            }
            Self::KeyUnusable { .. } => {
                "The file holds no age identity. It is the one that age-keygen has written, with a line that begins with \
                 AGE-SECRET-KEY-1."
                    .into()
            }
            Self::Store(error) => error.public(),
            Self::Io { .. } if self.is_disk_full() => "The disk is full. Free some space and try again.".into(),
            Self::Io { .. } => "The file could not be read or written. The log says why.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Changed { .. } | Self::Io { .. } => true,
            Self::NotAnArchive
            | Self::FormatNewer { .. }
            | Self::Truncated { .. }
            | Self::Altered { .. }
            | Self::Senseless { .. }
            | Self::TooLarge { .. }
            | Self::PathRefused { .. }
            | Self::Sealed { .. }
            | Self::WrongKey
            | Self::KeyUnusable { .. } => false,
        }
    }
}
