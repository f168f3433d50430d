//! Why a question cannot be routed.

use std::borrow::Cow;

use crate::base::{Fault, Kind};

/// Why a question cannot be routed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The settings know no strategy of this name.
    #[error("there is no routing strategy named {name}")]
    StrategyUnknown {
        /// The name that was asked for.
        name: String,
        /// Those that there are, with commas between them.
        known: String,
    },
}

impl Fault for RouteError {
    fn kind(&self) -> Kind {
        match self {
            Self::StrategyUnknown { .. } => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::StrategyUnknown { .. } => "strategy_unknown",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::StrategyUnknown { name, known } => {
                format!("There is no routing strategy \"{name}\". There are: {known}.").into()
            }
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::StrategyUnknown { .. } => false,
        }
    }
}
