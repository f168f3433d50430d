//! The reply flow: what a visitor's message sets going.
//!
//! A posted message queues [`AnswerMessage`] in its own transaction. The [`Assistant`] does that job: it plans
//! ([`plan`], pure), makes a question that leans on the one before stand alone ([`follow_up`]), finds passages, has the answer written (by quoting, or by a language model that is held to the passages:
//! [`prompt`], [`ground`], `claims`; which one is asked, and who after it, `models` and `speak` say; what that costs, `books`), shows it as it grows (`draft`), and stores it with its citations, its cost and its timings in
//! the transaction that finishes the job. A question with pictures is looked at first (`look`), so that what they show is searched for, and is
//! answered by a model that sees them (`images`); where none does, that is said. So a question has one answer however often the process is killed.
//!
//! An answer can be looked into and asked for again ([`Assistant::replay`], [`Assistant::ask_again`]).
//!
//! What it says is a message of `conversations`. Table: `assistant.trace`, why an answer is as it is. Job: `assistant.answer` (lane
//! answer), queued by `message.posted`. Owns no event.
//!
//! Limits: as many passages and earlier messages as the settings `retrieval.top_k` and `assistant.history_messages` say
//! (both in [`Settings`]), each cut as in [`prompt`]; 8 pictures, those of the question and of the 4 messages before it; 50 messages after the question are looked at;
//! [`Settings::quoting_max`] answers are quoted at a time and 64 wait; 4 are asked for again at a time, and none waits.

mod answer;
mod ask_again;
mod books;
mod claims;
mod draft;
mod error;
pub mod follow_up;
mod generate;
pub mod ground;
mod images;
mod look;
mod models;
pub mod plan;
pub mod prompt;
pub mod quote;
mod replay;
mod speak;
mod support;
mod trace;

pub use answer::{AnswerMessage, Assistant, Settings};
pub use ask_again::{Again, AgainCitation, Replayed};
pub use error::Error;
pub use models::{Choosing, Models};
pub use replay::{PassageState, PromptMessage, RebuiltPrompt, Replay, ReplayPasses, ReplayedPassage};
pub use trace::{Attempt, Sent, Trace, TracedPassage, trace};
