//! Language models behind one streaming interface.
//!
//! A [`Provider`] turns a [`ChatRequest`] into a stream of [`Event`]s whose last one carries the usage. Dropping the
//! stream cancels the request. A stream that breaks ends with an [`Error`] and is never silently restarted.
//! [`route`] says which provider a question goes to, and [`prices`] what it costs.
//!
//! Owns no table, no job and no event. Limits are those of each provider's [`Deadlines`], and
//! [`ANSWER_BYTES_MAX`] of text.

mod error;
mod message;
pub mod prices;
mod provider;
pub mod route;
mod stream;

pub use error::{Deadline, Error};
pub use message::{ChatRequest, Message, Role};
pub use provider::{
    Deadlines, EventStream, OpenAiCompatible, OpenAiCompatibleSettings, Provider, TokenLimitField,
};
pub use stream::{ANSWER_BYTES_MAX, Event, StopReason, Usage};
