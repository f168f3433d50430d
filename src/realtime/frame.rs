//! What the server sends: `{type, id, payload, seq}`, written out once.
//!
//! Payloads that belong to other rooms (a conversation, a message) come in as anything that can be serialised; those
//! that only exist on the wire are defined here. A frame knows its type and sequence number beside its text, because
//! server-sent events carry them beside it too.

use std::sync::Arc;

use serde::Serialize;

use super::Error;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameKind {
    /// The first frame of every connection.
    Connected,
    /// A stored message.
    ChatMessage,
    /// A piece of an answer that is being written.
    Draft,
    /// The sender's message is stored.
    Ack,
    /// Somebody is typing.
    UserTyping,
    /// Somebody is no longer typing.
    UserStoppedTyping,
    /// Somebody came.
    UserJoined,
    /// Somebody left.
    UserLeft,
    /// Who is here.
    Presence,
    /// Are you there?
    Ping,
    /// Yes.
    Pong,
    /// Something was wrong.
    Error,
    /// Everything that was missed has been sent.
    Resumed,
    /// The conversation was ended.
    ConversationChanged,
}

impl FrameKind {
    /// As it is written in `type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::ChatMessage => "chat_message",
            Self::Draft => "draft",
            Self::Ack => "ack",
            Self::UserTyping => "user_typing",
            Self::UserStoppedTyping => "user_stopped_typing",
            Self::UserJoined => "user_joined",
            Self::UserLeft => "user_left",
            Self::Presence => "presence",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Error => "error",
            Self::Resumed => "resumed",
            Self::ConversationChanged => "conversation_changed",
        }
    }
}

/// A frame, ready to be sent. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    kind: FrameKind,
    seq: Option<u64>,
    text: Arc<str>,
}

#[derive(Serialize)]
struct Envelope<'a, P> {
    #[serde(rename = "type")]
    kind: FrameKind,
    id: Option<&'a str>,
    payload: &'a P,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

impl Frame {
    /// Writes a frame. `id` repeats the id of the client's frame that this one answers.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if `payload` cannot be written as JSON.
    pub fn write(
        kind: FrameKind,
        id: Option<&str>,
        payload: &impl Serialize,
        seq: Option<u64>,
    ) -> Result<Self, Error> {
        let text = serde_json::to_string(&Envelope { kind, id, payload, seq }).map_err(Error::Unwritable)?;
        Ok(Self { kind, seq, text: text.into() })
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> FrameKind {
        self.kind
    }

    /// The sequence number of the message it is about, or the last one of the conversation.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// The JSON.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }
}

/// On which side of a conversation somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The customer.
    Visitor,
    /// The workspace.
    Member,
}

/// What the assistant does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Nothing.
    Idle,
    /// It is working on an answer.
    Answering,
}

/// Payload of `connected`.
#[derive(Debug, Clone, Serialize)]
pub struct Connected<C> {
    /// The conversation as the API shows it.
    pub conversation: C,
    /// What the assistant does.
    pub assistant: Activity,
}

/// Payload of `ack`.
#[derive(Debug, Clone, Serialize)]
pub struct Ack<M> {
    /// The message as the API shows it.
    pub message: M,
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftStage {
    /// The documents are being searched.
    Searching,
    /// The model is busy with other questions.
    Waiting,
    /// The model reads the passages.
    Reading,
    /// Text is coming.
    Writing,
}

/// Payload of `draft`: the client replaces everything from `offset` on with `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftPiece {
    /// The message that is being answered.
    pub reply_to: String,
    /// The whole text or a piece of it.
    pub text: String,
    /// In UTF-16 code units.
    pub offset: usize,
    /// How far the answer is.
    pub stage: DraftStage,
    /// While it waits: how many questions are answered first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
}

/// Payload of `user_typing`, `user_stopped_typing`, `user_joined` and `user_left`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Typing {
    /// On which side.
    pub who: Side,
    /// The member's name; visitors have none.
    pub name: Option<String>,
}

/// Payload of `presence`: open connections on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Presence {
    /// Of members.
    pub members: usize,
    /// Of visitors.
    pub visitors: usize,
}

/// Payload of `resumed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// The last sequence number that the client had.
    pub from_seq: u64,
    /// The last one it has now.
    pub to_seq: u64,
}

/// Payload of `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable and machine-readable.
    pub code: &'static str,
    /// A sentence to show.
    pub detail: String,
    /// Whether the connection is closed after it.
    pub fatal: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_written_as_the_contract_says() {
        let draft = DraftPiece {
            reply_to: "msg_1".into(),
            text: "ü".into(),
            offset: 3,
            stage: DraftStage::Writing,
            before: None,
        };
        let frame = Frame::write(FrameKind::Draft, None, &draft, None).unwrap();
        let expected = r#"{"type":"draft","id":null,"payload":{"reply_to":"msg_1","text":"ü","offset":3,"stage":"writing"}}"#;
        assert_eq!(&**frame.text(), expected);
        let resumed =
            Frame::write(FrameKind::Resumed, None, &Resumed { from_seq: 3, to_seq: 7 }, Some(7)).unwrap();
        assert_eq!(
            &**resumed.text(),
            r#"{"type":"resumed","id":null,"payload":{"from_seq":3,"to_seq":7},"seq":7}"#
        );
        let ack = Frame::write(FrameKind::Ack, Some("c1"), &Ack { message: "m" }, Some(8)).unwrap();
        assert_eq!(&**ack.text(), r#"{"type":"ack","id":"c1","payload":{"message":"m"},"seq":8}"#);
        assert_eq!((ack.kind(), ack.seq()), (FrameKind::Ack, Some(8)));
    }

    #[test]
    fn the_name_of_a_kind_is_what_is_written() {
        for kind in [
            FrameKind::Connected,
            FrameKind::ChatMessage,
            FrameKind::Draft,
            FrameKind::Ack,
            FrameKind::UserTyping,
            FrameKind::UserStoppedTyping,
            FrameKind::UserJoined,
            FrameKind::UserLeft,
            FrameKind::Presence,
            FrameKind::Ping,
            FrameKind::Pong,
            FrameKind::Error,
            FrameKind::Resumed,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
