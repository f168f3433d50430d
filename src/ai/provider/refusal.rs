//! What a server says went wrong, whatever dialect it speaks, and what that means here.
//!
//! One reading for all: the vendors' names do not clash, and gateways pass on names of vendors that are not their own.
//! Written after OpenAI's API description 2.3.0, the wire types of Anthropic's client 2.12, Google's `google.rpc` and
//! what llama.cpp, vLLM and Ollama send: `error` is an object, a text or missing with its fields at the top; `code` is
//! a text or a number; all of it may lie in an array of one. Cohere says no more than a `message`, Voyage a `detail`.

use std::time::Duration;

use serde_json::Value;

use super::super::Error;

/// Characters of a server's message that are kept for the log.
pub(super) const DETAIL_CHARS_MAX: usize = 500;

const CREDIT: &[&str] = &[
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "linked_organization_spend_limit_reached",
];
const CONTEXT: &[&str] = &["context_length_exceeded", "exceed_context_size_error", "request_too_large"];
/// Anthropic, Google, vLLM and Voyage give no code for it. Without these an overlong conversation would never be trimmed.
const CONTEXT_PHRASES: &[&str] = &[
    "prompt is too long",
    "exceeds the maximum number of tokens",
    "maximum context length",
    "max allowed tokens",
];
const FILTER: &[&str] = &["content_filter", "content_policy_violation"];
const MODEL: &[&str] = &["model_not_found", "not_found_error", "NOT_FOUND"];
/// Google refuses a bad key as an invalid argument (400) and says `API_KEY_INVALID` in the details.
const KEY: &[&str] = &[
    "invalid_api_key",
    "API_KEY_INVALID",
    "authentication_error",
    "permission_error",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
];
const LIMIT: &[&str] = &["rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"];
const REQUEST: &[&str] = &["invalid_request_error", "INVALID_ARGUMENT", "FAILED_PRECONDITION"];

/// What a server says went wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::ai) struct Refusal {
    pub(super) code: String,
    pub(super) kind: String,
    pub(super) message: String,
    /// How long to wait before trying again, where the body says it.
    pub(super) pause: Option<Duration>,
}

impl Refusal {
    /// From a body or an event, if it is one.
    pub(in crate::ai) fn find(value: &Value) -> Option<Self> {
        let value = only_element(value);
        let error = match value.get("error") {
            Some(Value::Null) | None if value.get("object").and_then(Value::as_str) == Some("error") => value,
            Some(Value::Null) | None => return None,
            Some(error) => error,
        };
        if let Some(message) = error.as_str() {
            return Some(Self { message: message.to_owned(), ..Self::default() });
        }
        let text = |path: &str| match error.pointer(path) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let reason = detail(error, "reason").map(str::to_owned);
        Some(Self {
            code: text("/details/error_code").or(reason).or_else(|| text("/code")).unwrap_or_default(),
            kind: text("/type").or_else(|| text("/status")).unwrap_or_default(),
            message: text("/message").unwrap_or_default(),
            pause: detail(error, "retryDelay").and_then(read_pause),
        })
    }

    /// From the body of an error, whatever it is.
    pub(in crate::ai) fn read(body: &[u8]) -> Self {
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        let bare = |value: &Value| {
            let message = value.get("message").or_else(|| value.get("detail"))?.as_str()?.to_owned();
            Some(Self { message, ..Self::default() })
        };
        parsed.as_ref().and_then(|value| Self::find(value).or_else(|| bare(value))).unwrap_or_else(|| Self {
            message: String::from_utf8_lossy(body).into_owned(),
            ..Self::default()
        })
    }

