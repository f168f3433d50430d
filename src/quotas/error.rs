//! What can go wrong with a quota.

use std::borrow::Cow;

use super::Quota;
use super::own::LIMIT_MAX;
use crate::base::{Fault, Kind};
use crate::store;

/// A fault of quotas.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The tenant has as much of it as it may.
    #[error("the quota of {quota:?} is {limit}")]
    Reached {
        /// Of what.
        quota: Quota,
        /// How much it may have.
        limit: u64,
    },
    /// The same, and it is a visitor who is told: the workspace's affairs are not a visitor's.
    #[error("the quota of {quota:?} is reached, and a visitor asked")]
    ClosedToVisitors {
        /// Of what.
        quota: Quota,
    },
    /// A limit is larger than can be.
    #[error("{pointer} is too large")]
    LimitTooLarge {
        /// Which, as a JSON pointer.
        pointer: &'static str,
    },
}

impl Error {
    /// As a visitor is told of it.
    #[must_use]
    pub fn for_visitor(self) -> Self {
        match self {
            Self::Reached { quota, .. } => Self::ClosedToVisitors { quota },
            other => other,
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Reached { .. } | Self::ClosedToVisitors { .. } => Kind::Conflict,
            Self::LimitTooLarge { .. } => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Reached { .. } | Self::ClosedToVisitors { .. } => "quota_reached",
            Self::LimitTooLarge { .. } => "field_invalid",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Reached { quota, limit } => quota.refusal(*limit).into(),
            Self::ClosedToVisitors { .. } => {
                "This chat cannot take anything new at the moment. Please try again later.".into()
            }
            Self::LimitTooLarge { .. } => {
                format!("This may be at most {LIMIT_MAX}; 0 is for no limit.").into()
            }
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Reached { .. } | Self::ClosedToVisitors { .. } | Self::LimitTooLarge { .. } => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::LimitTooLarge { pointer } => Some(pointer),
            Self::Store(_) | Self::Reached { .. } | Self::ClosedToVisitors { .. } => None,
        }
    }
}
