//! A question and a passage as the tokens of one input, put together as the model's own tokenizer says.
//!
//! The question is kept whole and the passage cut to what is left, because half a question is another question. Only one that
//! would leave a passage less than a quarter of the input is cut itself. Marks spelled in a text are letters, not marks.

use tokenizers::{Encoding, PostProcessor as _, Tokenizer, TruncationDirection};

/// Bytes of a text that are looked at: more than any model reads.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Of the input, the passage has at least one part in so many.
const PASSAGE_SHARE: usize = 4;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Puts pairs together.
pub(super) struct Pairs {
    tokenizer: Tokenizer,
    /// Marks around and between the two.
    marks: usize,
    tokens_max: usize,
}

/// A question's tokens, without marks.
#[derive(Clone)]
pub(super) struct QuestionTokens(Encoding);

/// The input of one run: three rows of the same length.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) ids: Vec<i32>,
    pub(super) attention: Vec<i32>,
    /// 0 for the question, 1 for the passage, where the model tells them apart.
    pub(super) types: Vec<i32>,
}

impl Pairs {
    /// Reads a `tokenizer.json`, whose own padding is switched off. Inputs have at most `tokens_max` tokens, and no more than the
    /// tokenizer itself would cut them to. Nothing if it does not mark pairs.
    pub(super) fn parse(json: &[u8], tokens_max: usize) -> Result<Option<Self>, Cause> {
        let mut tokenizer = Tokenizer::from_bytes(json)?;
        let own = tokenizer.get_truncation().map_or(usize::MAX, |truncation| truncation.max_length);
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None)?;
        tokenizer.set_encode_special_tokens(true);
        let marks = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(true));
        let tokens_max = tokens_max.min(own);
        let fits = marks > 0 && tokens_max > marks + PASSAGE_SHARE;
        Ok(fits.then_some(Self { tokenizer, marks, tokens_max }))
    }

    /// Tokens of an input at most.
    pub(super) fn tokens_max(&self) -> usize {
        self.tokens_max
    }

    /// The last id that the tokenizer gives a piece of text.
    pub(super) fn last_id(&self) -> i32 {
        let words = self.tokenizer.get_vocab_size(false);
        i32::try_from(words.saturating_sub(1)).unwrap_or(i32::MAX)
    }

    /// The question, read once for all passages.
    pub(super) fn question(&self, text: &str) -> Result<QuestionTokens, Cause> {
        let mut tokens = self.tokenizer.encode_fast(head(text), false)?;
        let room = self.tokens_max - self.marks;
        cut(&mut tokens, room - room / PASSAGE_SHARE);
        Ok(QuestionTokens(tokens))
    }

    /// The question with one passage.
    pub(super) fn with_passage(&self, question: &QuestionTokens, text: &str) -> Result<Input, Cause> {
        let mut passage = self.tokenizer.encode_fast(head(text), false)?;
        let room = self.tokens_max.saturating_sub(self.marks + question.0.len());
        cut(&mut passage, room);
        passage.set_type_ids(vec![1; passage.len()]);
        let pair = self.tokenizer.post_process(question.0.clone(), Some(passage), true)?;
        let row = |numbers: &[u32]| -> Result<Vec<i32>, Cause> {
            numbers.iter().map(|number| Ok(i32::try_from(*number)?)).collect()
        };
        Ok(Input {
            ids: row(pair.get_ids())?,
            attention: row(pair.get_attention_mask())?,
            types: row(pair.get_type_ids())?,
        })
    }
}

impl Input {
    /// As many of one token as there may be: what a model must be able to read.
    pub(super) fn full(id: i32, tokens: usize) -> Self {
        Self { ids: vec![id; tokens], attention: vec![1; tokens], types: vec![0; tokens] }
    }
}

fn cut(tokens: &mut Encoding, tokens_max: usize) {
    tokens.truncate(tokens_max, 0, TruncationDirection::Right);
    // What was cut off would be put into pairs of its own.
    let _ = tokens.take_overflowing();
}

fn head(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text)
}
