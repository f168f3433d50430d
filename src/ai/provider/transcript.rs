//! An answer as it comes in, whatever the vendor: how much there is, why it stopped, what it took.
//!
//! Pure: no time, no network. A [`Decoder`] knows one vendor's events and reads them leniently; what holds for all is
//! here: errors in the middle, the bound on the text, and when an answer counts as whole.

use serde_json::Value;

use super::super::{ANSWER_BYTES_MAX, Error, Event, StopReason, Usage};
use super::refusal::{Asked, DETAIL_CHARS_MAX, Refusal, only_element};

/// What an event means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next piece of the answer.
    Text(String),
    /// Nothing to show, and the model is at work.
    Alive,
    /// Nothing at all: a keep-alive is not a sign of life.
    Skip,
    /// There is no more.
    End,
}

impl Step {
    /// Text, or a sign of life where it is empty.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Alive } else { Self::Text(text) }
    }
}

/// What is known besides the text.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Once it is told, the text is whole.
    pub(super) stop_reason: Option<StopReason>,
    /// The last that was told.
    pub(super) usage: Option<Usage>,
    /// What was said about a refusal or a filter.
    pub(super) why: String,
}

impl Facts {
    /// Adds to what was said about a refusal or a filter, up to what is kept of it.
    pub(super) fn explain(&mut self, words: &str) {
        let room = DETAIL_CHARS_MAX.saturating_sub(self.why.chars().count());
        self.why.extend(words.chars().take(room));
    }
}

/// Reads one vendor's events and whole answers. Both are objects and no errors.
pub(super) trait Decoder: Send + Sync + 'static {
    /// Reads an event of a stream.
    fn event(&mut self, event: &Value, facts: &mut Facts) -> Step;

    /// Reads an answer that came in one piece.
    fn whole(&mut self, answer: &Value, facts: &mut Facts) -> Step;
}

/// An answer as it comes in.
pub(super) struct Transcript {
    decoder: Box<dyn Decoder>,
    facts: Facts,
    input_bytes: usize,
    output_bytes: usize,
}

impl Transcript {
    /// `input_bytes` is what was asked, for the guess when no usage is told.
    pub(super) fn new(decoder: Box<dyn Decoder>, input_bytes: usize) -> Self {
        Self { decoder, facts: Facts::default(), input_bytes, output_bytes: 0 }
    }

    /// Whether the text of the answer is whole, so that only its usage may still follow.
    pub(super) fn is_whole(&self) -> bool {
        self.facts.stop_reason.is_some()
    }

    /// Reads the data of one event.
    pub(super) fn step(&mut self, data: &str, asked: &Asked<'_>) -> Result<Step, Error> {
        if data.trim() == "[DONE]" {
            return Ok(Step::End);
        }
        let event: Value = serde_json::from_str(data).map_err(|_| asked.malformed("an event is not JSON"))?;
        check(&event, asked)?;
        let step = self.decoder.event(&event, &mut self.facts);
        self.bounded(step, asked)
    }

    /// Reads an answer that came in one piece.
    pub(super) fn whole(&mut self, body: &[u8], asked: &Asked<'_>) -> Result<Step, Error> {
        let answer: Value =
            serde_json::from_slice(body).map_err(|_| asked.malformed("the answer is not JSON"))?;
        let answer = only_element(&answer);
        check(answer, asked)?;
        let step = self.decoder.whole(answer, &mut self.facts);
        self.bounded(step, asked)
    }

    fn bounded(&mut self, step: Step, asked: &Asked<'_>) -> Result<Step, Error> {
        if let Step::Text(text) = &step {
            self.output_bytes += text.len();
            if self.output_bytes > ANSWER_BYTES_MAX {
                let provider = asked.provider.to_owned();
                return Err(Error::TooLong { provider, bytes_max: ANSWER_BYTES_MAX });
            }
        }
        Ok(step)
    }

    /// The last event. `said_so` is whether the server marked the end; without that mark and without a reason to stop
    /// the answer is not known to be whole.
    pub(super) fn finish(&self, said_so: bool, asked: &Asked<'_>) -> Result<Event, Error> {
        let provider = asked.provider.to_owned();
        let Some(stop_reason) = self.facts.stop_reason.or(said_so.then_some(StopReason::Unstated)) else {
            return Err(Error::Interrupted { provider });
        };
        let usage = self.facts.usage.unwrap_or_else(|| Usage::estimate(self.input_bytes, self.output_bytes));
        if self.output_bytes > 0 {
            return Ok(Event::Finished { stop_reason, usage });
        }
        let usage = Some(Box::new(usage));
        let detail = asked.printable(&self.facts.why);
        Err(match stop_reason {
            StopReason::Refusal => Error::ModelRefused { provider, detail, usage },
            StopReason::ContentFilter => Error::Filtered { provider, detail, usage },
            StopReason::ContextFull => {
                Error::ContextTooLong { provider, detail: "nothing fits after the conversation".into() }
            }
            StopReason::Complete | StopReason::LengthLimit | StopReason::Unstated => {
                Error::EmptyAnswer { provider, usage }
            }
        })
    }
}

fn check(value: &Value, asked: &Asked<'_>) -> Result<(), Error> {
    if let Some(refusal) = Refusal::find(value) {
        return Err(asked.error(None, &refusal, None));
    }
    if !value.is_object() {
        return Err(asked.malformed("an event is not an object"));
    }
    Ok(())
}

/// For the decoders' own tests.
#[cfg(test)]
pub(super) mod script {
    use super::*;

    pub(crate) const ASKED: Asked<'static> = Asked { provider: "house", model: "m", key: None };

    /// What the steps and the end of these events are, for a question of 40 bytes.
    pub(crate) fn run(decoder: impl Decoder, events: &[&str]) -> (Vec<Step>, Result<Event, Error>) {
        let mut transcript = Transcript::new(Box::new(decoder), 40);
        let steps: Vec<_> = events.iter().map(|data| transcript.step(data, &ASKED).unwrap()).collect();
        let said_so = steps.last() == Some(&Step::End);
        let finished = transcript.finish(said_so, &ASKED);
        (steps, finished)
    }
}
