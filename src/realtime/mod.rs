//! The hub that tells open connections what has happened.
//!
//! Nothing here is stored: a message is persisted before it is published, and a connection that lost its place reads
//! on from the database by sequence number. So a slow reader is dropped, never waited for; pieces of drafts may be
//! lost; and a [`Frame`] is written out once however many read it.
//!
//! Owns no table, no job and no event; `app` wires the events of `conversations` to it.
//!
//! Limits are [`Limits`], by default 10,000 connections, 64 of one topic, 256 frames that wait for one connection, 1,000
//! live drafts of up to 256 KiB; and of what a client sends, [`FRAME_BYTES_MAX`] a frame, [`FRAME_ID_CHARS_MAX`] its id
//! and [`MESSAGE_CHARS_MAX`] a message.

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
