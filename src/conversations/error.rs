//! What can go wrong in a conversation.

use std::borrow::Cow;

use crate::base::{Fault, Kind};
use crate::store;

/// A fault of this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is no such conversation, or it is another visitor's.
    #[error("no such conversation")]
    NotFound,
    /// There is no such message in the conversation.
    #[error("no such message")]
    MessageNotFound,
    /// The conversation has ended.
    #[error("the conversation has ended")]
    Ended,
    /// The message is empty.
    #[error("the message is empty")]
    TextEmpty,
    /// The message is too long.
    #[error("the message has {chars} characters")]
    TextTooLong {
        /// How many it has.
        chars: usize,
    },
    /// The idempotency key was used for something else.
    #[error("the idempotency key was used for another message")]
    KeyReused,
    /// The conversation holds as many messages as it may.
    #[error("the conversation is full")]
    Full,
    /// The visitor has as many open conversations as one may have.
    #[error("too many open conversations")]
    TooManyOpen,
    /// The message has been answered already.
    #[error("the message has been answered already")]
    AlreadyAnswered,
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::NotFound | Self::MessageNotFound => Kind::NotFound,
            Self::Ended | Self::KeyReused | Self::AlreadyAnswered | Self::Full => Kind::Conflict,
            Self::TextEmpty => Kind::Invalid,
            Self::TextTooLong { .. } => Kind::TooLarge,
            Self::TooManyOpen => Kind::Limited,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::NotFound => "conversation_not_found",
            Self::MessageNotFound => "message_not_found",
            Self::Ended => "conversation_ended",
            Self::TextEmpty => "text_empty",
            Self::TextTooLong { .. } => "text_too_long",
            Self::KeyReused => "idempotency_key_reused",
            Self::Full => "conversation_full",
            Self::TooManyOpen => "too_many_open_conversations",
            Self::AlreadyAnswered => "already_answered",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::NotFound => "There is no such conversation.".into(),
            Self::MessageNotFound => "There is no such message in this conversation.".into(),
            Self::Ended => "This conversation has ended. Start a new one to ask something else.".into(),
            Self::TextEmpty => "The message is empty. Write something and send it again.".into(),
            Self::TextTooLong { chars } => format!(
                "The message has {chars} characters; at most {} are accepted. Shorten it or send it in parts.",
                super::TEXT_CHARS_MAX
            )
            .into(),
            Self::KeyReused => {
                "This idempotency key was used before for a different message. Use a new key for each message.".into()
            }
            Self::Full => "This conversation holds as many messages as it can. Start a new one.".into(),
            Self::TooManyOpen => "There are too many open conversations. End one before starting another.".into(),
            Self::AlreadyAnswered => "The message has been answered already.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::NotFound
            | Self::MessageNotFound
            | Self::Ended
            | Self::TextEmpty
            | Self::TextTooLong { .. }
            | Self::KeyReused
            | Self::Full
            | Self::TooManyOpen
            | Self::AlreadyAnswered => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::TextEmpty | Self::TextTooLong { .. } => Some("/text"),
            _ => None,
        }
    }
}
