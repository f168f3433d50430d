//! What is sent to Anthropic, and what its refusals become.

use frontdesk::ai::{Anthropic, ChatRequest, Message};
use frontdesk::base::Fault;
use serde_json::{Value, json};

use crate::description::Schema;
use crate::openai::{ask, question, text};
use crate::recording::{ANSWER, recording};
use crate::vendor::{House, Reply, Then, Vendor, outbound};

fn answer() -> Reply {
    Reply::stream(recording(House::Anthropic).events, Then::End)
}

#[tokio::test]
async fn the_request_is_what_the_vendor_describes() {
    let vendor = Vendor::of(House::Anthropic, [answer()]).await;
    assert_eq!(text(&ask(&*vendor.its_provider(&json!({"api_key": "sk-hunter2"}))).await), ANSWER);
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!(seen.headers["authorization"], "Bearer sk-hunter2");
    assert_eq!(seen.headers["anthropic-version"], "2026-10-21");
    assert!(!seen.headers.contains_key("x-api-key"));
    let said = |role: &str, text: &str| json!({"role": role, "content": [{"type": "text", "text": text}]});
    assert_eq!(
        seen.body,
        json!({
            "model": "house-1", "stream": true, "max_tokens": 300, "system": "Answer from the passages.",
            "messages": [
                said("user", "Hello?"), said("assistant", "Hello."), said("user", "How long is the guarantee?"),
            ],
        })
    );
}

#[tokio::test]
async fn the_older_version_keeps_its_header_and_its_temperature() {
    let vendor = Vendor::of(House::Anthropic, [answer()]).await;
    let older = json!({
        "api_key": "sk-hunter2", "version": "2023-06-01", "auth": "x_api_key", "send_temperature": true,
    });
    let provider = vendor.its_provider(&older);
    let request = ChatRequest { temperature: Some(1.5), ..question() };
    let events: Vec<_> = futures_util::StreamExt::collect(provider.stream(request)).await;
    assert_eq!(text(&events), ANSWER);
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.headers["x-api-key"], "sk-hunter2");
    assert_eq!(seen.headers["anthropic-version"], "2023-06-01");
    assert!(!seen.headers.contains_key("authorization"));
    assert_eq!(seen.body["temperature"], 1.0);
    assert!(!format!("{provider:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_conversation_that_begins_with_the_model_is_given_a_beginning() {
    let vendor = Vendor::of(House::Anthropic, [answer()]).await;
    let messages = vec![Message::assistant("Welcome!"), Message::user(" "), Message::user("Hi")];
    let request = ChatRequest { messages, ..question() };
    let stream = vendor.its_provider(&json!({})).stream(request);
    let _: Vec<_> = futures_util::StreamExt::collect(stream).await;
    let seen = vendor.seen().pop().unwrap();
    let roles: Vec<_> =
        seen.body["messages"].as_array().unwrap().iter().map(|turn| turn["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(seen.body.get("system"), None);
}

fn refusal(kind: &str, message: &str, code: Option<&str>) -> Value {
    let details = code.map(|code| json!({"error_code": code}));
    json!({"type": "error", "request_id": "req_1", "error": {
        "type": kind, "message": format!("{message} sk-hunter2"), "details": details,
    }})
}

#[tokio::test(start_paused = true)]
async fn every_documented_refusal_becomes_what_an_operator_can_act_on() {
    let schema = Schema::load(House::Anthropic.file(), "ErrorResponse");
    let long = "prompt is too long: 210000 tokens > 200000 maximum";
    for (status, kind, message, code, expected, requests) in [
        (400, "invalid_request_error", "x", None, "model_request_refused", 1),
        (400, "invalid_request_error", long, None, "model_context_too_long", 1),
        (401, "authentication_error", "x", None, "model_credential_refused", 1),
        (402, "billing_error", "x", None, "model_credit_spent", 1),
        (403, "permission_error", "x", None, "model_credential_refused", 1),
        (404, "not_found_error", "x", None, "model_unknown", 1),
        (409, "conflict_error", "x", None, "model_failed", 3),
        (413, "request_too_large", "x", None, "model_context_too_long", 1),
        (429, "rate_limit_error", "x", None, "model_limited", 3),
        (429, "rate_limit_error", "x", Some("ramp_limit_exceeded"), "model_limited", 3),
        (429, "rate_limit_error", "x", Some("enforced_spend_limit_reached"), "model_credit_spent", 1),
        (500, "api_error", "x", None, "model_failed", 3),
        (504, "timeout_error", "x", None, "model_failed", 3),
        (529, "overloaded_error", "x", None, "model_failed", 3),
    ] {
        let body = refusal(kind, message, code);
        assert!(schema.as_ref().is_none_or(|schema| schema.violations(&body).is_empty()), "{body}");
        let vendor = Vendor::of(House::Anthropic, []).await;
        for _ in 0..3 {
            vendor.push(Reply::json(status, &[], &body));
        }
        let mut events = ask(&*vendor.its_provider(&json!({"api_key": "sk-hunter2"}))).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let error = events.pop().unwrap().unwrap_err();
        assert_eq!((error.code(), vendor.seen().len()), (expected, requests), "{status} {kind}: {error:?}");
        assert!(!format!("{error:?} {error} {}", error.public()).contains("hunter2"), "{error:?}");
    }
}

#[test]
fn settings_need_no_more_than_a_name_and_a_model() {
    let good = json!({"name": "claude", "model": "m"});
    let settings = |more: Value| {
        let mut settings = good.clone();
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(settings).unwrap()
    };
    assert!(Anthropic::new(settings(json!({})), outbound(&[])).is_ok());
    for more in [json!({"version": ""}), json!({"version": "a\nb"}), json!({"base_url": "claude"})] {
        let refused = Anthropic::new(settings(more.clone()), outbound(&[])).unwrap_err();
        assert_eq!(refused.code(), "model_settings_invalid", "{more}");
    }
}
