//! The reply flow: what a visitor's message sets going.
//!
//! A posted message queues [`AnswerMessage`] in its own transaction. The [`Assistant`] does that job: it plans
//! ([`plan`], pure), finds passages, has the answer written (by quoting, or by a language model that is held to the passages:
//! [`prompt`], [`ground`]), shows it as it grows (`draft`), and stores it with its citations, its cost and its timings in
//! the transaction that finishes the job. So a question has one answer however often the process is killed.
//!
//! Owns no table and no event: what it says is a message of `conversations`. Job: `assistant.answer` (lane answer),
//! queued by `message.posted`.
//!
//! Limits: as many passages and earlier messages as the settings `retrieval.top_k` and `assistant.history_messages` say
//! (both in [`Settings`]), each cut as in [`prompt`]; 50 messages after the question are looked at;
//! [`Settings::quoting_max`] answers are quoted at a time and 64 wait.

mod answer;
mod draft;
mod error;
mod generate;
pub mod ground;
pub mod plan;
pub mod prompt;
pub mod quote;

pub use answer::{AnswerMessage, Assistant, Settings};
pub use error::Error;
