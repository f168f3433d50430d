//! What can go wrong with the indexes of a tenant.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::{Fault, Kind};
use crate::search::{keywords, vectors};
use crate::store;

/// A fault of the indexes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keyword index failed.
    #[error("the keyword index failed")]
    Keywords(#[source] Arc<keywords::Error>),
    /// The vector index failed.
    #[error("the vector index failed")]
    Vectors(#[source] Arc<vectors::Error>),
    /// The files of an index could not be removed, to build it anew.
    #[error("the files of an index could not be removed")]
    Remove(#[source] Arc<std::io::Error>),
    /// An embedding model gives vectors of another size than it did.
    #[error("the embedding model {model} gave vectors of {before} numbers and now gives {now}")]
    OtherDimensions {
        /// The model.
        model: String,
        /// Numbers of the vectors that are stored.
        before: usize,
        /// Numbers of the new one.
        now: usize,
    },
    /// A document with more passages than a group can have.
    #[error("a group of more than {} passages", super::PASSAGES_MAX)]
    TooManyPassages,
}

impl From<keywords::Error> for Error {
    fn from(error: keywords::Error) -> Self {
        Self::Keywords(Arc::new(error))
    }
}

impl From<vectors::Error> for Error {
    fn from(error: vectors::Error) -> Self {
        Self::Vectors(Arc::new(error))
    }
}

impl Error {
    /// Whether files must be deleted and built anew.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Keywords(error) if matches!(**error, keywords::Error::Unusable { .. }))
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Keywords(error) => error.kind(),
            Self::Vectors(error) => error.kind(),
            Self::Remove(_) => Kind::Internal,
            Self::OtherDimensions { .. } => Kind::Invalid,
            Self::TooManyPassages => Kind::TooLarge,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Keywords(error) => error.code(),
            Self::Vectors(error) => error.code(),
            Self::Remove(_) => "index_not_removable",
            Self::OtherDimensions { .. } => "embedding_dimensions_changed",
            Self::TooManyPassages => "too_many_passages",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Keywords(error) => error.public(),
            Self::Vectors(error) => error.public(),
            Self::Remove(_) => {
                "A search index must be rebuilt and its old files could not be removed. Check the owner of the data \
                 directory."
                    .into()
            }
            Self::OtherDimensions { model, before, now } => format!(
                "The embedding model \"{model}\" gives vectors of {now} numbers where it gave {before}. It has become another model: \
                 give it another name with its server, or set its dimensions."
            )
            .into(),
            Self::TooManyPassages => "The document is too long. Split it into smaller files.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Keywords(error) => error.retryable(),
            Self::Vectors(error) => error.retryable(),
            Self::Remove(_) => true,
            Self::TooManyPassages | Self::OtherDimensions { .. } => false,
        }
    }
}
