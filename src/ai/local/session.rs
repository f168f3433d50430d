//! One model in memory, with the conversation that it has read last.
//!
//! What a prompt has in common with the one before it (the rules, often the passages) is not read again. A prompt is read in
//! pieces and an answer written token by token, and between two of them the asking person may have left.

use std::num::NonZeroU32;
use std::ops::ControlFlow;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;

use super::super::{ChatRequest, StopReason, Usage};
use super::template::{ChatTemplate, Piece, SpecialWords};
use super::thoughts::Thoughts;
use crate::base::Timestamp;

/// Tokens of a prompt that are read before we look whether they are still wanted.
const BATCH_TOKENS: u32 = 512;
/// A token written lately is a little less likely to be written again: small models go round in circles.
const REPEAT_PENALTY: f32 = 1.05;
const REPEAT_TOKENS: i32 = 64;
const TOP_K: i32 = 40;
const TOP_P: f32 = 0.95;
/// Below this temperature the likeliest token is taken.
const GREEDY_BELOW: f32 = 0.05;
/// The same question has the same answer.
const SEED: u32 = 0x0f20_117d;
const SEQUENCE: i32 = 0;

/// How a session is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    /// Tokens of prompt and answer together.
    pub(super) context_tokens: u32,
    /// Threads that compute.
    pub(super) threads: u32,
}

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// The model cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The engine gave up.
    #[error("{0}")]
    Failed(String),
    /// Prompt and answer do not fit.
    #[error("the prompt has {prompt} tokens and the answer may have {answer}; the context holds {context}")]
    TooLong {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens that the answer may have.
        answer: usize,
        /// Tokens of the context.
        context: usize,
    },
    /// Whoever asked has left, or it takes too long.
    #[error("it was called off")]
    CalledOff,
}

/// What happens while a question is answered.
pub(super) enum Step<'a> {
    /// A piece of the prompt was read, or a thought was thought.
    Alive,
    /// Text for the visitor; never empty.
    Text(&'a str),
}

/// A model, ready.
pub(super) struct Session<'m> {
    model: &'m LlamaModel,
    context: LlamaContext<'m>,
    template: ChatTemplate,
    /// What the context has read.
    held: Vec<LlamaToken>,
    setup: Setup,
}

impl<'m> Session<'m> {
    /// Sets the memory aside.
    pub(super) fn open(
        backend: &LlamaBackend,
        model: &'m LlamaModel,
        template: &str,
        setup: Setup,
    ) -> Result<Self, SessionError> {
        let threads = i32::try_from(setup.threads).unwrap_or(1);
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(setup.context_tokens))
            .with_n_batch(BATCH_TOKENS)
            .with_n_ubatch(BATCH_TOKENS)
            .with_n_threads(threads)
            .with_n_threads_batch(threads);
        let context = model.new_context(backend, parameters).map_err(|error| {
            SessionError::Unusable(format!("there is no room for a conversation: {error}"))
        })?;
        let vocabulary = model.vocab();
        let word = |token: LlamaToken| {
            if (0..vocabulary.n_tokens()).contains(&token.0) {
                String::from_utf8_lossy(&vocabulary.token_to_piece(token, true, None)).into_owned()
            } else {
                String::new()
            }
        };
        let special = SpecialWords { beginning: word(vocabulary.bos()), end: word(vocabulary.eos()) };
        let template = ChatTemplate::new(template, special)
            .map_err(|error| SessionError::Unusable(error.to_string()))?;
        Ok(Self { model, context, template, held: Vec::new(), setup })
    }

    /// Answers, telling `step` of everything that happens; it may call the rest off.
    pub(super) fn answer(
        &mut self,
        chat: &ChatRequest,
        now: Timestamp,
        mut step: impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<(StopReason, Usage), SessionError> {
        let pieces =
            self.template.fill(chat, now).map_err(|error| SessionError::Unusable(error.to_string()))?;
        let prompt = self.tokens(&pieces);
        let room = usize::try_from(self.setup.context_tokens).unwrap_or(usize::MAX);
        let answer = usize::try_from(chat.max_output_tokens).unwrap_or(usize::MAX);
        if prompt.is_empty() || prompt.len().saturating_add(answer) > room {
            return Err(SessionError::TooLong { prompt: prompt.len(), answer, context: room });
        }
        let cached = self.read(&prompt, &mut step)?;
        let opening = match pieces.last() {
            Some(Piece::Control(text)) => text.as_str(),
            _ => "",
        };
        let mut writing = Writing::new(Thoughts::after(opening));
        let stop_reason = self.write(chat, &mut writing, &mut step)?;
        let usage = Usage {
            input_tokens: prompt.len() as u64,
            output_tokens: writing.tokens,
            cached_tokens: Some(cached as u64),
            reasoning_tokens: (writing.thoughts > 0).then_some(writing.thoughts),
            ..Usage::default()
        };
        Ok((stop_reason, usage))
    }

    /// Control tokens are read from the template's own words only.
    fn tokens(&self, pieces: &[Piece]) -> Vec<LlamaToken> {
        let vocabulary = self.model.vocab();
        let mut tokens: Vec<LlamaToken> = pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Control(text) => vocabulary.tokenize(text.as_bytes(), false, true),
                Piece::Words(text) => vocabulary.tokenize(text.as_bytes(), false, false),
            })
            .collect();
        if vocabulary.should_add_bos() && tokens.first() != Some(&vocabulary.bos()) {
            tokens.insert(0, vocabulary.bos());
        }
        tokens
    }

    /// Reads the prompt; how many of its tokens were there already.
    fn read(
        &mut self,
        prompt: &[LlamaToken],
        step: &mut impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<usize, SessionError> {
        // The last token is read again in any case: the next one follows from it.
        let common = self.held.iter().zip(prompt).take_while(|(held, wanted)| held == wanted).count();
        let mut kept = common.min(prompt.len().saturating_sub(1));
        let from = u32::try_from(kept).unwrap_or_default();
        // Some models cannot forget a part of what they have read.
        if !self.context.clear_kv_cache_seq(Some(0), Some(from), None).unwrap_or(false) {
            self.context.clear_kv_cache();
            kept = 0;
        }
        self.held.truncate(kept);
        let batch_tokens = usize::try_from(BATCH_TOKENS).unwrap_or(1);
        let rest = prompt.get(kept..).unwrap_or_default();
        for (place, tokens) in rest.chunks(batch_tokens).enumerate() {
            let last = (place + 1) * batch_tokens >= rest.len();
            self.decode(tokens, last)?;
            if step(Step::Alive).is_break() {
                return Err(SessionError::CalledOff);
            }
        }
        Ok(kept)
    }

    fn decode(&mut self, tokens: &[LlamaToken], wanted: bool) -> Result<(), SessionError> {
        let failed =
            |error: &dyn std::fmt::Display| SessionError::Failed(format!("the engine failed: {error}"));
        let mut batch = LlamaBatch::new(tokens.len().max(1), 1);
        for (place, token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.held.len() + place).unwrap_or(i32::MAX);
            let logits = wanted && place + 1 == tokens.len();
            batch.add(*token, position, &[SEQUENCE], logits).map_err(|error| failed(&error))?;
        }
        if let Err(error) = self.context.decode(&mut batch) {
            // What the context holds is not known any more.
            self.context.clear_kv_cache();
            self.held.clear();
            return Err(failed(&error));
        }
        self.held.extend_from_slice(tokens);
        Ok(())
    }

    fn write(
        &mut self,
        chat: &ChatRequest,
        writing: &mut Writing,
        step: &mut impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<StopReason, SessionError> {
        let mut sampler = sampler(self.model, chat.temperature);
        let vocabulary = self.model.vocab();
        let stop_reason = loop {
            let token = sampler.sample(&self.context, -1);
            if vocabulary.is_eog(token) {
                break StopReason::Complete;
            }
            let text = writing.push(&vocabulary.token_to_piece(token, false, None));
            let next = if text.is_empty() { step(Step::Alive) } else { step(Step::Text(&text)) };
            if next.is_break() {
                return Err(SessionError::CalledOff);
            }
            if writing.tokens >= u64::from(chat.max_output_tokens) {
                break StopReason::LengthLimit;
            }
            self.decode(&[token], true)?;
        };
        let rest = writing.finish();
        if !rest.is_empty() && step(Step::Text(&rest)).is_break() {
            return Err(SessionError::CalledOff);
        }
        Ok(stop_reason)
    }
}