    fn is_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.code == *name || self.kind == *name)
    }

    /// Whether trying again is of no use although the status suggests it.
    pub(super) fn is_credit(&self) -> bool {
        self.is_any(CREDIT)
    }

    fn is_context(&self, status: Option<u16>) -> bool {
        let unnamed = matches!(status, Some(400 | 422)) || self.is_any(REQUEST);
        self.is_any(CONTEXT)
            || status == Some(413)
            || (unnamed && CONTEXT_PHRASES.iter().any(|phrase| self.message.contains(phrase)))
    }
}

/// The first text of this name in Google's list of details.
fn detail<'a>(error: &'a Value, name: &str) -> Option<&'a str> {
    error.get("details")?.as_array()?.iter().find_map(|detail| detail.get(name)?.as_str())
}

/// A duration of protocol buffers in JSON: seconds, with or without a fraction, and an `s`.
fn read_pause(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

/// What is alone in an array, or the value itself.
pub(super) fn only_element(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    }
}

/// Who was asked, for the error that comes of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::ai) struct Asked<'a> {
    pub(in crate::ai) provider: &'a str,
    pub(in crate::ai) model: &'a str,
    /// Never repeated in an error, even if the server repeats it.
    pub(in crate::ai) key: Option<&'a str>,
}

impl Asked<'_> {
    /// The error for a refusal. `status` is that of the answer or, in the middle of a stream, none.
    pub(in crate::ai) fn error(
        &self,
        status: Option<u16>,
        refusal: &Refusal,
        retry_after: Option<Duration>,
    ) -> Error {
        let provider = self.provider.to_owned();
        let detail = self.detail(status, refusal);
        let retry_after = retry_after.or(refusal.pause);
        let status = status.or_else(|| refusal.code.parse().ok());
        if refusal.is_credit() || status == Some(402) {
            return Error::CreditSpent { provider, detail };
        }
        if refusal.is_context(status) {
            return Error::ContextTooLong { provider, detail };
        }
        if refusal.is_any(FILTER) {
            return Error::Filtered { provider, detail, usage: None };
        }
        if refusal.is_any(MODEL) || status == Some(404) {
            return Error::ModelUnknown { provider, model: self.model.to_owned(), detail };
        }
        if refusal.is_any(KEY) || matches!(status, Some(401 | 403)) {
            return Error::CredentialRefused { provider, detail };
        }
        if refusal.is_any(LIMIT) || status == Some(429) {
            return Error::Limited { provider, retry_after, detail };
        }
        match status {
            // 424 is what text-embeddings-inference says of a model that failed.
            Some(408 | 409 | 424) => Error::Failed { provider, retry_after, detail },
            Some(400..=499) => Error::RequestRefused { provider, detail },
            None if refusal.is_any(REQUEST) => Error::RequestRefused { provider, detail },
            _ => Error::Failed { provider, retry_after, detail },
        }
    }

    pub(in crate::ai) fn malformed(&self, detail: &str) -> Error {
        Error::Malformed { provider: self.provider.to_owned(), detail: detail.to_owned() }
    }

    pub(in crate::ai) fn detail(&self, status: Option<u16>, refusal: &Refusal) -> String {
        let status = status.map(|status| format!("status {status} ")).unwrap_or_default();
        format!("{status}{} {}", refusal.code, self.printable(&refusal.message)).trim().to_owned()
    }

    /// A server's words as they may be logged: bounded, without control characters and without the key.
    pub(super) fn printable(&self, text: &str) -> String {
        let text = match self.key.filter(|key| !key.is_empty()) {
            Some(key) => text.replace(key, "(key)"),
            None => text.to_owned(),
        };
        text.chars().filter(|letter| !letter.is_control()).take(DETAIL_CHARS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(status: Option<u16>, body: &str) -> Error {
        let asked = Asked { provider: "house", model: "m", key: Some("sk-hunter2") };
        asked.error(status, &Refusal::read(body.as_bytes()), None)
    }

    #[test]
    fn a_refusal_is_understood_in_every_dialect() {
        let expected = Refusal {
            code: "503".into(),
            kind: "unavailable_error".into(),
            message: "Loading".into(),
            pause: None,
        };
        let llama = br#"{"error":{"code":503,"message":"Loading","type":"unavailable_error"}}"#;
        assert_eq!(Refusal::read(llama), expected);
        let vllm = br#"{"object":"error","code":503,"message":"Loading","type":"unavailable_error"}"#;
        assert_eq!(Refusal::read(vllm), expected);
        assert_eq!(Refusal::read(br#"{"error":"model not loaded"}"#).message, "model not loaded");
        assert_eq!(Refusal::read(br#"{"message":"invalid api token"}"#).message, "invalid api token");
        assert_eq!(Refusal::read(br#"{"detail":"Bad Request"}"#).message, "Bad Request");
        assert_eq!(Refusal::read(b"<html>502</html>").message, "<html>502</html>");
        assert_eq!(Refusal::find(&serde_json::json!({"error": null, "choices": []})), None);
        let anthropic = br#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow","details":{"error_code":"ramp_limit_exceeded"}}}"#;
        let Refusal { code, kind, .. } = Refusal::read(anthropic);
        assert_eq!((code.as_str(), kind.as_str()), ("ramp_limit_exceeded", "rate_limit_error"));
        let google = br#"[{"error":{"code":429,"message":"Slow","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x"},{"retryDelay":"3.5s"}]}}]"#;
        let expected = Refusal {
            code: "429".into(),
            kind: "RESOURCE_EXHAUSTED".into(),
            message: "Slow".into(),
            pause: Some(Duration::from_millis(3_500)),
        };
        assert_eq!(Refusal::read(google), expected);
    }

    #[test]
    fn a_pause_that_makes_no_sense_is_none() {
        for text in ["", "s", "3", "-1s", "NaNs", "infs", "1e300s", "3m"] {
            assert_eq!(read_pause(text), None, "{text}");
        }
        assert_eq!(read_pause("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn what_the_operator_can_do_is_told_from_code_before_status() {
        let quota = r#"{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert!(matches!(asked(Some(429), quota), Error::CreditSpent { .. }));
        assert!(matches!(asked(Some(429), "{}"), Error::Limited { .. }));
        let long =
            r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert!(matches!(asked(Some(400), long), Error::ContextTooLong { .. }));
        let long = r#"{"error":{"message":"prompt is too long: 9 tokens > 8 maximum","type":"invalid_request_error"}}"#;
        assert!(matches!(asked(Some(400), long), Error::ContextTooLong { .. }));
        assert!(!matches!(asked(Some(500), "prompt is too long"), Error::ContextTooLong { .. }));
        assert!(matches!(asked(Some(404), "404 page not found"), Error::ModelUnknown { .. }));
        assert!(matches!(asked(Some(401), ""), Error::CredentialRefused { .. }));
        let key =
            r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#;
        assert!(matches!(asked(Some(400), key), Error::CredentialRefused { .. }));
        let filter = r#"{"error":{"code":"content_filter","message":"x"}}"#;
        assert!(matches!(asked(Some(400), filter), Error::Filtered { .. }));
        assert!(matches!(asked(Some(400), ""), Error::RequestRefused { .. }));
        assert!(matches!(asked(Some(503), ""), Error::Failed { .. }));
        assert!(matches!(asked(None, r#"{"error":{"code":429}}"#), Error::Limited { .. }));
        assert!(matches!(asked(None, r#"{"error":"out of memory"}"#), Error::Failed { .. }));
        let full = r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
        assert!(matches!(asked(None, full), Error::Failed { .. }));
    }

    #[test]
    fn a_key_that_the_server_repeats_is_not_passed_on() {
        let shown =
            asked(Some(401), r#"{"error":{"message":"Incorrect API key: sk-hunter2\u0007."}}"#).to_string();
        assert!(!shown.contains("hunter2") && shown.contains("Incorrect API key: (key)."), "{shown}");
    }
}
