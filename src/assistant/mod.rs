//! The reply flow: what a visitor's message sets going.
//!
//! A posted message queues [`AnswerMessage`] in its own transaction. The [`Assistant`] does that job: it plans
//! ([`plan`], pure), finds passages, has the answer written (by quoting, or by a language model that is held to the passages:
//! [`prompt`], [`ground`]), shows it as it grows (`draft`), and stores it with its citations, its cost and its timings in
//! the transaction that finishes the job. So a question has one answer however often the process is killed.
//!
//! Tables: none. Jobs: `assistant.answer` (lane answer). Limits: ten earlier messages and the settings' passages in a prompt.

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
