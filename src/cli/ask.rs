//! A question asked as a visitor asks it: a new visitor, a conversation, a message, and the answer from the event stream.

use axum::http::Method;
use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::Failure;
use super::appliance::{Appliance, Call};

/// Asks and waits for the answer: the assistant's message as the API shows it.
pub(super) async fn ask(appliance: &Appliance, workspace: &str, question: &str) -> Result<Value, Failure> {
    let path = format!("/api/v1/widget/{workspace}/visitors");
    let visitor = appliance.send(Method::POST, &path, Call::default()).await?;
    let token = text(&visitor, "token");
    let as_visitor = || Call { token: Some(&token), ..Call::default() };
    let conversation = appliance.send(Method::POST, "/api/v1/conversations", as_visitor()).await?;
    let id = text(&conversation, "id");
    let events = format!("/api/v1/conversations/{id}/events?after_seq=0");
    let body = appliance.stream(&events, as_visitor()).await?;
    let said = as_visitor().json(&json!({ "text": question }));
    appliance.send(Method::POST, &format!("/api/v1/conversations/{id}/messages"), said).await?;
    let mut events = body.into_data_stream().eventsource();
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| Failure::new(format!("The appliance broke off: {error}")))?;
        let frame: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let message = frame.get("payload").cloned().unwrap_or_default();
        if event.event == "chat_message" && text(&message, "author") == "assistant" {
            return Ok(message);
        }
    }
    Err(Failure::new("The appliance broke off before it answered."))
}

/// The text under `key`, or nothing.
pub(super) fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The statements of an answer that no document backs.
pub(super) fn uncited(message: &Value) -> Vec<String> {
    let wide: Vec<u16> = text(message, "text").encode_utf16().collect();
    let spans = message.pointer("/answer/uncited").and_then(Value::as_array);
    let place = |span: &Value, key: &str| {
        span.get(key).and_then(Value::as_u64).and_then(|place| usize::try_from(place).ok())
    };
    let stated = |span: &Value| {
        let units = wide.get(place(span, "start")?..place(span, "end")?)?;
        Some(String::from_utf16_lossy(units))
    };
    spans.into_iter().flatten().filter_map(stated).collect()
}

/// An answer on one line: `{answer, declined, citations, uncited, provider, model, cost_micros, timings_ms}`.
pub(super) fn line(message: &Value) -> Value {
    let answer = message.get("answer").cloned().unwrap_or_default();
    let of = |key: &str| answer.get(key).cloned().unwrap_or_default();
    let citations: Vec<Value> = answer
        .get("citations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|citation| {
            let of = |key: &str| citation.get(key).cloned().unwrap_or_default();
            json!({
                "document": of("name"), "title": of("title"), "heading": of("heading"), "page": of("page"),
                "quote": of("quote"),
            })
        })
        .collect();
    json!({
        "answer": message.get("text"), "declined": of("declined"), "citations": citations, "uncited": uncited(message),
        "provider": of("provider"), "model": of("model"), "cost_micros": of("cost_micros"),
        "timings_ms": of("timings_ms"),
    })
}

/// An answer with its sources, for people.
pub(super) fn shown(message: &Value) -> String {
    let mut lines = vec![text(message, "text"), String::new()];
    let citations =
        message.get("answer").and_then(|answer| answer.get("citations")).and_then(Value::as_array);
    for citation in citations.into_iter().flatten() {
        let number = citation.get("number").and_then(Value::as_u64).unwrap_or_default();
        let heading: Vec<_> = citation
            .get("heading")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let page = citation.get("page").and_then(Value::as_u64).map(|page| format!(", page {page}"));
        let (title, name) = (text(citation, "title"), text(citation, "name"));
        // A document's first heading is often its title; once is enough.
        let under = heading.into_iter().enumerate().filter(|(at, part)| *at > 0 || *part != title);
        let path: String = under.map(|(_, part)| format!(" › {part}")).collect();
        lines.push(format!("  [{number}] {title}{path} ({name}{})", page.unwrap_or_default()));
    }
    let uncited = uncited(message);
    if !uncited.is_empty() {
        lines.push("\nNot backed by a document:".to_owned());
        lines.extend(uncited.iter().map(|statement| format!("  “{statement}”")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_no_document_backs_is_said_to_be_so() {
        let message = json!({
            "text": "Grün 😀 [1]. It lasts ten years.",
            "answer": {"citations": [], "uncited": [{"start": 13, "end": 32}, {"start": 90, "end": 99}]},
        });
        assert_eq!(uncited(&message), ["It lasts ten years."]);
        assert!(shown(&message).ends_with("Not backed by a document:\n  “It lasts ten years.”"));
        assert_eq!(line(&message)["uncited"], json!(["It lasts ten years."]));
    }
}
