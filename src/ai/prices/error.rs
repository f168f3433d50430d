//! Why a cost cannot be told.

use std::borrow::Cow;

use crate::base::{Fault, Kind};

/// Why a cost cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum PriceError {
    /// Neither the shipped list nor the site's settings know the model.
    #[error("there is no price for the model {model}")]
    Unpriced { model: String },
    /// More than an amount can hold: a count that no model can have reported.
    #[error("the cost of {model} is beyond all amounts")]
    TooLarge { model: String },
    /// The list that is compiled in cannot be read.
    #[error("the shipped price list cannot be read: {reason}")]
    ListBroken { reason: String },
}

impl Fault for PriceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unpriced { .. } => Kind::Invalid,
            Self::TooLarge { .. } | Self::ListBroken { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unpriced { .. } => "model_unpriced",
            Self::TooLarge { .. } => "model_cost_too_large",
            Self::ListBroken { .. } => "model_prices_broken",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unpriced { model } => format!(
                "There is no price for the model \"{model}\". Set one with [[ai.price]] in the settings; 0 where it costs nothing."
            )
            .into(),
            Self::TooLarge { model } => {
                format!("The cost of the model \"{model}\" cannot be told: its token counts are out of bounds.")
                    .into()
            }
            Self::ListBroken { .. } => "The price list of this release cannot be read.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Unpriced { .. } | Self::TooLarge { .. } | Self::ListBroken { .. } => false,
        }
    }
}
