//! The same answer as each vendor sends it.

use serde_json::{Value, json};

use crate::vendor::House;

/// What is said.
pub(crate) const ANSWER: &str = "Two years [1], größer 🦀.";

/// An answer on the wire.
pub(crate) struct Recording {
    /// Each with the blank line that ends it.
    pub events: Vec<String>,
    /// After so many events the text is known to be whole.
    pub whole_after: usize,
    /// The schema of an event that is not a keep-alive.
    pub event_schema: &'static str,
}

impl Recording {
    /// What the events carry, as far as it is JSON that the vendor describes.
    pub(crate) fn data(&self) -> Vec<Value> {
        let data =
            self.events.iter().filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .filter(|data: &Value| data["type"] != "ping")
            .collect()
    }
}

/// The answer in the events of this vendor.
pub(crate) fn recording(house: House) -> Recording {
    match house {
        House::Compatible | House::OpenAi => {
            Recording { events: openai(), whole_after: 4, event_schema: "CreateChatCompletionStreamResponse" }
        }
        House::Anthropic => {
            Recording { events: anthropic(), whole_after: 7, event_schema: "MessageStreamEvent" }
        }
        House::Google => {
            Recording { events: google(), whole_after: 3, event_schema: "GenerateContentResponse" }
        }
    }
}

/// The answer in one piece, stopped for this reason of the vendor's.
pub(crate) fn whole(house: House, text: Option<&str>, reason: &str) -> Value {
    match house {
        House::Compatible | House::OpenAi => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_795_392_000, "model": "house-1",
            "choices": [{
                "index": 0, "logprobs": null, "finish_reason": reason,
                "message": {"role": "assistant", "content": text, "refusal": null},
            }],
            "usage": {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26},
        }),
        House::Anthropic => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "house-1",
            "content": text.map(|text| json!({"type": "text", "text": text, "citations": null})).as_slice(),
            "stop_reason": reason, "stop_sequence": null,
            "usage": {"input_tokens": 20, "output_tokens": 6},
        }),
        House::Google => json!({
            "candidates": [{
                "index": 0, "finishReason": reason,
                "content": {"role": "model", "parts": text.map(|text| json!({"text": text})).as_slice()},
            }],
            "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 6, "totalTokenCount": 26},
            "modelVersion": "house-1",
        }),
    }
}

/// The schema of an answer in one piece.
pub(crate) fn whole_schema(house: House) -> &'static str {
    match house {
        House::Compatible | House::OpenAi => "CreateChatCompletionResponse",
        House::Anthropic => "Message",
        House::Google => "GenerateContentResponse",
    }
}

/// A piece of text, as one event.
pub(crate) fn piece(house: House, text: &str) -> String {
    match house {
        House::Compatible | House::OpenAi => data(&chunk(&json!({"content": text}), None)),
        House::Anthropic => named(&json!({
            "type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text},
        })),
        House::Google => data(&candidate(text, None)),
    }
}

/// A stream without a word that stops for this reason of the vendor's.
pub(crate) fn wordless(house: House, reason: &str) -> Vec<String> {
    match house {
        House::Compatible | House::OpenAi => vec![data(&chunk(&json!({}), Some(reason)))],
        House::Anthropic => {
            let usage = json!({"output_tokens": 1});
            let delta = json!({"stop_reason": reason, "stop_sequence": null});
            let stop = json!({"type": "message_delta", "delta": delta, "usage": usage});
            vec![named(&message_start()), named(&stop), named(&json!({"type": "message_stop"}))]
        }
        House::Google => vec![data(&candidate("", Some(reason)))],
    }
}

/// A failure in the middle of a stream that may pass.
pub(crate) fn failure(house: House) -> String {
    match house {
        House::Compatible | House::OpenAi => {
            data(&json!({"error": {"message": "x", "type": "server_error", "param": null, "code": null}}))
        }
        House::Anthropic => named(
            &json!({"type": "error", "error": {"type": "overloaded_error", "message": "x"}, "request_id": null}),
        ),
        House::Google => data(&json!({"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}})),
    }
}

fn data(event: &Value) -> String {
    format!("data: {event}\r\n\r\n")
}

fn named(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())
}

fn chunk(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_392_000, "model": "house-1",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}],
    })
}

fn openai() -> Vec<String> {
    let mut usage = chunk(&json!({}), None);
    usage["choices"] = json!([]);
    usage["usage"] = json!({"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26});
    let chunks = [
        chunk(&json!({"role": "assistant", "content": ""}), None),
        chunk(&json!({"content": "Two "}), None),
        chunk(&json!({"content": "years [1], größer 🦀."}), None),
        chunk(&json!({}), Some("stop")),
        usage,
    ];
    let mut events: Vec<_> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    events.push("data: [DONE]\n\n".into());
    events
}

fn message_start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "house-1", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {
            "input_tokens": 15, "output_tokens": 1, "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 3, "service_tier": "standard",
        },
    }})
}

fn anthropic() -> Vec<String> {
    let text = |text: &str| piece(House::Anthropic, text);
    vec![
        named(&message_start()),
        named(&json!({
            "type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "", "citations": null},
        })),
        named(&json!({"type": "ping"})),
        text("Two "),
        text("years [1], größer 🦀."),
        named(&json!({"type": "content_block_stop", "index": 0})),
        named(&json!({
            "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 6},
        })),
        named(&json!({"type": "message_stop"})),
    ]
}

fn candidate(text: &str, finish_reason: Option<&str>) -> Value {
    let content = json!({"role": "model", "parts": [{"text": text}]});
    let mut candidate = json!({"index": 0, "content": content});
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = reason.into();
    }
    json!({"candidates": [candidate], "modelVersion": "house-1"})
}

fn google() -> Vec<String> {
    let mut last = candidate("", Some("STOP"));
    last["usageMetadata"] = json!({"promptTokenCount": 20, "candidatesTokenCount": 6, "totalTokenCount": 26});
    vec![data(&candidate("Two ", None)), data(&candidate("years [1], größer 🦀.", None)), data(&last)]
}
