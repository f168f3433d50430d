//! What can keep an answer from being written.

use std::borrow::Cow;

use crate::ai::prices::PriceError;
use crate::base::pool::PoolError;
use crate::base::{Fault, Kind};
use crate::{budget, conversations, knowledge, search, store, tenants};

/// A fault of this room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The conversation.
    #[error(transparent)]
    Conversation(#[from] conversations::Error),
    /// Finding the passages.
    #[error(transparent)]
    Knowledge(#[from] knowledge::Error),
    /// Comparing what could be quoted.
    #[error(transparent)]
    Search(#[from] search::Error),
    /// The workspace.
    #[error(transparent)]
    Tenant(#[from] tenants::Error),
    /// The ledger or the budget.
    #[error(transparent)]
    Budget(#[from] budget::Error),
    /// What a model may cost.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// As many answers are being written as may.
    #[error("too many answers are being written")]
    Busy(#[from] PoolError),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    fn inner(&self) -> Option<&dyn Fault> {
        match self {
            Self::Conversation(error) => Some(error),
            Self::Knowledge(error) => Some(error),
            Self::Search(error) => Some(error),
            Self::Tenant(error) => Some(error),
            Self::Budget(error) => Some(error),
            Self::Price(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Busy(_) => None,
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        self.inner().map_or(Kind::Unavailable, Fault::kind)
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy(_) => "answers_busy",
            other => other.inner().map_or("internal", Fault::code),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Busy(_) => "Many answers are being written at the moment. Try again shortly.".into(),
            other => other.inner().map_or("The answer could not be written.".into(), Fault::public),
        }
    }

    fn retryable(&self) -> bool {
        self.inner().is_none_or(Fault::retryable)
    }
}
