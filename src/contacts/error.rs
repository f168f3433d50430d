//! What can go wrong with visitors.

use std::borrow::Cow;

use crate::base::{Fault, Kind};

/// A fault of contacts.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The token is genuine and has run out.
    #[error("the visitor's token has expired")]
    TokenExpired,
    /// The token was not signed by this appliance, or is damaged.
    #[error("the visitor's token is not one of ours")]
    TokenInvalid,
    /// A token could not be written.
    #[error("the visitor's token could not be encoded: {0}")]
    TokenNotMade(String),
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::TokenExpired | Self::TokenInvalid => Kind::Unauthenticated,
            Self::TokenNotMade(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TokenExpired => "visitor_token_expired",
            Self::TokenInvalid => "visitor_token_invalid",
            Self::TokenNotMade(_) => "visitor_token_not_made",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::TokenExpired => "This chat has been idle for too long. Start a new one.".into(),
            Self::TokenInvalid => "This chat is not known here. Start a new one.".into(),
            Self::TokenNotMade(_) => "The chat could not be started. The appliance's log says why.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::TokenExpired | Self::TokenInvalid | Self::TokenNotMade(_) => false,
        }
    }
}
