//! Why a letter was not sent.

use std::borrow::Cow;

use crate::base::{DoesNotOpen, Fault, Kind};
use crate::outbound::SmtpError;

/// A fault of the mail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No mail server is set up, or none any more.
    #[error("no mail server is set up")]
    NotSetUp,
    /// Its words cannot be read: another key sealed them.
    #[error(transparent)]
    DoesNotOpen(#[from] DoesNotOpen),
    /// Its words are not what its template asks for.
    #[error("the letter cannot be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is addressed to nobody who can be written to.
    #[error("{address} is not an address")]
    BadAddress {
        /// As it was given.
        address: String,
    },
    /// It is larger than a letter may be.
    #[error("the letter has {bytes} bytes")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// It came too late to be of use.
    #[error("the letter was of no more use")]
    Expired,
    /// The mail server did not take it, or was not reached.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotSetUp => Kind::Unavailable,
            Self::DoesNotOpen(_) | Self::Unwritable(_) => Kind::Internal,
            Self::BadAddress { .. } => Kind::Invalid,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Expired => Kind::Conflict,
            Self::Smtp(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotSetUp => "mail_not_set_up",
            Self::DoesNotOpen(_) => "mail_sealed",
            Self::Unwritable(_) => "mail_unwritable",
            Self::BadAddress { .. } => "mail_bad_address",
            Self::TooLarge { .. } => "mail_too_large",
            Self::Expired => "mail_expired",
            Self::Smtp(error) => error.code(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotSetUp => "No mail server is set up. Fill in [mail] in the settings.".into(),
            Self::DoesNotOpen(_) => {
                "The letter was sealed with another appliance's key. Ask for it to be sent again.".into()
            }
            Self::Unwritable(_) => "The letter could not be written. The log says why.".into(),
            Self::BadAddress { .. } => "This is not an address that mail can be sent to. Check it.".into(),
            Self::TooLarge { .. } => "The letter is too large to be sent. Use shorter names.".into(),
            Self::Expired => {
                "The letter could not be delivered while its link was good. Ask for a new one.".into()
            }
            Self::Smtp(error) => error.public(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Smtp(error) => error.retryable(),
            Self::NotSetUp
            | Self::DoesNotOpen(_)
            | Self::Unwritable(_)
            | Self::BadAddress { .. }
            | Self::TooLarge { .. }
            | Self::Expired => false,
        }
    }
}
