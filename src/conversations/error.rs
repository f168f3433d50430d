//! What can go wrong in a conversation.

use std::borrow::Cow;

use super::{IMAGE_PIXELS_MAX, MESSAGE_IMAGES_MAX};
use crate::base::{Fault, Kind};
use crate::{files, quotas, store};

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
    /// A quota is reached.
    #[error(transparent)]
    Quota(#[from] quotas::Error),
    /// A blob could not be kept or read.
    #[error(transparent)]
    File(#[from] files::Error),
    /// There is no such picture in the conversation, or it is posted already.
    #[error("no such picture")]
    ImageNotFound,
    /// The picture is part of a message.
    #[error("the picture is part of a message")]
    ImagePosted,
    /// The file is no picture that is taken.
    #[error("not a PNG, JPEG, WebP or GIF")]
    ImageUnknown,
    /// The file begins like a picture and cannot be read as one.
    #[error("the picture cannot be decoded")]
    ImageDamaged,
    /// The picture has more pixels than are decoded.
    #[error("the picture has too many pixels")]
    ImageTooLarge,
    /// More pictures than a message shows.
    #[error("too many pictures in one message")]
    ImagesTooMany,
    /// The conversation holds as many pictures as it may.
    #[error("too many pictures in the conversation")]
    ImagesFull,
    /// As many pictures are being looked through as may be.
    #[error("too many pictures at a time")]
    ImagesBusy,
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Quota(error) => error.kind(),
            Self::File(error) => error.kind(),
            Self::NotFound | Self::MessageNotFound | Self::ImageNotFound => Kind::NotFound,
            Self::Ended
            | Self::KeyReused
            | Self::AlreadyAnswered
            | Self::Full
            | Self::ImagePosted
            | Self::ImagesFull => Kind::Conflict,
            Self::TextEmpty | Self::ImageUnknown | Self::ImageDamaged | Self::ImagesTooMany => Kind::Invalid,
            Self::TextTooLong { .. } | Self::ImageTooLarge => Kind::TooLarge,
            Self::TooManyOpen => Kind::Limited,
            Self::ImagesBusy => Kind::Unavailable,
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
            Self::Quota(error) => error.code(),
            Self::File(error) => error.code(),
            Self::ImageNotFound => "image_not_found",
            Self::ImagePosted => "image_posted",
            Self::ImageUnknown => "image_unknown",
            Self::ImageDamaged => "image_damaged",
            Self::ImageTooLarge => "image_too_large",
            Self::ImagesTooMany => "images_too_many",
            Self::ImagesFull => "images_full",
            Self::ImagesBusy => "images_busy",
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
            Self::File(files::Error::TooLarge { bytes_max }) => {
                format!("The picture is larger than {} MB. Send a smaller one.", bytes_max >> 20).into()
            }
            Self::Quota(error) => error.public(),
            Self::File(error) => error.public(),
            Self::ImageNotFound => "The picture is not there any more. Attach it again.".into(),
            Self::ImagePosted => "The picture is part of a message and cannot be taken back.".into(),
            Self::ImageUnknown => "This file is not a picture. PNG, JPEG, WebP and GIF can be sent.".into(),
            Self::ImageDamaged => {
                "This picture is damaged or not whole. Open it, save it anew and send it again.".into()
            }
            Self::ImageTooLarge => {
                format!("The picture has too many pixels. Send one of at most {} million.", IMAGE_PIXELS_MAX / 1_000_000)
                    .into()
            }
            Self::ImagesTooMany => {
                format!("A message shows at most {MESSAGE_IMAGES_MAX} pictures. Send the others with the next one.").into()
            }
            Self::ImagesFull => {
                "This conversation takes no more pictures. Post those that are attached, or start a new one.".into()
            }
            Self::ImagesBusy => "Many pictures are being sent at the moment. Try again shortly.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Quota(error) => error.retryable(),
            Self::File(error) => error.retryable(),
            Self::ImagesBusy => true,
            Self::NotFound
            | Self::MessageNotFound
            | Self::Ended
            | Self::TextEmpty
            | Self::TextTooLong { .. }
            | Self::KeyReused
            | Self::Full
            | Self::TooManyOpen
            | Self::AlreadyAnswered
            | Self::ImageNotFound
            | Self::ImagePosted
            | Self::ImageUnknown
            | Self::ImageDamaged
            | Self::ImageTooLarge
            | Self::ImagesTooMany
            | Self::ImagesFull => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::TextEmpty | Self::TextTooLong { .. } => Some("/text"),
            Self::ImagesTooMany => Some("/images"),
            _ => None,
        }
    }
}
