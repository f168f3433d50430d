//! The hub that tells open connections what has happened.
//!
//! Nothing here is stored: a message is persisted before it is published, and a connection that lost its place reads
//! on from the database by sequence number. So a slow reader is dropped, never waited for; pieces of drafts may be
//! lost; and a [`Frame`] is written out once however many read it.
//!
//! Owns no table and no job. Limits are [`Limits`]: connections in all and per topic, frames that wait per connection,
//! live drafts, bytes of a draft; and [`FRAME_BYTES_MAX`] for what a client sends.

mod client_frame;
mod error;
mod frame;
mod hub;
#[cfg(test)]
mod tests;

pub use client_frame::{ClientFrame, FRAME_BYTES_MAX, FRAME_ID_CHARS_MAX, MESSAGE_CHARS_MAX};
pub use error::{Error, FrameError};
pub use frame::{
    Ack, Activity, Connected, DraftPiece, DraftStage, Frame, FrameKind, Presence, Problem, Resumed, Side,
    Typing,
};
pub use hub::{Ended, Hub, Limits, LiveDraft, Subscription, Topic};
