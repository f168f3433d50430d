//! Anthropic's events: `message_start`, blocks of content with their pieces, `message_delta`, `message_stop`.
//!
//! Usage is told in parts: what was read at the start, what was written at the end, and whatever comes later counts.
//! `ping` and kinds of event that are not known are skipped, as the vendor asks.

use serde_json::Value;

use super::super::{StopReason, Usage};
use super::transcript::{Decoder, Facts, Step};

/// The counts as the vendor splits them: tokens from and into the cache are not among `input`.
#[derive(Debug, Default)]
pub(super) struct Messages {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl Messages {
    fn count(&mut self, usage: Option<&Value>, facts: &mut Facts) {
        let told = |path: &str| usage?.pointer(path)?.as_u64();
        self.input = told("/input_tokens").or(self.input);
        self.cache_read = told("/cache_read_input_tokens").or(self.cache_read);
        self.cache_write = told("/cache_creation_input_tokens").or(self.cache_write);
        self.output = told("/output_tokens").or(self.output);
        self.thinking = told("/output_tokens_details/thinking_tokens").or(self.thinking);
        let Some(input) = self.input else { return };
        let cached = self.cache_read.unwrap_or(0).saturating_add(self.cache_write.unwrap_or(0));
        facts.usage = Some(Usage {
            input_tokens: input.saturating_add(cached),
            output_tokens: self.output.unwrap_or(0),
            cached_tokens: self.cache_read,
            cache_write_tokens: self.cache_write,
            reasoning_tokens: self.thinking,
            estimated: false,
        });
    }
}

/// Reads why it stopped from a message, or from the `delta` that ends one.
fn stop(value: &Value, facts: &mut Facts) {
    let Some(reason) = value.get("stop_reason").and_then(Value::as_str) else { return };
    facts.stop_reason = Some(match reason {
        "end_turn" | "stop_sequence" => StopReason::Complete,
        "max_tokens" => StopReason::LengthLimit,
        "model_context_window_exceeded" => StopReason::ContextFull,
        "refusal" => StopReason::Refusal,
        _ => StopReason::Unstated,
    });
    for name in ["category", "explanation"] {
        let words = value.pointer(&format!("/stop_details/{name}")).and_then(Value::as_str);
        facts.explain(words.unwrap_or_default());
        facts.explain(if words.is_some() { " " } else { "" });
    }
}

/// The text of a block or of a piece of one; nothing for thoughts and tools.
fn text(value: Option<&Value>) -> &str {
    let Some(value) = value else { return "" };
    match value.get("type").and_then(Value::as_str) {
        Some("text" | "text_delta") => value.get("text").and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

impl Decoder for Messages {
    fn event(&mut self, event: &Value, facts: &mut Facts) -> Step {
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => {
                self.count(event.pointer("/message/usage"), facts);
                Step::Alive
            }
            "content_block_start" => Step::text(text(event.get("content_block"))),
            "content_block_delta" => Step::text(text(event.get("delta"))),
            "content_block_stop" => Step::Alive,
            "message_delta" => {
                stop(event.get("delta").unwrap_or(&Value::Null), facts);
                self.count(event.get("usage"), facts);
                Step::Alive
            }
            "message_stop" => Step::End,
            _ => Step::Skip,
        }
    }

    fn whole(&mut self, answer: &Value, facts: &mut Facts) -> Step {
        stop(answer, facts);
        self.count(answer.get("usage"), facts);
        let blocks = answer.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Step::text(blocks.iter().map(|block| text(Some(block))).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Error, Event};
    use super::super::transcript::script::run;
    use super::*;

    #[test]
    fn thoughts_and_tools_are_signs_of_life_pings_are_nothing_and_text_is_text() {
        let (steps, _) = run(
            Messages::default(),
            &[
                r#"{"type":"content_block_start","content_block":{"type":"thinking","thinking":"hm"}}"#,
                r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}"#,
                r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}"#,
                r#"{"type":"ping"}"#,
                r#"{"type":"something_new"}"#,
                r#"{"type":"content_block_start","content_block":{"type":"text","text":"A"}}"#,
                r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"B"}}"#,
            ],
        );
        let (a, b) = (Step::Text("A".into()), Step::Text("B".into()));
        assert_eq!(steps, [Step::Alive, Step::Alive, Step::Alive, Step::Skip, Step::Skip, a, b]);
    }

    #[test]
    fn usage_is_put_together_from_the_start_and_the_end() {
        let (_, finished) = run(
            Messages::default(),
            &[
                r#"{"type":"message_start","message":{"usage":{"input_tokens":20,"output_tokens":1,"cache_creation_input_tokens":5,"cache_read_input_tokens":100}}}"#,
                r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"B"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":15,"output_tokens_details":{"thinking_tokens":9}}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        );
        let usage = Usage {
            input_tokens: 125,
            output_tokens: 15,
            cached_tokens: Some(100),
            cache_write_tokens: Some(5),
            reasoning_tokens: Some(9),
            estimated: false,
        };
        assert_eq!(finished.unwrap(), Event::Finished { stop_reason: StopReason::LengthLimit, usage });
    }

    #[test]
    fn a_refusal_without_a_word_says_why_and_what_it_cost() {
        let (_, finished) = run(
            Messages::default(),
            &[
                r#"{"type":"message_start","message":{"usage":{"input_tokens":20,"output_tokens":1}}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"bio","explanation":null}},"usage":{"output_tokens":2}}"#,
            ],
        );
        let Err(Error::ModelRefused { detail, usage: Some(usage), .. }) = finished else {
            panic!("{finished:?}")
        };
        assert_eq!((detail.trim(), usage.input_tokens, usage.output_tokens), ("bio", 20, 2));
    }
}
