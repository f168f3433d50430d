//! How answers arrive from OpenAI-compatible servers: whole, cut anywhere, broken, endless or never.

use std::time::Duration;

use frontdesk::ai::{ANSWER_BYTES_MAX, Event, Provider, StopReason};
use frontdesk::base::Fault;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::description::Schema;
use crate::openai::{ask, question, text};
use crate::vendor::{Reply, Then, Vendor};

fn chunk(choices: &Value, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_392_000, "model": "house-1",
        "choices": choices, "usage": usage,
    })
}

fn delta(delta: &Value, finish_reason: &Value) -> Value {
    chunk(
        &json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}]),
        &Value::Null,
    )
}

/// As OpenAI sends it.
fn chunks() -> Vec<Value> {
    vec![
        delta(&json!({"role": "assistant", "content": ""}), &Value::Null),
        delta(&json!({"content": "Two "}), &Value::Null),
        delta(&json!({"content": "years [1], größer 🦀."}), &Value::Null),
        delta(&json!({}), &json!("stop")),
        chunk(&json!([]), &json!({"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26})),
    ]
}

const ANSWER: &str = "Two years [1], größer 🦀.";

fn events() -> Vec<String> {
    let mut events: Vec<_> = chunks().iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    events.push("data: [DONE]\n\n".into());
    events
}

fn event(delta: &Value) -> String {
    format!("data: {}\n\n", json!({"choices": [{"delta": delta}]}))
}

#[test]
fn the_recording_is_what_the_vendor_describes() {
    let Some(schema) = Schema::load("openai.yaml", "CreateChatCompletionStreamResponse") else { return };
    for chunk in chunks() {
        assert_eq!(schema.violations(&chunk), Vec::<String>::new(), "{chunk}");
    }
}

#[tokio::test]
async fn the_answer_is_the_same_wherever_the_bytes_are_cut() {
    let vendor = Vendor::openai([]).await;
    let provider = vendor.provider(&json!({}));
    let recording = events().concat().into_bytes();
    for place in 0..=recording.len() {
        let (head, tail) = recording.split_at(place);
        vendor.push(Reply::stream([head.to_vec(), tail.to_vec()], Then::End));
        let events = ask(&provider).await;
        assert_eq!(text(&events), ANSWER, "cut at {place}");
        let Some(Ok(Event::Finished { stop_reason: StopReason::Complete, usage })) = events.last() else {
            panic!("cut at {place}: {events:?}");
        };
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.estimated), (20, 6, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_at_any_event_is_whole_or_says_that_it_is_not() {
    let whole_after = 4;
    for then in [Then::End, Then::Break, Then::Hang] {
        for sent in 0..=events().len() {
            let vendor = Vendor::openai([Reply::stream(events().into_iter().take(sent), then)]).await;
            let answer = ask(&vendor.provider(&json!({}))).await;
            let last = answer.last().unwrap();
            if sent >= whole_after {
                assert!(matches!(last, Ok(Event::Finished { .. })), "after {sent}: {answer:?}");
                assert_eq!(text(&answer), ANSWER);
            } else {
                let error = last.as_ref().unwrap_err();
                assert!(error.retryable(), "after {sent}: {error:?}");
                assert!(ANSWER.starts_with(&text(&answer)));
                assert_eq!(answer.iter().filter(|event| event.is_err()).count(), 1);
            }
            assert_eq!(vendor.seen().len(), 1, "a stream that began is never restarted");
        }
    }
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_answer_and_names_itself() {
    for (error, code) in [
        (json!({"error": {"message": "x", "type": "server_error", "code": null}}), "model_failed"),
        (json!({"error": {"message": "x", "code": 429}}), "model_limited"),
        (json!({"error": "out of memory"}), "model_failed"),
        (json!({"object": "error", "message": "x", "code": 400}), "model_request_refused"),
    ] {
        let mut events = events();
        events.insert(2, format!("data: {error}\n\n"));
        let vendor = Vendor::openai([Reply::stream(events, Then::End)]).await;
        let answer = ask(&vendor.provider(&json!({}))).await;
        assert_eq!(text(&answer), "Two ");
        assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), code);
        assert_eq!(answer.len(), 2);
    }
}

#[tokio::test]
async fn nonsense_is_malformed_and_nothing_comes_after_it() {
    for nonsense in ["data: {\"choices\":\n\n", "data: 7\n\n", "data: \u{0}\n\n"] {
        let pieces = [event(&json!({"content": "A"})), nonsense.to_owned(), event(&json!({"content": "B"}))];
        let vendor = Vendor::openai([Reply::stream(pieces, Then::End)]).await;
        let answer = ask(&vendor.provider(&json!({}))).await;
        assert_eq!(text(&answer), "A");
        assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), "model_malformed");
    }
    let vendor = Vendor::openai([Reply::stream([b"data: \xff\xfe\n\n".to_vec()], Then::End)]).await;
    let answer = ask(&vendor.provider(&json!({}))).await;
    assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), "model_malformed");
}

