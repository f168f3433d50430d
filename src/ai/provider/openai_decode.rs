//! The events of a chat completion stream, read one at a time.
//!
//! Pure: no time, no network. It never demands more than `choices[0]`, since compatible servers leave out or misplace
//! nearly everything else: usage may be missing, early or repeated, `[DONE]` may never come, a reason to stop may stand
//! in an event of its own, thoughts come in fields that are not the answer.

use serde_json::Value;

use super::super::{ANSWER_BYTES_MAX, Error, Event, StopReason, Usage};
use super::openai_wire::{Asked, Refusal};

/// What an event of the stream means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next piece of the answer.
    Text(String),
    /// Nothing to show, and the model is at work.
    Alive,
    /// `[DONE]`.
    End,
}

#[derive(Debug, Default)]
pub(super) struct Decoder {
    stop_reason: Option<StopReason>,
    usage: Option<Usage>,
    input_bytes: usize,
    output_bytes: usize,
}

impl Decoder {
    /// `input_bytes` is what was asked, for the guess when no usage is told.
    pub(super) fn new(input_bytes: usize) -> Self {
        Self { input_bytes, ..Self::default() }
    }

    /// Whether the text of the answer is whole, so that only its usage may still follow.
    pub(super) fn is_whole(&self) -> bool {
        self.stop_reason.is_some()
    }

    /// Reads the data of one event.
    pub(super) fn step(&mut self, data: &str, asked: &Asked<'_>) -> Result<Step, Error> {
        if data.trim() == "[DONE]" {
            return Ok(Step::End);
        }
        let value: Value = serde_json::from_str(data).map_err(|_| Error::Malformed {
            provider: asked.provider.to_owned(),
            detail: "an event is not JSON".into(),
        })?;
        self.value(&value, "/choices/0/delta/content", asked)
    }

    /// Reads an answer that came in one piece, from a server that does not stream.
    pub(super) fn whole(&mut self, body: &[u8], asked: &Asked<'_>) -> Result<Step, Error> {
        let value: Value = serde_json::from_slice(body).map_err(|_| Error::Malformed {
            provider: asked.provider.to_owned(),
            detail: "the answer is not JSON".into(),
        })?;
        self.value(&value, "/choices/0/message/content", asked)
    }

    fn value(&mut self, value: &Value, content: &str, asked: &Asked<'_>) -> Result<Step, Error> {
        if let Some(refusal) = Refusal::find(value) {
            return Err(asked.error(None, &refusal, None));
        }
        if !value.is_object() {
            return Err(Error::Malformed {
                provider: asked.provider.to_owned(),
                detail: "an event is not an object".into(),
            });
        }
        if let Some(usage) = value.get("usage").and_then(read_usage) {
            self.usage = Some(usage);
        }
        if let Some(reason) = value.pointer("/choices/0/finish_reason").and_then(Value::as_str) {
            self.stop_reason = Some(match reason {
                "stop" => StopReason::Complete,
                "length" => StopReason::LengthLimit,
                "content_filter" => StopReason::ContentFilter,
                _ => StopReason::Unstated,
            });
        }
        match value.pointer(content).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => {
                self.output_bytes += text.len();
                if self.output_bytes > ANSWER_BYTES_MAX {
                    let provider = asked.provider.to_owned();
                    return Err(Error::TooLong { provider, bytes_max: ANSWER_BYTES_MAX });
                }
                Ok(Step::Text(text.to_owned()))
            }
            _ => Ok(Step::Alive),
        }
    }

    /// The last event. `said_so` is whether the server marked the end; without that mark and without a reason to stop
    /// the answer is not known to be whole.
    pub(super) fn finish(&self, said_so: bool, asked: &Asked<'_>) -> Result<Event, Error> {
        let provider = asked.provider.to_owned();
        let Some(stop_reason) = self.stop_reason.or(said_so.then_some(StopReason::Unstated)) else {
            return Err(Error::Interrupted { provider });
        };
        if self.output_bytes == 0 && matches!(stop_reason, StopReason::Unstated | StopReason::Complete) {
            return Err(Error::EmptyAnswer { provider });
        }
        let usage = self.usage.unwrap_or_else(|| Usage::estimate(self.input_bytes, self.output_bytes));
        Ok(Event::Finished { stop_reason, usage })
    }
}

fn read_usage(usage: &Value) -> Option<Usage> {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    Some(Usage {
        input_tokens: count("/prompt_tokens")?,
        output_tokens: count("/completion_tokens").unwrap_or(0),
        cached_tokens: count("/prompt_tokens_details/cached_tokens"),
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'static> = Asked { provider: "house", model: "m", key: None };

    fn run(events: &[&str]) -> (Vec<Step>, Result<Event, Error>) {
        let mut decoder = Decoder::new(40);
        let steps: Vec<_> = events.iter().map(|data| decoder.step(data, &ASKED).unwrap()).collect();
        let said_so = steps.last() == Some(&Step::End);
        let finished = decoder.finish(said_so, &ASKED);
        (steps, finished)
    }

    #[test]
    fn thoughts_and_roles_are_signs_of_life_and_not_text() {
        let (steps, _) = run(&[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"content":null}}]}"#,
            r#"{"choices":[]}"#,
            r#"{"choices":[{"delta":{"content":"Yes."},"finish_reason":null}]}"#,
        ]);
        assert_eq!(steps, [Step::Alive, Step::Alive, Step::Alive, Step::Alive, Step::Text("Yes.".into())]);
    }

    #[test]
    fn usage_is_the_last_one_told_wherever_it_stands() {
        let (_, finished) = run(&[
            r#"{"choices":[{"delta":{"content":"Yes."}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"length"}],"usage":null}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":8}}}"#,
            "[DONE]",
        ]);
        let usage = Usage { input_tokens: 9, output_tokens: 2, cached_tokens: Some(8), estimated: false };
        assert_eq!(finished.unwrap(), Event::Finished { stop_reason: StopReason::LengthLimit, usage });
    }

    #[test]
    fn usage_that_is_not_told_is_guessed_and_says_so() {
        let (_, finished) = run(&[r#"{"choices":[{"delta":{"content":"12345"},"finish_reason":"stop"}]}"#]);
        let usage = Usage { input_tokens: 10, output_tokens: 2, cached_tokens: None, estimated: true };
        assert_eq!(finished.unwrap(), Event::Finished { stop_reason: StopReason::Complete, usage });
    }

    #[test]
    fn an_end_that_nobody_marked_is_an_interruption() {
        let (_, finished) = run(&[r#"{"choices":[{"delta":{"content":"The"}}]}"#]);
        assert!(matches!(finished, Err(Error::Interrupted { .. })));
        assert!(matches!(run(&[]).1, Err(Error::Interrupted { .. })));
        assert!(matches!(run(&["[DONE]"]).1, Err(Error::EmptyAnswer { .. })));
    }

    #[test]
    fn what_is_not_an_event_of_this_kind_is_malformed() {
        for data in ["", "{", "[1]", "7", "\"x\"", "{\"choices\":[{]}"] {
            let failed = Decoder::new(0).step(data, &ASKED);
            assert!(matches!(failed, Err(Error::Malformed { .. })), "{data}");
        }
    }
}
