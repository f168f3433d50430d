//! What can go wrong with documents and with asking them.

use std::borrow::Cow;

use crate::base::pool::PoolError;
use crate::base::{Fault, Kind};
use crate::search::{self, index};
use crate::{ai, budget, files, quotas, store};

/// A fault of the knowledge room. What is wrong with a file's content is not here but in the document's own
/// [`super::Failure`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A quota is reached.
    #[error(transparent)]
    Quota(#[from] quotas::Error),
    /// A stored file failed.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// An index failed.
    #[error(transparent)]
    Index(#[from] index::Error),
    /// The embedding model failed.
    #[error(transparent)]
    Embedding(#[from] search::Error),
    /// The budget failed.
    #[error(transparent)]
    Budget(#[from] budget::Error),
    /// What embedding costs cannot be told.
    #[error(transparent)]
    Price(#[from] ai::prices::PriceError),
    /// There is no such document, or not any more.
    #[error("no such document")]
    NotFound,
    /// The name cannot be a document's.
    #[error("the name {reason}")]
    BadName {
        /// What is wrong with it, to follow "The name".
        reason: &'static str,
    },
    /// Only a document that failed can be tried again.
    #[error("the document has not failed")]
    NotFailed,
    /// The document has no readable text yet.
    #[error("the document has not been read yet")]
    NotReadYet,
    /// As many questions as may wait are waiting.
    #[error("too many questions at once")]
    Busy,
    /// The work panicked, or the process is ending.
    #[error("the work ended without a result")]
    Lost,
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Busy => Self::Busy,
            PoolError::Lost => Self::Lost,
        }
    }
}

impl Error {
    /// The fault underneath, where it is another room's.
    fn inner(&self) -> Option<&dyn Fault> {
        match self {
            Self::Store(error) => Some(error),
            Self::Quota(error) => Some(error),
            Self::Files(error) => Some(error),
            Self::Index(error) => Some(error),
            Self::Embedding(error) => Some(error),
            Self::Budget(error) => Some(error),
            Self::Price(error) => Some(error),
            _ => None,
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::NotFound,
            Self::BadName { .. } => Kind::Invalid,
            Self::NotFailed | Self::NotReadYet => Kind::Conflict,
            Self::Busy | Self::Lost => Kind::Unavailable,
            Self::Store(_)
            | Self::Quota(_)
            | Self::Files(_)
            | Self::Index(_)
            | Self::Embedding(_)
            | Self::Budget(_)
            | Self::Price(_) => self.inner().map_or(Kind::Internal, Fault::kind),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "document_not_found",
            Self::BadName { .. } => "document_name_invalid",
            Self::NotFailed => "document_not_failed",
            Self::NotReadYet => "document_not_read_yet",
            Self::Busy => "search_busy",
            Self::Lost => "work_lost",
            Self::Store(_)
            | Self::Quota(_)
            | Self::Files(_)
            | Self::Index(_)
            | Self::Embedding(_)
            | Self::Budget(_)
            | Self::Price(_) => self.inner().map_or("internal", Fault::code),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound => "There is no such document. It may have been deleted.".into(),
            Self::BadName { reason } => format!("The name {reason}. Choose another name.").into(),
            Self::NotFailed => "The document has not failed, so there is nothing to try again.".into(),
            Self::NotReadYet => "The document has not been read yet. Try again in a moment.".into(),
            Self::Busy => "Too many questions at once. Try again in a moment.".into(),
            Self::Lost => "The work ended without a result. Try again.".into(),
            Self::Store(_)
            | Self::Quota(_)
            | Self::Files(_)
            | Self::Index(_)
            | Self::Embedding(_)
            | Self::Budget(_)
            | Self::Price(_) => self.inner().map_or_else(|| "Something failed.".into(), Fault::public),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Busy | Self::Lost | Self::NotReadYet => true,
            Self::NotFound | Self::BadName { .. } | Self::NotFailed => false,
            Self::Store(_)
            | Self::Quota(_)
            | Self::Files(_)
            | Self::Index(_)
            | Self::Embedding(_)
            | Self::Budget(_)
            | Self::Price(_) => self.inner().is_some_and(Fault::retryable),
        }
    }

    fn field(&self) -> Option<&str> {
        matches!(self, Self::BadName { .. }).then_some("/name")
    }
}
