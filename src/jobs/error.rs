//! How a job fails, and what can go wrong with the queue.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::{Fault, Kind};
use crate::store;

/// A fault of the queue.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is no such job, or it is not one that can be retried.
    #[error("no dead job with this id")]
    NotDead,
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::NotDead => Kind::NotFound,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::NotDead => "job_not_dead",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::NotDead => "There is no failed job with this id.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::NotDead => false,
        }
    }
}

/// Why a run of a job did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Another attempt may succeed; after the pause that attempts earn.
    Retry(String),
    /// Not before so long has passed; does not count as an attempt.
    Later(Duration),
    /// No attempt will succeed.
    Permanent(String),
}

impl<E: Fault> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        match error.kind() {
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::TooLarge => Self::Permanent(reason),
            Kind::Limited | Kind::OverBudget | Kind::Unavailable | Kind::Internal => Self::Retry(reason),
        }
    }
}
