//! What money is spent on, and the keys that its reservations and charges are known by.
//!
//! Most of it answers messages. Embedding models that are paid for also read documents when they come, all of them anew when the
//! model changes, and the questions of people who look into the documents themselves.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ledger::Scope;
use crate::base::{ConversationId, DocumentId, MessageId};
use crate::store::Key;

/// The answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Where it was asked.
    pub conversation: ConversationId,
    /// The message that is answered. Reservations and charges are known by it.
    pub message: MessageId,
}

/// What money is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The answer to a message.
    Message(Subject),
    /// Making a document searchable.
    Document(DocumentId),
    /// Embedding what was there anew for another model. One call at a time.
    Reembedding,
    /// One look into the documents by a person, under a number of its own, so that two at a time set aside for two.
    Search(u128),
}

impl Cause {
    /// One more look into the documents.
    #[must_use]
    pub fn search() -> Self {
        Self::Search(rand::random())
    }

    pub(super) fn purpose(self) -> Purpose {
        match self {
            Self::Message(_) => Purpose::Message,
            Self::Document(_) => Purpose::Document,
            Self::Reembedding => Purpose::Reembedding,
            Self::Search(_) => Purpose::Search,
        }
    }

    pub(super) fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Message(subject) => Some(subject.conversation),
            Self::Document(_) | Self::Reembedding | Self::Search(_) => None,
        }
    }

    /// The total that its charges count in before all others.
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Message(subject) => Scope::Message(subject.message),
            Self::Document(document) => Scope::Document(document),
            Self::Reembedding => Scope::Reembedding,
            Self::Search(_) => Scope::Searches,
        }
    }

    /// What its charges are numbered within: all searches are one list.
    pub(super) fn booked_under(self) -> Item {
        match self {
            Self::Search(_) => Item::SEARCHES,
            other => other.into(),
        }
    }
}

impl From<Subject> for Cause {
    fn from(subject: Subject) -> Self {
        Self::Message(subject)
    }
}

/// What a charge was spent on, as its row says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The answer to a message.
    #[default]
    Message,
    /// Making a document searchable.
    Document,
    /// Embedding what was there anew for another model.
    Reembedding,
    /// Looks of people into the documents.
    Search,
}

/// The 16 bytes that reservations and charges are known by: those of an id where there is one. Ids hold a time and chance, so
/// that none of them is one of the small numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item([u8; 16]);

impl Item {
    const REEMBEDDING: Self = Self::numbered(1);
    const SEARCHES: Self = Self::numbered(2);

    const fn numbered(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({:032x})", u128::from_be_bytes(self.0))
    }
}

impl Key for Item {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (item, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self(*item))
    }
}

impl From<MessageId> for Item {
    fn from(message: MessageId) -> Self {
        Self(message.to_bytes())
    }
}

impl From<Cause> for Item {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Message(subject) => subject.message.into(),
            Cause::Document(document) => Self(document.to_bytes()),
            Cause::Reembedding => Self::REEMBEDDING,
            Cause::Search(number) => Self::numbered(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_the_bytes_of_its_id_as_it_was_before_there_was_anything_else() {
        let message = MessageId::from_bytes([7; 16]);
        let item = Item::from(message);
        assert_eq!(item.to_bytes(), message.to_bytes());
        assert_eq!(Item::from_bytes(&item.to_bytes()), Some(item));
        assert_eq!(Cause::search().booked_under(), Cause::search().booked_under());
        assert_ne!(Item::from(Cause::search()), Item::from(Cause::search()));
    }
}
