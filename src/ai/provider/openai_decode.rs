//! The events of a chat completion stream, read one at a time.
//!
//! It never demands more than `choices[0]`, since compatible servers leave out or misplace nearly everything else: usage
//! may be missing, early or repeated, `[DONE]` may never come, a reason to stop may stand in an event of its own,
//! thoughts come in fields that are not the answer.

use serde_json::Value;

use super::super::{StopReason, Usage};
use super::transcript::{Decoder, Facts, Step};

#[derive(Debug, Default)]
pub(super) struct Completion {
    /// OpenAI's models say in a field of its own that they refuse, and then stop as if they had said everything.
    refused: bool,
}

impl Completion {
    fn read(&mut self, value: &Value, said: &Value, facts: &mut Facts) -> Step {
        if let Some(usage) = value.get("usage").and_then(read_usage) {
            facts.usage = Some(usage);
        }
        if let Some(refusal) = said.get("refusal").and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.refused = true;
            facts.explain(refusal);
        }
        if let Some(reason) = value.pointer("/choices/0/finish_reason").and_then(Value::as_str) {
            facts.stop_reason = Some(match reason {
                _ if self.refused => StopReason::Refusal,
                "stop" => StopReason::Complete,
                "length" => StopReason::LengthLimit,
                "content_filter" => StopReason::ContentFilter,
                _ => StopReason::Unstated,
            });
        }
        Step::text(said.get("content").and_then(Value::as_str).unwrap_or_default())
    }
}

impl Decoder for Completion {
    fn event(&mut self, event: &Value, facts: &mut Facts) -> Step {
        self.read(event, event.pointer("/choices/0/delta").unwrap_or(&Value::Null), facts)
    }

    fn whole(&mut self, answer: &Value, facts: &mut Facts) -> Step {
        self.read(answer, answer.pointer("/choices/0/message").unwrap_or(&Value::Null), facts)
    }
}

fn read_usage(usage: &Value) -> Option<Usage> {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    Some(Usage {
        input_tokens: count("/prompt_tokens")?,
        output_tokens: count("/completion_tokens").unwrap_or(0),
        cached_tokens: count("/prompt_tokens_details/cached_tokens"),
        cache_write_tokens: count("/prompt_tokens_details/cache_write_tokens"),
        reasoning_tokens: count("/completion_tokens_details/reasoning_tokens"),
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::{Error, Event};
    use super::super::transcript::Transcript;
    use super::super::transcript::script::{ASKED, run};
    use super::*;

    #[test]
    fn thoughts_and_roles_are_signs_of_life_and_not_text() {
        let (steps, _) = run(
            Completion::default(),
            &[
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
                r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
                r#"{"choices":[{"delta":{"content":null}}]}"#,
                r#"{"choices":[]}"#,
                r#"{"choices":[{"delta":{"content":"Yes."},"finish_reason":null}]}"#,
            ],
        );
        assert_eq!(steps, [Step::Alive, Step::Alive, Step::Alive, Step::Alive, Step::Text("Yes.".into())]);
    }

    #[test]
    fn usage_is_the_last_one_told_wherever_it_stands() {
        let (_, finished) = run(
            Completion::default(),
            &[
                r#"{"choices":[{"delta":{"content":"Yes."}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#,
                r#"{"choices":[{"delta":{},"finish_reason":"length"}],"usage":null}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":1},"completion_tokens_details":{"reasoning_tokens":2}}}"#,
                "[DONE]",
            ],
        );
        let usage = Usage {
            input_tokens: 9,
            output_tokens: 2,
            cached_tokens: Some(8),
            cache_write_tokens: Some(1),
            reasoning_tokens: Some(2),
            estimated: false,
        };
        assert_eq!(finished.unwrap(), Event::Finished { stop_reason: StopReason::LengthLimit, usage });
    }

    #[test]
    fn usage_that_is_not_told_is_guessed_and_says_so() {
        let (_, finished) = run(
            Completion::default(),
            &[r#"{"choices":[{"delta":{"content":"12345"},"finish_reason":"stop"}]}"#],
        );
        let usage = Usage::estimate(40, 5);
        assert_eq!(finished.unwrap(), Event::Finished { stop_reason: StopReason::Complete, usage });
    }

    #[test]
    fn an_end_that_nobody_marked_is_an_interruption() {
        let (_, finished) = run(Completion::default(), &[r#"{"choices":[{"delta":{"content":"The"}}]}"#]);
        assert!(matches!(finished, Err(Error::Interrupted { .. })));
        assert!(matches!(run(Completion::default(), &[]).1, Err(Error::Interrupted { .. })));
        assert!(matches!(run(Completion::default(), &["[DONE]"]).1, Err(Error::EmptyAnswer { .. })));
    }

    #[test]
    fn a_refusal_that_ends_like_an_answer_is_told_as_a_refusal() {
        let refusal = r#"{"choices":[{"delta":{"refusal":"I can't help with that."}}]}"#;
        let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        let (steps, finished) = run(Completion::default(), &[refusal, stop, "[DONE]"]);
        assert_eq!(steps, [Step::Alive, Step::Alive, Step::End]);
        let Err(Error::ModelRefused { detail, usage, .. }) = finished else { panic!("{finished:?}") };
        assert_eq!(detail, "I can't help with that.");
        assert!(usage.unwrap().estimated);
    }

    #[test]
    fn an_end_without_a_word_is_named_by_its_reason() {
        for (reason, code) in [
            ("content_filter", "model_filtered"),
            ("length", "model_empty_answer"),
            ("tool_calls", "model_empty_answer"),
            ("stop", "model_empty_answer"),
        ] {
            let event = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
            let error = run(Completion::default(), &[&event]).1.unwrap_err();
            assert_eq!(crate::base::Fault::code(&error), code);
        }
    }

    #[test]
    fn what_is_not_an_event_of_this_kind_is_malformed() {
        for data in ["", "{", "[1]", "7", "\"x\"", "{\"choices\":[{]}"] {
            let failed = Transcript::new(Box::new(Completion::default()), 0).step(data, &ASKED);
            assert!(matches!(failed, Err(Error::Malformed { .. })), "{data}");
        }
    }
}
