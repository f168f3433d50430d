//! Text to the token ids of a BERT vocabulary (WordPiece), cut to what the model reads.
//!
//! The marks a model puts around a text are added here and never taken from the text: a text that spells
//! `[SEP]` is six characters and a bracket, not a mark.

use tokenizers::Tokenizer;

use crate::search::Error;

/// Bytes of a text that are looked at when it is embedded. More than enough for the longest input a model reads;
/// it bounds the work for a text of megabytes.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A WordPiece tokenizer with its start and end marks.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
}

impl Tokens {
    /// Reads a `tokenizer.json`; its own padding and truncation are switched off.
    ///
    /// # Errors
    /// [`Error::BundledModelUnusable`] when it is not one, or has no `[CLS]` and `[SEP]`.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Error> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(Error::BundledModelUnusable)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(Error::BundledModelUnusable)?;
        tokenizer.set_encode_special_tokens(true);
        let mark = |name: &str| {
            tokenizer
                .token_to_id(name)
                .ok_or_else(|| Error::BundledModelUnusable(format!("no {name}").into()))
        };
        let (start, end) = (mark("[CLS]")?, mark("[SEP]")?);
        Ok(Self { tokenizer, start, end })
    }

    /// How many tokens the whole text has, without the marks.
    pub(super) fn count(&self, text: &str) -> Result<usize, Error> {
        Ok(self.tokenizer.encode_fast(text, false).map_err(Error::NotTokenised)?.len())
    }

    /// The ids of the first `tokens_max` tokens, marks included and not counted.
    ///
    /// # Errors
    /// [`Error::TextEmpty`] when nothing is left between the marks.
    pub(super) fn ids(&self, text: &str, tokens_max: usize) -> Result<Vec<i32>, Error> {
        let head = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text);
        let encoding = self.tokenizer.encode_fast(head, false).map_err(Error::NotTokenised)?;
        if encoding.is_empty() {
            return Err(Error::TextEmpty);
        }
        let words = encoding.get_ids().iter().copied().take(tokens_max);
        let marked = std::iter::once(self.start).chain(words).chain(std::iter::once(self.end));
        marked.map(|id| i32::try_from(id).map_err(|cause| Error::NotTokenised(cause.into()))).collect()
    }
}
