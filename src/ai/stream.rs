//! What a model answers, piece by piece or at once.

use serde::{Deserialize, Serialize};

/// Bytes of text that one answer may have.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A step of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The model in this process is busy with others: so many questions are answered first. May come several times, before any
    /// text only.
    Waiting {
        /// Questions before this one, the one that is being answered included.
        before: usize,
    },
    /// The next piece of text; never empty.
    Delta(String),
    /// The end. Comes exactly once, last, and only after some text. Anything but [`StopReason::Complete`] and
    /// [`StopReason::Unstated`] says that the text is not all that there was to say.
    Finished {
        /// Why the model stopped.
        stop_reason: StopReason,
        /// What it took.
        usage: Usage,
    },
}

/// An answer that came at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Never empty.
    pub text: String,
    /// Why the model stopped.
    pub stop_reason: StopReason,
    /// What it took.
    pub usage: Usage,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It had said everything.
    Complete,
    /// It reached the limit of tokens: the text breaks off.
    LengthLimit,
    /// Question and answer together filled the model's context: the text breaks off.
    ContextFull,
    /// The provider's filter stopped it.
    ContentFilter,
    /// The model would not go on; what it had said is not to be relied on.
    Refusal,
    /// The server ended the stream properly and gave no reason that we know.
    Unstated,
}

/// What an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, those from and into the provider's cache included.
    pub input_tokens: u64,
    /// Tokens written, the thoughts included.
    pub output_tokens: u64,
    /// Of the tokens read, those that came from the provider's cache, where it says so. They cost less.
    pub cached_tokens: Option<u64>,
    /// Of the tokens read, those that were put into the provider's cache, where it says so. They may cost more.
    #[serde(default)]
    pub cache_write_tokens: Option<u64>,
    /// Of the tokens written, those of thoughts that are not shown, where the provider says so.
    #[serde(default)]
    pub reasoning_tokens: Option<u64>,
    /// Whether the server told nothing and these are guesses from the size of the texts.
    pub estimated: bool,
}

/// Bytes of text that make about one token in the languages of Europe.
const BYTES_PER_TOKEN: usize = 4;

impl Usage {
    /// A guess from the bytes that went in and out, rounded up.
    #[must_use]
    pub fn estimate(input_bytes: usize, output_bytes: usize) -> Self {
        Self {
            input_tokens: input_bytes.div_ceil(BYTES_PER_TOKEN) as u64,
            output_tokens: output_bytes.div_ceil(BYTES_PER_TOKEN) as u64,
            estimated: true,
            ..Self::default()
        }
    }
}
