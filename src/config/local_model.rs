//! `[local_model]`: the model in this process.

use std::time::Duration;

use serde::Deserialize;

use super::settings::Finding;

/// A shorter context holds no passages.
const CONTEXT_TOKENS_MIN: u32 = 1_024;
const THREADS_MAX: u32 = 1_024;
const WAITING_MAX: usize = 1_000;

/// How the model in this process is run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalModel {
    /// The file's name in the data directory's folder `models`; empty for the only one there.
    pub file: String,
    /// Threads that compute; 0: one fewer than the processor has cores.
    pub threads: u32,
    /// Tokens of prompt and answer together, at most.
    pub context_tokens: u32,
    /// Passages that it is given of those that were found.
    pub passages: usize,
    /// Bytes that model and conversation may take; 0: what is free.
    pub memory_bytes_max: u64,
    /// Seconds without a question after which it is unloaded.
    pub idle_unload_s: u64,
    /// Questions that may wait for it.
    pub waiting_max: usize,
    /// Seconds that an answer may take, from its turn on.
    pub answer_s: u64,
}

impl LocalModel {
    /// See [`LocalModel::idle_unload_s`].
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_unload_s)
    }

    /// See [`LocalModel::answer_s`].
    #[must_use]
    pub fn answer(&self) -> Duration {
        Duration::from_secs(self.answer_s)
    }

    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut ask = |right: bool, key: &'static str, reason: String| {
            if !right {
                findings.push((key, reason));
            }
        };
        ask(
            !self.file.contains(['/', '\\']),
            "local_model.file",
            "the name of a file in the data directory's folder models, without a path".to_owned(),
        );
        ask(self.threads <= THREADS_MAX, "local_model.threads", format!("at most {THREADS_MAX}"));
        ask(
            self.context_tokens >= CONTEXT_TOKENS_MIN,
            "local_model.context_tokens",
            format!("at least {CONTEXT_TOKENS_MIN}"),
        );
        ask((1..=100).contains(&self.passages), "local_model.passages", "from 1 to 100".to_owned());
        ask(self.idle_unload_s >= 1, "local_model.idle_unload_s", "at least 1".to_owned());
        ask(self.answer_s >= 1, "local_model.answer_s", "at least 1".to_owned());
        ask(
            (1..=WAITING_MAX).contains(&self.waiting_max),
            "local_model.waiting_max",
            format!("from 1 to {WAITING_MAX}"),
        );
        findings
    }
}