#[tokio::test]
async fn an_empty_stream_is_no_answer() {
    for (pieces, code) in [(vec![], "model_interrupted"), (vec!["data: [DONE]\n\n"], "model_empty_answer")] {
        let vendor = Vendor::openai([Reply::stream(pieces, Then::End)]).await;
        let answer = ask(&vendor.provider(&json!({}))).await;
        assert_eq!(answer.len(), 1);
        assert_eq!(answer[0].as_ref().unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn an_endless_stream_is_stopped_at_its_limits() {
    let text_piece = event(&json!({"content": "x".repeat(60_000)}));
    let comment = format!(": {}\n\n", "x".repeat(60_000));
    let line = "x".repeat(60_000);
    for (piece, code) in
        [(text_piece, "model_too_long"), (comment, "remote_too_large"), (line, "model_malformed")]
    {
        let vendor = Vendor::openai([Reply::stream([piece], Then::Repeat(Duration::ZERO))]).await;
        let answer = ask(&vendor.provider(&json!({}))).await;
        assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), code);
        assert!(text(&answer).len() <= ANSWER_BYTES_MAX);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_says_nothing_is_left_at_each_deadline() {
    let deadlines =
        json!({"deadlines": {"first_token_ms": 60_000, "between_tokens_ms": 20_000, "whole_ms": 90_000}});
    let word = event(&json!({"content": "A"}));
    let keep_alive = ": still here\n\n".to_owned();
    for (pieces, then, seconds) in [
        (vec![], Then::Hang, 60),
        (vec![word.clone()], Then::Hang, 20),
        (vec![word.clone(), keep_alive], Then::Repeat(Duration::from_secs(5)), 20),
        (vec![word.clone(), word.clone()], Then::Repeat(Duration::from_secs(7)), 90),
    ] {
        let vendor = Vendor::openai([Reply::stream(pieces, then)]).await;
        let provider = vendor.provider(&deadlines);
        let began = Instant::now();
        let answer = ask(&provider).await;
        assert_eq!(answer.last().unwrap().as_ref().unwrap_err().code(), "model_timed_out");
        assert_eq!(began.elapsed().as_secs(), seconds, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_thinks_aloud_is_waited_for() {
    let thought = event(&json!({"reasoning_content": "hm"}));
    let deadlines = json!({"deadlines": {"between_tokens_ms": 20_000, "whole_ms": 300_000}});
    let vendor = Vendor::openai([Reply::stream([thought], Then::Repeat(Duration::from_secs(15)))]).await;
    let began = Instant::now();
    let answer = ask(&vendor.provider(&deadlines)).await;
    assert_eq!((text(&answer).as_str(), began.elapsed().as_secs()), ("", 300));
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let mut vendor = Vendor::openai([Reply::stream([event(&json!({"content": "A"}))], Then::Hang)]).await;
    let mut stream = vendor.provider(&json!({})).stream(question());
    assert_eq!(stream.next().await.unwrap().unwrap(), Event::Delta("A".into()));
    drop(stream);
    vendor.closed().await;
}

#[tokio::test]
async fn nothing_is_asked_until_the_stream_is_polled() {
    let vendor = Vendor::openai([]).await;
    drop(vendor.provider(&json!({})).stream(question()));
    tokio::task::yield_now().await;
    assert!(vendor.seen().is_empty());
}
