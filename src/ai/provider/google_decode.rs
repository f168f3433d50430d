//! Google's answers: each event of a stream looks like a whole answer, and none marks the end.
//!
//! A question that is filtered has no candidates, only a `blockReason`; an answer that is filtered has a reason to stop
//! that says so. Tokens of thoughts are counted apart from those of the answer.

use serde_json::Value;

use super::super::{StopReason, Usage};
use super::transcript::{Decoder, Facts, Step};

/// Every event says all that there is to know about it.
#[derive(Debug)]
pub(super) struct Content;

impl Decoder for Content {
    fn event(&mut self, event: &Value, facts: &mut Facts) -> Step {
        if let Some(usage) = event.get("usageMetadata").and_then(read_usage) {
            facts.usage = Some(usage);
        }
        if let Some(reason) = event.pointer("/promptFeedback/blockReason").and_then(Value::as_str) {
            facts.stop_reason = Some(StopReason::ContentFilter);
            facts.explain(reason);
        }
        if let Some(reason) = event.pointer("/candidates/0/finishReason").and_then(Value::as_str) {
            let stop_reason = read_stop_reason(reason);
            facts.stop_reason = stop_reason.or(facts.stop_reason);
            if stop_reason == Some(StopReason::ContentFilter) {
                facts.explain(reason);
            }
        }
        let parts = event.pointer("/candidates/0/content/parts").and_then(Value::as_array);
        let said = parts.map(Vec::as_slice).unwrap_or_default().iter().filter(|part| !is_thought(part));
        Step::text(said.filter_map(|part| part.get("text")?.as_str()).collect::<String>())
    }

    fn whole(&mut self, answer: &Value, facts: &mut Facts) -> Step {
        self.event(answer, facts)
    }
}

fn is_thought(part: &Value) -> bool {
    part.get("thought").and_then(Value::as_bool) == Some(true)
}

/// Nothing for the value that stands for "not told".
fn read_stop_reason(reason: &str) -> Option<StopReason> {
    Some(match reason {
        "FINISH_REASON_UNSPECIFIED" => return None,
        "STOP" => StopReason::Complete,
        "MAX_TOKENS" => StopReason::LengthLimit,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => StopReason::ContentFilter,
        _ => StopReason::Unstated,
    })
}

fn read_usage(usage: &Value) -> Option<Usage> {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    let thoughts = count("thoughtsTokenCount");
    Some(Usage {
        input_tokens: count("promptTokenCount")?,
        output_tokens: count("candidatesTokenCount").unwrap_or(0).saturating_add(thoughts.unwrap_or(0)),
        cached_tokens: count("cachedContentTokenCount"),
        cache_write_tokens: None,
        reasoning_tokens: thoughts,
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::{Error, Event};
    use super::super::transcript::script::run;
    use super::*;

    #[test]
    fn all_parts_are_text_but_thoughts() {
        let event = r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"A"},{"functionCall":{"name":"x"}},{"text":"B"}]}}]}"#;
        let thought = r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]}}]}"#;
        let (steps, finished) = run(Content, &[thought, event]);
        assert_eq!(steps, [Step::Alive, Step::Text("AB".into())]);
        assert!(matches!(finished, Err(Error::Interrupted { .. })));
    }

    #[test]
    fn thoughts_are_paid_like_text_and_told_apart() {
        let (_, finished) = run(
            Content,
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"A"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":12,"cachedContentTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":30}}"#,
            ],
        );
        let usage = Usage {
            input_tokens: 12,
            output_tokens: 35,
            cached_tokens: Some(4),
            cache_write_tokens: None,
            reasoning_tokens: Some(30),
            estimated: false,
        };
        assert_eq!(finished.unwrap(), Event::Finished { stop_reason: StopReason::Complete, usage });
    }

    #[test]
    fn a_filter_is_named_before_and_after_the_first_word() {
        let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":12}}"#;
        let Err(Error::Filtered { detail, usage: Some(usage), .. }) = run(Content, &[blocked]).1 else {
            panic!()
        };
        assert_eq!((detail.as_str(), usage.input_tokens), ("PROHIBITED_CONTENT", 12));
        let text = r#"{"candidates":[{"content":{"parts":[{"text":"A"}]}}]}"#;
        let safety = r#"{"candidates":[{"finishReason":"SAFETY"}]}"#;
        let stopped = run(Content, &[text, safety]).1.unwrap();
        assert!(matches!(stopped, Event::Finished { stop_reason: StopReason::ContentFilter, .. }));
        assert!(matches!(run(Content, &[safety]).1, Err(Error::Filtered { .. })));
    }

    #[test]
    fn a_reason_that_is_not_told_does_not_end_the_answer() {
        let event = r#"{"candidates":[{"content":{"parts":[{"text":"A"}]},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#;
        assert!(matches!(run(Content, &[event]).1, Err(Error::Interrupted { .. })));
    }
}
