//! How long a model is waited for. What counts are signs of life of the model, not bytes.

use std::time::Duration;

use serde::Deserialize;

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
    pub(super) fn first_token(&self) -> Duration {
        Duration::from_millis(self.first_token_ms)
    }

    pub(super) fn between_tokens(&self) -> Duration {
        Duration::from_millis(self.between_tokens_ms)
    }

    pub(super) fn whole(&self) -> Duration {
        Duration::from_millis(self.whole_ms)
    }
}
