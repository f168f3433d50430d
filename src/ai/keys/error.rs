//! What can go wrong with the keys of providers.

use std::borrow::Cow;

use crate::base::{Fault, Kind};
use crate::store;

/// A rule that a key breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// There is nothing in it.
    Empty,
    /// It has more bytes than this.
    TooLong(usize),
    /// It holds what cannot stand in a header: blanks, line breaks, letters beyond ASCII.
    NotVisible,
}

/// A fault of keys. None of them holds a part of a key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What was given cannot be a key.
    #[error("the key breaks the rule {0:?}")]
    Key(Rule),
    /// The settings have no such provider.
    #[error("no provider of the settings is called {0}")]
    ProviderUnknown(String),
    /// The row was copied from elsewhere, or the appliance's key is another one than when it was written.
    #[error("the key for {provider} in {place} does not open")]
    DoesNotOpen {
        /// For which provider.
        provider: String,
        /// In which keyspace.
        place: store::KeyspaceId,
    },
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Key(_) => Kind::Invalid,
            Self::ProviderUnknown(_) => Kind::NotFound,
            Self::DoesNotOpen { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Key(_) => "field_invalid",
            Self::ProviderUnknown(_) => "provider_not_found",
            Self::DoesNotOpen { .. } => "provider_key_unreadable",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Key(Rule::Empty) => "A key must not be empty.".into(),
            Self::Key(Rule::TooLong(bytes_max)) => {
                format!("A key may have at most {bytes_max} characters.").into()
            }
            Self::Key(Rule::NotVisible) => {
                "A key is one word of letters, digits and signs, without blanks. Copy it again.".into()
            }
            Self::ProviderUnknown(name) => format!(
                "The settings have no provider called {name}. The list of keys shows those there are."
            )
            .into(),
            Self::DoesNotOpen { provider, .. } => {
                format!("The key that was kept for {provider} cannot be opened. Set it again.").into()
            }
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Key(_) | Self::ProviderUnknown(_) | Self::DoesNotOpen { .. } => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Key(_) => Some("/key"),
            Self::Store(_) | Self::ProviderUnknown(_) | Self::DoesNotOpen { .. } => None,
        }
    }
}
