//! One file per kind of model; all look alike from outside.

mod openai_compatible;
mod openai_decode;
mod openai_wire;
mod sse;

use std::fmt;
use std::time::Duration;

use futures_util::stream::BoxStream;
use serde::Deserialize;

use super::{ChatRequest, Error, Event};

pub use openai_compatible::{OpenAiCompatible, OpenAiCompatibleSettings, TokenLimitField};

/// The steps of an answer: any number of [`Event::Delta`], then one [`Event::Finished`] or one error, then nothing.
pub type EventStream = BoxStream<'static, Result<Event, Error>>;

/// A model that can be asked.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// What the settings call it.
    fn name(&self) -> &str;

    /// The model, as the provider names it.
    fn model(&self) -> &str;

    /// Asks. Nothing happens until the stream is polled; dropping it cancels the request.
    fn stream(&self, request: ChatRequest) -> EventStream;
}

/// How long to wait for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// For the first sign of an answer, retries included, in milliseconds. A local model reads a long prompt slowly.
    pub first_token_ms: u64,
    /// Between two signs of life, in milliseconds.
    pub between_tokens_ms: u64,
    /// For the whole answer, in milliseconds.
    pub whole_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { first_token_ms: 60_000, between_tokens_ms: 30_000, whole_ms: 600_000 }
    }
}

impl Deadlines {
    fn first_token(&self) -> Duration {
        Duration::from_millis(self.first_token_ms)
    }

    fn between_tokens(&self) -> Duration {
        Duration::from_millis(self.between_tokens_ms)
    }

    fn whole(&self) -> Duration {
        Duration::from_millis(self.whole_ms)
    }
}
