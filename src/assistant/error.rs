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
    /// Nothing is kept about why a message was answered as it was: it has no answer yet, or is none that gets one.
    #[error("no trace of an answer is kept")]
    NoTrace,
    /// The settings have no provider of this name that can be asked.
    #[error("no provider of the settings is called {0}")]
    ProviderUnknown(String),
    /// No model is configured that could be asked again.
    #[error("no model could be asked again")]
    NoProvider,
    /// None of the passages that the answer is from is there any more.
    #[error("no passage is left to ask about")]
    PassagesGone,
    /// The budget does not allow the call.
    #[error("the budget does not allow to ask again")]
    OverBudget,
    /// As many answers are being asked for again as may.
    #[error("too many answers are being asked for again")]
    TooManyReplays,
    /// The task that asked ended early.
    #[error("asking again broke off")]
    ReplayBroke,
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
            Self::Busy(_)
            | Self::NoTrace
            | Self::ProviderUnknown(_)
            | Self::NoProvider
            | Self::PassagesGone
            | Self::OverBudget
            | Self::TooManyReplays
            | Self::ReplayBroke => None,
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NoTrace => Kind::NotFound,
            Self::ProviderUnknown(_) => Kind::Invalid,
            Self::NoProvider | Self::PassagesGone => Kind::Conflict,
            Self::OverBudget => Kind::OverBudget,
            Self::ReplayBroke => Kind::Internal,
            other => other.inner().map_or(Kind::Unavailable, Fault::kind),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy(_) => "answers_busy",
            Self::NoTrace => "trace_not_found",
            Self::ProviderUnknown(_) => "field_invalid",
            Self::NoProvider => "no_model_configured",
            Self::PassagesGone => "passages_gone",
            Self::OverBudget => "over_budget",
            Self::TooManyReplays => "replays_busy",
            Self::ReplayBroke => "internal",
            other => other.inner().map_or("internal", Fault::code),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NoTrace => "Nothing is kept about an answer to this message: it has none yet, or none that was written by the assistant.".into(),
            Self::ProviderUnknown(name) => format!("No model of the settings is called {name}. Leave it out for the one that answered.").into(),
            Self::NoProvider => "No model is configured, so there is none to ask. [[ai.provider]] in the settings adds one.".into(),
            Self::PassagesGone => "None of the passages is there any more: their documents were replaced or deleted. Ask the question anew.".into(),
            Self::OverBudget => "The workspace's budget does not allow to ask again at the moment.".into(),
            Self::TooManyReplays => "Several answers are being asked for again at the moment. Try again shortly.".into(),
            Self::ReplayBroke => "Asking again broke off. The appliance's log says why.".into(),
            Self::Busy(_) => "Many answers are being written at the moment. Try again shortly.".into(),
            other => other.inner().map_or("The answer could not be written.".into(), Fault::public),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Busy(_) | Self::TooManyReplays => true,
            other => other.inner().is_some_and(Fault::retryable),
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::ProviderUnknown(_) => Some("/provider"),
            other => other.inner().and_then(Fault::field),
        }
    }
}
