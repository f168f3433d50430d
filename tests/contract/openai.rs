//! What is sent to an OpenAI-compatible server, and what its refusals become.

use frontdesk::ai::{
    Anthropic, ChatRequest, Error, Event, Google, Message, OpenAi, OpenAiCompatible, Provider, StopReason,
    Usage,
};
use frontdesk::base::{Fault, Kind};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::description::Schema;
use crate::vendor::{House, Reply, Then, Vendor, outbound};

pub(crate) fn question() -> ChatRequest {
    ChatRequest {
        messages: vec![
            Message::system("Answer from the passages."),
            Message::user("Hello?"),
            Message::assistant("Hello."),
            Message::user("How long is the guarantee?"),
        ],
        max_output_tokens: 300,
        temperature: Some(0.2),
        tenant: Some("tnt_1".into()),
    }
}

pub(crate) async fn ask(provider: &dyn Provider) -> Vec<Result<Event, Error>> {
    provider.stream(question()).collect().await
}

pub(crate) fn text(events: &[Result<Event, Error>]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            Ok(Event::Delta(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn short_answer() -> Reply {
    Reply::stream(
        ["data: {\"choices\":[{\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\n"],
        Then::End,
    )
}

#[test]
fn the_judge_notices_what_the_vendor_would_refuse() {
    let Some(schema) = Schema::load("openai.yaml", "CreateChatCompletionRequest") else { return };
    let good = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(schema.violations(&good), Vec::<String>::new());
    for (field, bad) in [("messages", json!([])), ("temperature", json!(3)), ("max_token", json!(1))] {
        let mut body = good.clone();
        body[field] = bad;
        assert!(!schema.violations(&body).is_empty(), "{body}");
    }
}

#[tokio::test]
async fn the_request_is_what_the_vendor_describes() {
    let vendor = Vendor::openai([short_answer()]).await;
    let more = json!({"api_key": "sk-hunter2", "token_limit_field": "max_completion_tokens"});
    let provider = vendor.provider(&more);
    assert_eq!((provider.name(), provider.model()), ("house", "house-1"));
    assert_eq!(text(&ask(&provider).await), "Yes.");
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.headers["authorization"], "Bearer sk-hunter2");
    assert_eq!(
        seen.body,
        json!({
            "model": "house-1", "stream": true, "stream_options": {"include_usage": true},
            "max_completion_tokens": 300, "temperature": seen.body["temperature"],
            "messages": [
                {"role": "system", "content": "Answer from the passages."},
                {"role": "user", "content": "Hello?"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "How long is the guarantee?"},
            ],
        })
    );
}

#[tokio::test]
async fn an_older_server_gets_the_older_fields_and_no_key() {
    let vendor = Vendor::openai([short_answer()]).await;
    let provider = vendor.provider(&json!({"ask_usage": false}));
    let request = ChatRequest { temperature: None, ..question() };
    let events: Vec<_> = provider.stream(request).collect().await;
    assert_eq!(text(&events), "Yes.");
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.body["max_tokens"], 300);
    for absent in ["max_completion_tokens", "stream_options", "temperature"] {
        assert_eq!(seen.body.get(absent), None, "{absent}");
    }
    assert!(!seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn openai_itself_gets_todays_field_and_no_temperature_where_the_model_takes_none() {
    let vendor = Vendor::of(House::OpenAi, [short_answer()]).await;
    let provider = vendor.its_provider(&json!({"api_key": "sk-hunter2", "send_temperature": false}));
    assert_eq!(text(&ask(&*provider).await), "Yes.");
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.headers["authorization"], "Bearer sk-hunter2");
    assert_eq!((&seen.body["max_completion_tokens"], &seen.body["stream"]), (&json!(300), &json!(true)));
    assert_eq!((seen.body.get("max_tokens"), seen.body.get("temperature")), (None, None));
    assert!(!format!("{provider:?}").contains("hunter2"));
}

#[tokio::test]
async fn each_vendor_is_where_it_is_unless_the_settings_say_otherwise() {
    let settings = json!({"name": "house", "model": "house-1"});
    let outbound = outbound(&[]);
    let openai = OpenAi::new(serde_json::from_value(settings.clone()).unwrap(), outbound.clone()).unwrap();
    let anthropic =
        Anthropic::new(serde_json::from_value(settings.clone()).unwrap(), outbound.clone()).unwrap();
    let google = Google::new(serde_json::from_value(settings).unwrap(), outbound.clone()).unwrap();
    let providers: [(&dyn Provider, &str); 3] = [
        (&openai, "api.openai.com:443"),
        (&anthropic, "api.anthropic.com:443"),
        (&google, "generativelanguage.googleapis.com:443"),
    ];
    for (provider, destination) in providers {
        let error = ask(provider).await.pop().unwrap().unwrap_err();
        assert_eq!(error.code(), "egress_not_allowed");
        let checked = provider.check().await.outcome.unwrap_err();
        assert_eq!(checked.code(), "egress_not_allowed");
        let entries = outbound.ledger().latest();
        let entry = |purpose: &str| {
            entries.iter().any(|entry| entry.destination == destination && entry.purpose == purpose)
        };
        assert!(entry("ai.chat") && entry("ai.check"), "{destination}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_model_is_none_of_the_answer() {
    let refusal = "data: {\"choices\":[{\"delta\":{\"refusal\":\"I can't help with that.\"}}]}\n\n";
    let stop = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let vendor = Vendor::of(House::OpenAi, [Reply::stream([refusal, stop], Then::End)]).await;
    let mut events = ask(&*vendor.its_provider(&json!({}))).await;
    let error = events.pop().unwrap().unwrap_err();
    assert_eq!((error.code(), error.retryable(), events.len()), ("model_refused", false, 0));
    assert!(error.to_string().contains("I can't help with that."));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": "Two years."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 3},
    });
    let vendor = Vendor::openai([Reply::json(200, &[], &body)]).await;
    let events = ask(&vendor.provider(&json!({}))).await;
    assert_eq!(text(&events), "Two years.");
    let usage = Usage { input_tokens: 20, output_tokens: 3, ..Usage::default() };
    let finished = Event::Finished { stop_reason: StopReason::Complete, usage };
    assert_eq!(events.last().unwrap().as_ref().unwrap(), &finished);
}

fn refusal(code: &Value, kind: &str) -> Value {
    json!({"error": {"message": "key sk-hunter2", "type": kind, "param": null, "code": code}})
}

#[tokio::test(start_paused = true)]
async fn refusals_become_what_an_operator_can_act_on() {
    for (status, code, kind, expected, requests) in [
        (401, json!("invalid_api_key"), "invalid_request_error", "model_credential_refused", 1),
        (404, json!("model_not_found"), "invalid_request_error", "model_unknown", 1),
        (400, json!("context_length_exceeded"), "invalid_request_error", "model_context_too_long", 1),
        (400, json!(null), "invalid_request_error", "model_request_refused", 1),
        (429, json!("insufficient_quota"), "insufficient_quota", "model_credit_spent", 1),
        (429, json!("rate_limit_exceeded"), "requests", "model_limited", 3),
        (503, json!(503), "unavailable_error", "model_failed", 3),
        (500, json!(null), "server_error", "model_failed", 3),
    ] {
        let vendor = Vendor::openai([]).await;
        for _ in 0..3 {
            vendor.push(Reply::json(status, &[], &refusal(&code, kind)));
        }
        let mut events = ask(&vendor.provider(&json!({"api_key": "sk-hunter2"}))).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let error = events.pop().unwrap().unwrap_err();
        assert_eq!((error.code(), vendor.seen().len()), (expected, requests), "{error:?}");
        assert_eq!((error.kind(), error.provider()), (Kind::Unavailable, "house"));
        assert!(!format!("{error:?} {error} {}", error.public()).contains("hunter2"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let limited =
        Reply::json(429, &[("retry-after", "4")], &refusal(&json!("rate_limit_exceeded"), "requests"));
    let vendor = Vendor::openai([limited, short_answer()]).await;
    let began = Instant::now();
    assert_eq!(text(&ask(&vendor.provider(&json!({}))).await), "Yes.");
    assert!((4_000..4_100).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_model_elsewhere_is_not_asked_unless_the_settings_allow_it() {
    let vendor = Vendor::openai([]).await;
    let outbound = outbound(&[]);
    let provider = OpenAiCompatible::new(vendor.settings(&json!({})), outbound.clone()).unwrap();
    let mut events = ask(&provider).await;
    let error = events.pop().unwrap().unwrap_err();
    assert_eq!((error.code(), error.kind()), ("egress_not_allowed", Kind::Forbidden));
    assert!(error.public().contains("outbound.allow"));
    assert!(vendor.seen().is_empty() && events.is_empty());
    let entry = outbound.ledger().latest().pop().unwrap();
    assert_eq!((entry.purpose, entry.tenant.as_deref(), entry.bytes_out), ("ai.chat", Some("tnt_1"), 0));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    let vendor = Vendor::openai([]).await;
    for more in [json!({"base_url": "house"}), json!({"base_url": "ftp://house/v1"}), json!({"model": ""})] {
        let refused = OpenAiCompatible::new(vendor.settings(&more), outbound(&[])).unwrap_err();
        assert_eq!(refused.code(), "model_settings_invalid", "{more}");
    }
}