fn sampler(model: &LlamaModel, temperature: Option<f32>) -> LlamaSampler {
    let penalties = LlamaSampler::penalties(model.n_vocab(), REPEAT_TOKENS, REPEAT_PENALTY, 0.0, 0.0);
    match temperature.filter(|temperature| *temperature >= GREEDY_BELOW) {
        None => LlamaSampler::chain_simple([penalties, LlamaSampler::greedy()]),
        Some(temperature) => LlamaSampler::chain_simple([
            penalties,
            LlamaSampler::top_k(TOP_K),
            LlamaSampler::top_p(TOP_P, 1),
            LlamaSampler::temp(temperature),
            LlamaSampler::dist(SEED),
        ]),
    }
}

/// An answer in the making: whole characters only, and no thoughts.
struct Writing {
    thinking: Thoughts,
    /// The beginning of a character whose end has not come yet.
    bytes: Vec<u8>,
    tokens: u64,
    thoughts: u64,
}

impl Writing {
    fn new(thinking: Thoughts) -> Self {
        Self { thinking, bytes: Vec::new(), tokens: 0, thoughts: 0 }
    }

    fn push(&mut self, bytes: &[u8]) -> String {
        self.tokens += 1;
        self.bytes.extend_from_slice(bytes);
        let mut text = String::new();
        let mut held = 0;
        let mut chunks = self.bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            match chunk.invalid() {
                [] => {}
                invalid if chunks.peek().is_none() && may_be_completed(invalid) => held = invalid.len(),
                _ => text.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.bytes.drain(..self.bytes.len() - held);
        let text = self.thinking.push(&text);
        self.thoughts += u64::from(self.thinking.thinking());
        text
    }

    fn finish(&mut self) -> String {
        std::mem::replace(&mut self.thinking, Thoughts::after("")).finish()
    }
}

/// Whether these bytes are the beginning of a character.
fn may_be_completed(bytes: &[u8]) -> bool {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    bytes.len() < length && bytes.get(1..).unwrap_or_default().iter().all(|byte| (0x80..=0xbf).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_whole_however_tokens_cut_them() {
        let text = "a é € 🙂 z";
        for size in 1..5 {
            let mut writing = Writing::new(Thoughts::after(""));
            let shown: String = text.as_bytes().chunks(size).map(|bytes| writing.push(bytes)).collect();
            assert_eq!(shown + &writing.finish(), text, "{size} bytes at a time");
        }
        let mut writing = Writing::new(Thoughts::after(""));
        let broken: String =
            [b"a\xff".as_slice(), b"\xc3", b"b"].iter().map(|bytes| writing.push(bytes)).collect();
        assert_eq!(broken, "a\u{fffd}\u{fffd}b");
    }
}
