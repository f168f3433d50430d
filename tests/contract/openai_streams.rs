//! How answers arrive from OpenAI-compatible servers: whole, cut anywhere, broken, endless or never.

use std::time::Duration;

use frontdesk::ai::{ANSWER_BYTES_MAX, Event, Provider};
use frontdesk::base::Fault;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::openai::{ask, question, text};
use crate::recording::recording;
use crate::vendor::{House, Reply, Then, Vendor};

fn event(delta: &Value) -> String {
    format!("data: {}\n\n", json!({"choices": [{"delta": delta}]}))
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_answer_and_names_itself() {
    for (error, code) in [
        (json!({"error": {"message": "x", "type": "server_error", "code": null}}), "model_failed"),
        (json!({"error": {"message": "x", "code": 429}}), "model_limited"),
        (json!({"error": "out of memory"}), "model_failed"),
        (json!({"object": "error", "message": "x", "code": 400}), "model_request_refused"),
    ] {
        let mut events = recording(House::Compatible).events;
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
