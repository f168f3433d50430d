//! The exchange between a visitor and the desk.
//!
//! A conversation belongs to one visitor. Its messages have sequence numbers without gaps, given in the transaction
//! that stores them; a client that knows the last number it saw can ask for exactly what it missed. Posting is safe to
//! repeat: a message with a key that was used before is the same message. A question has at most one answer: a unique
//! index over what a message replies to sees to it.
//!
//! Tables, in the tenant's keyspace: `conversations.conversation`, `conversations.message`. Events: `message.posted`,
//! `conversation.changed`. Owns no job; `app` has `message.posted` queue the assistant's.
//!
//! Limits: [`TEXT_CHARS_MAX`] characters of a person's message, 10,000 messages of a conversation, 200 open conversations
//! of one visitor.

mod conversation;
mod error;
mod message;
#[cfg(test)]
mod tests;

pub use conversation::{
    Conversation, ConversationChanged, ConversationState, ConversationView, end, get, list, open,
};
pub use error::Error;
pub use message::{
    Answer, AnswerView, Author, Citation, CitationView, Message, MessagePosted, MessageView, NewMessage,
    NewReply, Posted, TEXT_CHARS_MAX, Timings, answer_to, answered, find, history, locate, messages_after,
    post, reply,
};
