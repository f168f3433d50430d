//! What is sent to Google, and what its refusals become.

use frontdesk::base::Fault;
use serde_json::{Value, json};

use crate::description::Schema;
use crate::openai::{ask, text};
use crate::recording::{ANSWER, recording};
use crate::vendor::{House, Reply, Then, Vendor};

fn answer() -> Reply {
    Reply::stream(recording(House::Google).events, Then::End)
}

#[tokio::test]
async fn the_request_is_what_the_vendor_describes() {
    let vendor = Vendor::of(House::Google, [answer()]).await;
    let provider = vendor.its_provider(&json!({"api_key": "sk-hunter2"}));
    assert_eq!(text(&ask(&*provider).await), ANSWER);
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.path, "/v1beta/models/house-1:streamGenerateContent");
    assert_eq!(seen.headers["x-goog-api-key"], "sk-hunter2");
    assert!(!seen.headers.contains_key("authorization") && !format!("{provider:?}").contains("hunter2"));
    let said = |role: &str, text: &str| json!({"role": role, "parts": [{"text": text}]});
    let temperature = &seen.body["generationConfig"]["temperature"];
    assert!((temperature.as_f64().unwrap() - 0.2).abs() < 1e-6);
    assert_eq!(
        seen.body,
        json!({
            "systemInstruction": {"parts": [{"text": "Answer from the passages."}]},
            "generationConfig": {"maxOutputTokens": 300, "temperature": temperature},
            "contents": [
                said("user", "Hello?"), said("model", "Hello."), said("user", "How long is the guarantee?"),
            ],
        })
    );
}

#[tokio::test]
async fn version_and_temperature_are_settings() {
    let vendor = Vendor::of(House::Google, [answer()]).await;
    let more = json!({"api_version": "v1", "send_temperature": false});
    assert_eq!(text(&ask(&*vendor.its_provider(&more)).await), ANSWER);
    let seen = vendor.seen().pop().unwrap();
    assert_eq!(seen.path, "/v1/models/house-1:streamGenerateContent");
    assert_eq!(seen.body["generationConfig"], json!({"maxOutputTokens": 300}));
}

#[tokio::test]
async fn a_blocked_question_has_no_candidates_and_says_why() {
    let blocked = json!({
        "promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []},
        "usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12},
    });
    let schema = Schema::load(House::Google.file(), "GenerateContentResponse");
    assert!(schema.is_none_or(|schema| schema.violations(&blocked).is_empty()));
    let vendor =
        Vendor::of(House::Google, [Reply::stream([format!("data: {blocked}\n\n")], Then::End)]).await;
    let error = ask(&*vendor.its_provider(&json!({}))).await.pop().unwrap().unwrap_err();
    assert_eq!((error.code(), error.usage().unwrap().input_tokens), ("model_filtered", 12));
    assert!(error.to_string().contains("SAFETY") && !error.retryable());
}

#[tokio::test]
async fn an_array_where_events_were_asked_for_is_understood_if_it_is_alone() {
    let error = json!([{"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}]);
    let vendor = Vendor::of(House::Google, [Reply::json(200, &[], &error)]).await;
    let error = ask(&*vendor.its_provider(&json!({}))).await.pop().unwrap().unwrap_err();
    assert_eq!(error.code(), "model_limited");
}

fn refusal(status: u16, name: &str, message: &str, details: &Value) -> Value {
    json!({"error": {
        "code": status, "message": format!("{message} sk-hunter2"), "status": name, "details": details,
    }})
}

#[tokio::test(start_paused = true)]
async fn every_documented_refusal_becomes_what_an_operator_can_act_on() {
    let schema = Schema::load(House::Google.file(), "Status");
    let key = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
    }]);
    let long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    let none = json!([]);
    for (status, name, message, details, expected, requests) in [
        (400, "INVALID_ARGUMENT", "x", &none, "model_request_refused", 1),
        (400, "INVALID_ARGUMENT", "x", &key, "model_credential_refused", 1),
        (400, "INVALID_ARGUMENT", long, &none, "model_context_too_long", 1),
        (400, "FAILED_PRECONDITION", "x", &none, "model_request_refused", 1),
        (401, "UNAUTHENTICATED", "x", &none, "model_credential_refused", 1),
        (403, "PERMISSION_DENIED", "x", &none, "model_credential_refused", 1),
        (404, "NOT_FOUND", "x", &none, "model_unknown", 1),
        (429, "RESOURCE_EXHAUSTED", "x", &none, "model_limited", 3),
        (500, "INTERNAL", "x", &none, "model_failed", 3),
        (503, "UNAVAILABLE", "x", &none, "model_failed", 3),
        (504, "DEADLINE_EXCEEDED", "x", &none, "model_failed", 3),
    ] {
        let body = refusal(status, name, message, details);
        assert!(schema.as_ref().is_none_or(|schema| schema.violations(&body).is_empty()), "{body}");
        for body in [body.clone(), json!([body])] {
            let vendor = Vendor::of(House::Google, []).await;
            for _ in 0..3 {
                vendor.push(Reply::json(status, &[], &body));
            }
            let mut events = ask(&*vendor.its_provider(&json!({"api_key": "sk-hunter2"}))).await;
            assert_eq!(events.len(), 1, "{events:?}");
            let error = events.pop().unwrap().unwrap_err();
            assert_eq!(
                (error.code(), vendor.seen().len()),
                (expected, requests),
                "{status} {name}: {error:?}"
            );
            assert!(!format!("{error:?} {error} {}", error.public()).contains("hunter2"), "{error:?}");
        }
    }
}
