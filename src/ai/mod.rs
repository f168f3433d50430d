//! Language models behind one interface.
//!
//! A [`Provider`] turns a [`ChatRequest`] into a stream of [`Event`]s whose last one carries the usage, or into an
//! [`Answer`] at once. Dropping the stream cancels the request. A stream that breaks ends with an [`Error`] and is
//! never silently restarted; an answer in which nothing is said is an [`Error`] too, with what it cost.
//! [`route`] says which provider a question goes to, and [`prices`] what it costs. [`embedding`] and [`rerank`] are models of other
//! kinds, on servers that are asked in the same way and fail with the same [`Error`].
//!
//! A provider's key is the settings', the appliance's or a workspace's own: [`keys`].
//!
//! Table: `ai.key`. Owns no job and no event. Limits are those of each provider's [`Deadlines`], [`ANSWER_BYTES_MAX`] of text,
//! and [`IMAGE_BYTES_MAX`], [`IMAGES_MAX`] and [`IMAGES_BYTES_MAX`] of pictures.

mod breaker;
pub mod embedding;
mod error;
mod image;
pub mod keys;
pub mod local;
mod message;
pub mod prices;
mod provider;
pub mod rerank;
pub mod route;
mod stream;

pub use breaker::Breaker;
pub use error::{Deadline, Error};
pub use image::{IMAGE_BYTES_MAX, IMAGES_BYTES_MAX, IMAGES_MAX, Image, ImageType};
pub use message::{ChatRequest, Message, Role};
pub use provider::{
    Anthropic, AnthropicAuth, AnthropicSettings, Checked, Deadlines, EventStream, Google, GoogleSettings,
    OpenAi, OpenAiCompatible, OpenAiCompatibleSettings, OpenAiSettings, Provider, TokenLimitField,
};
pub use stream::{ANSWER_BYTES_MAX, Answer, Event, StopReason, Usage};
