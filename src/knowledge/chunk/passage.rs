//! A passage and what it may hold.

use serde::{Deserialize, Serialize};

/// How long passages are. The defaults fit a model that reads 256 tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Tokens of a passage's own text to aim at. Default 200.
    pub tokens_target: usize,
    /// Tokens of `embed_text`, title and headings included, that are never exceeded. Default 250.
    pub tokens_max: usize,
    /// Tokens of title and headings in `embed_text`. Default 60.
    pub prefix_tokens_max: usize,
    /// A passage with fewer tokens is joined with its neighbour in the same section if they fit. Default 40.
    pub tokens_min: usize,
    /// Sections with fewer tokens are joined with the next one under the same heading. Default 16.
    pub section_tokens_min: usize,
    /// Whether a passage that continues running text is embedded with the sentence before it. Default off.
    pub overlap: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens_target: 200,
            tokens_max: 250,
            prefix_tokens_max: 60,
            tokens_min: 40,
            section_tokens_min: 16,
            overlap: false,
        }
    }
}

/// A passage of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// First byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The headings it stands under, outermost first.
    pub heading_path: Vec<String>,
    /// The page it begins on, from 1, where the document has pages.
    pub page: Option<u32>,
    /// The passage as shown. It ends with exactly `start..end` of the document's text; before that there may be a
    /// repeated table header, fence or lead-in ([`Chunk::lead_bytes`]).
    pub text: String,
    /// What is embedded and indexed: title and headings on the first line, then the passage without markup.
    pub embed_text: String,
    /// BLAKE3 of `embed_text`: passages with the same hash have the same vector.
    pub hash: [u8; 32],
}

impl Chunk {
    /// Bytes at the beginning of `text` that repeat something from before `start`.
    #[must_use]
    pub fn lead_bytes(&self) -> usize {
        self.text.len().saturating_sub(self.end.saturating_sub(self.start))
    }
}
