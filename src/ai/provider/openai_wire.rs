//! Chat completions as they look on the wire: the body that is sent, and what a refusal says.
//!
//! Written after OpenAI's API description 2.3.0; what comes back is read leniently, because compatible servers
//! differ: `error.code` is a text or a number, `error` an object or a text, or its fields stand at the top.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::super::{ChatRequest, Error, Role};

/// Characters of a server's message that are kept for the log.
const DETAIL_CHARS_MAX: usize = 500;

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

#[derive(Debug, Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest, modern_limit: bool, ask_usage: bool) -> Self {
        let limit = Some(request.max_output_tokens);
        let messages = request
            .messages
            .iter()
            .map(|message| Turn {
                role: match message.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                },
                content: &message.text,
            })
            .collect();
        Self {
            model,
            messages,
            stream: true,
            stream_options: ask_usage.then_some(StreamOptions { include_usage: true }),
            max_completion_tokens: limit.filter(|_| modern_limit),
            max_tokens: limit.filter(|_| !modern_limit),
            temperature: request.temperature,
        }
    }
}

/// What a server says went wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) kind: String,
    pub(super) message: String,
}

impl Refusal {
    /// From a body or an event, if it is one.
    pub(super) fn find(value: &Value) -> Option<Self> {
        let error = match value.get("error") {
            Some(Value::Null) | None if value.get("object").and_then(Value::as_str) == Some("error") => value,
            Some(Value::Null) | None => return None,
            Some(error) => error,
        };
        if let Some(message) = error.as_str() {
            return Some(Self { message: message.to_owned(), ..Self::default() });
        }
        let text = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        Some(Self { code: text("code"), kind: text("type"), message: text("message") })
    }

    /// From the body of an error, whatever it is.
    pub(super) fn read(body: &[u8]) -> Self {
        let parsed = serde_json::from_slice(body).ok();
        parsed.as_ref().and_then(Self::find).unwrap_or_else(|| Self {
            message: String::from_utf8_lossy(body).into_owned(),
            ..Self::default()
        })
    }

    fn is(&self, name: &str) -> bool {
        self.code == name || self.kind == name
    }

    /// Whether trying again is of no use although the status suggests it.
    pub(super) fn is_credit(&self) -> bool {
        self.is("insufficient_quota")
            || self.is("billing_hard_limit_reached")
            || self.is("billing_not_active")
    }
}

/// Who was asked, for the error that comes of it.
pub(super) struct Asked<'a> {
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    /// Never repeated in an error, even if the server repeats it.
    pub(super) key: Option<&'a str>,
}

impl Asked<'_> {
    /// The error for a refusal. `status` is that of the answer or, in the middle of a stream, none.
    pub(super) fn error(
        &self,
        status: Option<u16>,
        refusal: &Refusal,
        retry_after: Option<Duration>,
    ) -> Error {
        let provider = self.provider.to_owned();
        let detail = self.detail(status, refusal);
        let status = status.or_else(|| refusal.code.parse().ok());
        if refusal.is_credit() || status == Some(402) {
            return Error::CreditSpent { provider, detail };
        }
        if refusal.is("context_length_exceeded") || refusal.is("exceed_context_size_error") {
            return Error::ContextTooLong { provider, detail };
        }
        if refusal.is("model_not_found") || status == Some(404) {
            return Error::ModelUnknown { provider, model: self.model.to_owned(), detail };
        }
        if refusal.is("invalid_api_key") || matches!(status, Some(401 | 403)) {
            return Error::CredentialRefused { provider, detail };
        }
        if refusal.is("rate_limit_exceeded") || status == Some(429) {
            return Error::Limited { provider, retry_after, detail };
        }
        match status {
            Some(413) => Error::ContextTooLong { provider, detail },
            Some(408 | 409) => Error::Failed { provider, detail },
            Some(400..=499) => Error::RequestRefused { provider, detail },
            _ if refusal.is("invalid_request_error") => Error::RequestRefused { provider, detail },
            _ => Error::Failed { provider, detail },
        }
    }

    fn detail(&self, status: Option<u16>, refusal: &Refusal) -> String {
        let mut message = refusal.message.clone();
        if let Some(key) = self.key.filter(|key| !key.is_empty()) {
            message = message.replace(key, "(key)");
        }
        let message: String =
            message.chars().filter(|letter| !letter.is_control()).take(DETAIL_CHARS_MAX).collect();
        let status = status.map(|status| format!("status {status} ")).unwrap_or_default();
        format!("{status}{} {message}", refusal.code).trim().to_owned()
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
        let expected =
            Refusal { code: "503".into(), kind: "unavailable_error".into(), message: "Loading".into() };
        let llama = br#"{"error":{"code":503,"message":"Loading","type":"unavailable_error"}}"#;
        assert_eq!(Refusal::read(llama), expected);
        let vllm = br#"{"object":"error","code":503,"message":"Loading","type":"unavailable_error"}"#;
        assert_eq!(Refusal::read(vllm), expected);
        assert_eq!(Refusal::read(br#"{"error":"model not loaded"}"#).message, "model not loaded");
        assert_eq!(Refusal::read(b"<html>502</html>").message, "<html>502</html>");
        assert_eq!(Refusal::find(&serde_json::json!({"error": null, "choices": []})), None);
    }

    #[test]
    fn what_the_operator_can_do_is_told_from_code_before_status() {
        let quota = r#"{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert!(matches!(asked(Some(429), quota), Error::CreditSpent { .. }));
        assert!(matches!(asked(Some(429), "{}"), Error::Limited { .. }));
        let long =
            r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert!(matches!(asked(Some(400), long), Error::ContextTooLong { .. }));
        assert!(matches!(asked(Some(404), "404 page not found"), Error::ModelUnknown { .. }));
        assert!(matches!(asked(Some(401), ""), Error::CredentialRefused { .. }));
        assert!(matches!(asked(Some(400), ""), Error::RequestRefused { .. }));
        assert!(matches!(asked(Some(503), ""), Error::Failed { .. }));
        assert!(matches!(asked(None, r#"{"error":{"code":429}}"#), Error::Limited { .. }));
        assert!(matches!(asked(None, r#"{"error":"out of memory"}"#), Error::Failed { .. }));
    }

    #[test]
    fn a_key_that_the_server_repeats_is_not_passed_on() {
        let shown =
            asked(Some(401), r#"{"error":{"message":"Incorrect API key: sk-hunter2\u0007."}}"#).to_string();
        assert!(!shown.contains("hunter2") && shown.contains("Incorrect API key: (key)."), "{shown}");
    }
}
