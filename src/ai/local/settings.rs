//! What the model in this process may take.

use std::path::PathBuf;
use std::time::Duration;

/// How the model in this process is run.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// What people call it.
    pub name: String,
    /// The GGUF file.
    pub file: PathBuf,
    /// Its SHA-256, where one was noted; looked at when it is loaded.
    pub digest: Option<String>,
    /// Threads that compute; `None`: one fewer than the processor has cores. The engine's threads wait for each other at every
    /// step, so one that loses its core to somebody else holds up all of them.
    pub threads: Option<u32>,
    /// Tokens of prompt and answer together, at most; the model may know fewer.
    pub context_tokens_max: u32,
    /// Bytes that model and conversation may take together; `None`: what is free.
    pub memory_bytes_max: Option<u64>,
    /// A model that nobody asked for so long is unloaded.
    pub idle: Duration,
    /// Questions that may wait for their turn; more are told to come back.
    pub waiting_max: usize,
    /// From a question's turn to the end of its answer; loading is not counted.
    pub answer: Duration,
    /// This executable, in a second process of which an unknown file is tried out first: a file that brings the engine down brings
    /// down that one. `None`: it is not tried out.
    pub program: Option<PathBuf>,
}

/// Threads for a processor with so many cores.
#[must_use]
pub(super) fn threads(chosen: Option<u32>) -> u32 {
    let cores =
        std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    chosen.unwrap_or(cores.saturating_sub(1)).clamp(1, cores.max(1))
}
