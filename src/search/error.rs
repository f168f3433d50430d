//! What can go wrong while searching, or while preparing to.

use std::borrow::Cow;

use crate::base::fault::{Fault, Kind};

/// A fault of the search room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedding model compiled into the binary cannot be opened.
    #[error("the bundled embedding model cannot be opened")]
    BundledModelUnusable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The text holds nothing that an embedding model could read: it is empty or only spaces.
    #[error("the text holds no words to embed")]
    TextEmpty,
    /// The text could not be cut into the pieces that the model reads.
    #[error("the text could not be tokenised")]
    NotTokenised(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model stopped while it read the text.
    #[error("the embedding model failed")]
    InferenceFailed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model answered with something that is not a direction: not a number, infinite, or all zero.
    #[error("the embedding model gave a vector without a direction")]
    VectorDegenerate,
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::TextEmpty => Kind::Invalid,
            Self::BundledModelUnusable(_)
            | Self::NotTokenised(_)
            | Self::InferenceFailed(_)
            | Self::VectorDegenerate => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BundledModelUnusable(_) => "embedding_model_unusable",
            Self::TextEmpty => "text_empty",
            Self::NotTokenised(_) => "text_not_tokenised",
            Self::InferenceFailed(_) => "embedding_failed",
            Self::VectorDegenerate => "embedding_degenerate",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::TextEmpty => "The text is empty. Write at least one word.",
            Self::BundledModelUnusable(_) => {
                "The embedding model of this installation cannot be opened. Install Frontdesk again."
            }
            Self::NotTokenised(_) | Self::InferenceFailed(_) | Self::VectorDegenerate => {
                "This text could not be prepared for search. An administrator finds the cause in the log."
            }
        }
        .into()
    }

    fn retryable(&self) -> bool {
        match self {
            Self::BundledModelUnusable(_)
            | Self::TextEmpty
            | Self::NotTokenised(_)
            | Self::InferenceFailed(_)
            | Self::VectorDegenerate => false,
        }
    }
}
