//! What can go wrong with money. A call that the budget does not allow is no error: it is an answer of `reserve`.

use std::borrow::Cow;

use super::period::Period;
use crate::base::{Fault, Kind};
use crate::store;

/// A rule that a field of a budget breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It is not the name of a time zone.
    ZoneUnknown,
    /// It is more than can be a limit.
    LimitTooLarge,
    /// It is not a percentage from 1 to 100.
    NotAPercentage,
    /// There are more than so many.
    TooMany(usize),
}

impl Rule {
    fn sentence(self) -> Cow<'static, str> {
        match self {
            Self::ZoneUnknown => {
                "There is no time zone of this name. Write one such as Europe/Berlin, America/New_York or UTC.".into()
            }
            Self::LimitTooLarge => format!(
                "A limit is at most {} micro-dollars. Write null for no limit.",
                super::LIMIT_MICROS_MAX.0
            )
            .into(),
            Self::NotAPercentage => "An alert is a whole number of percent, from 1 to 100.".into(),
            Self::TooMany(items_max) => format!("There may be at most {items_max} of these.").into(),
        }
    }
}

/// A fault of this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A field of the budget breaks a rule.
    #[error("{pointer} breaks the rule {rule:?}")]
    Field {
        /// Which, as a JSON pointer.
        pointer: Cow<'static, str>,
        /// What it breaks.
        rule: Rule,
    },
    /// The usage was asked for from a day after the last one.
    #[error("the first day is after the last")]
    RangeReversed,
    /// More was given back than is reserved: the books are wrong, and nothing is written over them.
    #[error("more is given back than is reserved for {0}")]
    Unbalanced(Period),
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Field { .. } | Self::RangeReversed => Kind::Invalid,
            Self::Unbalanced(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Field { .. } => "field_invalid",
            Self::RangeReversed => "range_reversed",
            Self::Unbalanced(_) => "budget_unbalanced",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Field { rule, .. } => rule.sentence(),
            Self::RangeReversed => "The first day is after the last. Exchange from and to.".into(),
            Self::Unbalanced(_) => {
                "The accounts of this workspace do not add up. The appliance's log says where.".into()
            }
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Field { .. } | Self::RangeReversed | Self::Unbalanced(_) => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Field { pointer, .. } => Some(pointer),
            Self::Store(_) | Self::RangeReversed | Self::Unbalanced(_) => None,
        }
    }
}
