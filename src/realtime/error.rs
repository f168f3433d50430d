//! What can go wrong with the hub, and with what a client sends.

use std::borrow::Cow;

use super::client_frame::{FRAME_BYTES_MAX, FRAME_ID_CHARS_MAX, MESSAGE_CHARS_MAX};
use crate::base::{Fault, Kind};

/// Of the hub.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// As many connections as the appliance takes are open.
    #[error("the limit of {connections_max} open connections is reached")]
    Full {
        /// The limit.
        connections_max: usize,
    },
    /// As many connections as one conversation takes are open.
    #[error("the limit of {connections_max} open connections to one conversation is reached")]
    TopicFull {
        /// The limit.
        connections_max: usize,
    },
    /// A payload cannot be written as JSON.
    #[error("a frame cannot be written")]
    Unwritable(#[source] serde_json::Error),
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Full { .. } => Kind::Unavailable,
            Self::TopicFull { .. } => Kind::Limited,
            Self::Unwritable(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "realtime_full",
            Self::TopicFull { .. } => "realtime_conversation_full",
            Self::Unwritable(_) => "realtime_unwritable",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Full { .. } => {
                "Too many connections are open at the moment. Try again in a little while.".into()
            }
            Self::TopicFull { .. } => {
                "This conversation is open in too many places. Close some of them and try again.".into()
            }
            Self::Unwritable(_) => "The event could not be sent. Load the conversation again.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::TopicFull { .. } => true,
            Self::Unwritable(_) => false,
        }
    }
}

/// Of a client's frame. The connection stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.public())]
#[allow(missing_docs, reason = "`id` is that of the offending frame")]
pub enum FrameError {
    /// More bytes than a frame may have.
    TooLarge,
    /// Not a JSON object with a `type`.
    Malformed,
    /// An id that is not a short text.
    BadId,
    /// A message without an id.
    MissingId,
    /// A type that the server does not know.
    UnknownType { id: Option<String> },
    /// A message without text.
    NoText { id: String },
    /// More characters than a message may have.
    TextTooLong { id: String },
    /// Pictures that are not a list of their ids.
    BadImages { id: String },
}

impl FrameError {
    /// The id of the offending frame, where it could be read.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::TooLarge | Self::Malformed | Self::BadId | Self::MissingId => None,
            Self::UnknownType { id } => id.as_deref(),
            Self::NoText { id } | Self::TextTooLong { id } | Self::BadImages { id } => Some(id),
        }
    }
}

impl Fault for FrameError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge | Self::TextTooLong { .. } => Kind::TooLarge,
            Self::Malformed
            | Self::BadId
            | Self::MissingId
            | Self::UnknownType { .. }
            | Self::NoText { .. }
            | Self::BadImages { .. } => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "frame_too_large",
            Self::Malformed => "frame_malformed",
            Self::BadId => "frame_id_invalid",
            Self::MissingId => "frame_id_missing",
            Self::UnknownType { .. } => "frame_type_unknown",
            Self::NoText { .. } => "message_empty",
            Self::TextTooLong { .. } => "message_too_long",
            Self::BadImages { .. } => "message_images_invalid",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::TooLarge => format!("A frame may have at most {FRAME_BYTES_MAX} bytes.").into(),
            Self::Malformed => "A frame is a JSON object with a type, an id and a payload.".into(),
            Self::BadId => {
                format!("The id of a frame is a text of 1 to {FRAME_ID_CHARS_MAX} printable characters.")
                    .into()
            }
            Self::MissingId => "A message needs an id, so that it is stored only once.".into(),
            Self::UnknownType { .. } => "The server does not know frames of this type.".into(),
            Self::NoText { .. } => "Write something before you send it.".into(),
            Self::BadImages { .. } => "The pictures of a message are a list of their ids.".into(),
            Self::TextTooLong { .. } => {
                format!("A message may have at most {MESSAGE_CHARS_MAX} characters. Send it in parts.").into()
            }
        }
    }

    fn retryable(&self) -> bool {
        false
    }
}
