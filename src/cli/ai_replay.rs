//! `frontdesk ai replay`: why an answer is as it is, whether its prompt can be made again to the letter, and with `--ask`
//! what a model says today.

use std::fmt::Write as _;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, with_appliance};
use super::ask::{self, text};
use super::egress::aligned;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::base::Micros;

/// What stands where there is nothing to say.
const NOTHING: &str = "-";

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The id of the question or of the answer
    message: String,
    /// The workspace to look in; every one when not given
    #[arg(long, value_name = "SHORT-NAME")]
    workspace: Option<String>,
    /// Ask a model again, which costs what an answer costs
    #[arg(long)]
    ask: bool,
    /// Ask this model of the settings; the one that was asked then when not given
    #[arg(long, value_name = "NAME", requires = "ask")]
    provider: Option<String>,
    /// Show the whole prompt
    #[arg(long, conflicts_with = "json")]
    prompt: bool,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, wish: &ReplayArguments) -> Result<(), Failure> {
    let shown = with_appliance(arguments, async |appliance| show(appliance, wish).await)?;
    say(&shown);
    Ok(())
}

async fn show(appliance: &Appliance, wish: &ReplayArguments) -> Result<String, Failure> {
    let encoded: String = url::form_urlencoded::byte_serialize(wish.message.as_bytes()).collect();
    let path = format!("/api/v1/messages/{encoded}/replay");
    let (workspace, replay) = find(appliance, wish, &path).await?;
    if !wish.ask {
        let shown = json!({ "workspace": workspace, "replay": replay });
        return Ok(if wish.shown.json { shown.to_string() } else { told(&workspace, &replay, wish.prompt) });
    }
    let body = json!({ "provider": wish.provider });
    let both = appliance.send(Method::POST, &path, Call::within(&workspace).json(&body)).await?;
    let of = |key: &str| both.get(key).cloned().unwrap_or_default();
    let (replay, again) = (of("replay"), of("again"));
    if wish.shown.json {
        return Ok(json!({ "workspace": workspace, "replay": replay, "again": again }).to_string());
    }
    Ok(format!("{}\n\n{}", told(&workspace, &replay, wish.prompt), told_again(&again)))
}

/// The message, in the workspace that was named or whichever has it.
async fn find(appliance: &Appliance, wish: &ReplayArguments, path: &str) -> Result<(String, Value), Failure> {
    let places = match &wish.workspace {
        Some(slug) => vec![slug.clone()],
        None => appliance.workspaces().await?,
    };
    for slug in places {
        if let Some(replay) = appliance.find(path, Call::within(&slug), "message_not_found").await? {
            return Ok((slug, replay));
        }
    }
    let place = wish.workspace.as_ref().map_or_else(String::new, |slug| format!(" in workspace {slug}"));
    Err(Failure::new(format!("There is no message {}{place}.", wish.message)))
}

/// Why the answer is as it is, for people.
fn told(workspace: &str, replay: &Value, whole_prompt: bool) -> String {
    let mut lines = vec![
        format!(
            "Question  {} in workspace {workspace}, {}",
            text(replay, "message"),
            text(replay, "asked_at")
        ),
        indented(&text(replay, "question")),
    ];
    let trace = replay.get("trace").cloned().unwrap_or_default();
    let asked_as = text(&trace, "asked_as");
    if !asked_as.is_empty() {
        lines.push(format!("  looked for as: {asked_as}"));
    }
    lines.push(String::new());
    lines.push(told_answer(replay.get("answer").unwrap_or(&Value::Null)));
    lines.push(String::new());
    lines.push(told_choice(&trace));
    lines.push(String::new());
    lines.push(told_passages(replay));
    lines.push(String::new());
    lines.push(told_prompt(replay, &trace, whole_prompt));
    lines.join("\n")
}

fn indented(words: &str) -> String {
    format!("  {}", words.replace('\n', "\n  "))
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn told_answer(message: &Value) -> String {
    let answer = message.get("answer").cloned().unwrap_or_default();
    if answer.is_null() {
        return "Answer    none yet".to_owned();
    }
    let timings = answer.get("timings_ms").cloned().unwrap_or_default();
    let mut told = format!(
        "Answer    {} by {} ({}), {}; finding {} ms, writing {} ms, all {} ms\n{}",
        text(message, "id"),
        text(&answer, "provider"),
        text(&answer, "model"),
        Micros(number(&answer, "cost_micros")),
        number(&timings, "retrieve"),
        number(&timings, "generate"),
        number(&timings, "total"),
        indented(&ask::shown(message)),
    );
    let note = text(&answer, "note");
    if !note.is_empty() {
        _ = write!(told, "\n  Note: {note}");
    }
    told
}

fn told_choice(trace: &Value) -> String {
    let decision = trace.get("decision").cloned().unwrap_or_default();
    let chosen = if decision.is_null() {
        "the settings name who answers".to_owned()
    } else {
        let score = decision.get("score").and_then(Value::as_f64).unwrap_or_default();
        format!("{} at a score of {score:.2}: {}", text(&decision, "tier"), text(&decision, "reason"))
    };
    let attempts = trace.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
    if attempts.is_empty() {
        return format!("Chosen    {chosen}\n  No model was asked.");
    }
    format!("Chosen    {chosen}\n{}", indented(&told_attempts(&attempts)))
}

fn told_attempts(attempts: &[Value]) -> String {
    let mut rows = vec![["model", "provider", "outcome", "read", "written", "cost", "ms"].map(str::to_owned)];
    rows.extend(attempts.iter().map(|one| {
        let usage = one.get("usage").cloned().unwrap_or_default();
        [
            text(one, "model"),
            text(one, "provider"),
            text(one, "outcome"),
            number(&usage, "input_tokens").to_string(),
            number(&usage, "output_tokens").to_string(),
            Micros(number(one, "cost")).to_string(),
            number(one, "took_ms").to_string(),
        ]
    }));
    aligned(&rows, &[3, 4, 5, 6]).trim_end().to_owned()
}

fn told_passages(replay: &Value) -> String {
    let passages = replay.get("passages").and_then(Value::as_array).cloned().unwrap_or_default();
    if passages.is_empty() {
        return "Passages  none were found".to_owned();
    }
    let head = ["", "cited", "score", "cosine", "bm25", "given", "now", "document"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(passages.iter().map(passage_row));
    format!("Passages\n{}", indented(aligned(&rows, &[0, 2, 3, 4]).trim_end()))
}

fn passage_row(one: &Value) -> [String; 8] {
    let real = |key: &str| format!("{:.3}", one.get(key).and_then(Value::as_f64).unwrap_or_default());
    let cited = one.get("cited_as").and_then(Value::as_u64);
    let given = one.get("given").and_then(Value::as_bool).unwrap_or_default();
    let document = [text(one, "name"), text(one, "document")].into_iter().find(|name| !name.is_empty());
    [
        number(one, "number").to_string(),
        cited.map_or_else(|| NOTHING.to_owned(), |number| format!("[{number}]")),
        real("score"),
        real("cosine"),
        real("bm25"),
        if given { "yes" } else { "no" }.to_owned(),
        text(one, "state").replace('_', " "),
        document.unwrap_or_default(),
    ]
}

fn told_prompt(replay: &Value, trace: &Value, whole: bool) -> String {
    let prompt = replay.get("prompt").cloned().unwrap_or_default();
    let hash: String = text(&prompt, "hash").chars().take(16).collect();
    let verdict = match prompt.get("same").and_then(Value::as_bool) {
        Some(true) => format!("made again to the letter (hash {hash}…)"),
        Some(false) => "cannot be made again to the letter".to_owned(),
        None => "no model answered, so there is nothing to compare with".to_owned(),
    };
    let mut told = format!("Prompt    {}, {verdict}", text(trace, "prompt_version"));
    for difference in prompt.get("differences").and_then(Value::as_array).into_iter().flatten() {
        _ = write!(told, "\n  {}", difference.as_str().unwrap_or_default());
    }
    let messages = prompt.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
    for message in messages.iter().filter(|_| whole) {
        _ = write!(told, "\n\n  {}:\n{}", text(message, "role"), indented(&text(message, "text")));
    }
    told
}

/// What a model says today.
fn told_again(again: &Value) -> String {
    let attempts = again.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
    let cost = Micros(number(again, "cost_micros"));
    let mut told = format!("Again     {cost}\n{}\n", indented(&told_attempts(&attempts)));
    // The same shape as a message's, so that both answers are shown alike.
    let message = json!({ "text": again.get("text"), "answer": { "citations": again.get("citations"), "uncited": again.get("uncited") } });
    if !text(again, "text").is_empty() {
        _ = write!(told, "\n{}", indented(&ask::shown(&message)));
    }
    let note = text(again, "note");
    if !note.is_empty() {
        _ = write!(told, "\n  Note: {note}");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay() -> Value {
        json!({
            "message": "msg_1", "asked_at": "2026-01-01T00:00:00.000Z", "question": "And for two?",
            "answer": {"id": "msg_2", "text": "It is so [1].", "answer": {
                "provider": "first", "model": "m-1", "cost_micros": 1_400, "note": null, "uncited": [],
                "citations": [{"number": 1, "title": "Pump", "name": "pump.md", "heading": [], "page": null}],
                "timings_ms": {"retrieve": 3, "generate": 4, "total": 7}}},
            "trace": {"asked_as": "What is the price? And for two?", "prompt_version": "answer-1", "decision": null,
                "attempts": [{"model": "m-1", "provider": "first", "outcome": "answered", "cost": 1_400, "took_ms": 4,
                    "usage": {"input_tokens": 1_000, "output_tokens": 200}}]},
            "passages": [
                {"number": 1, "given": true, "cited_as": 1, "state": "as_it_was", "name": "pump.md", "score": 0.9,
                    "cosine": 0.5, "bm25": 3.25, "document": "doc_1"},
                {"number": 2, "given": false, "cited_as": null, "state": "deleted", "name": null, "score": 0.2,
                    "cosine": 0.1, "bm25": 0.0, "document": "doc_2"},
            ],
            "prompt": {"version": "answer-1", "hash": "0123456789abcdef0123", "same": true, "differences": [],
                "messages": [{"role": "user", "text": "And for two?"}]},
        })
    }

    #[test]
    fn an_answer_is_told_with_its_reasons_and_whether_its_prompt_is_the_same() {
        let told = told("acme", &replay(), false);
        for part in [
            "Question  msg_1 in workspace acme",
            "looked for as: What is the price? And for two?",
            "by first (m-1), $0.001400; finding 3 ms, writing 4 ms, all 7 ms",
            "[1] Pump (pump.md)",
            "the settings name who answers",
            "m-1    first     answered  1000      200  $0.001400   4",
            "1  [1]    0.900   0.500  3.250  yes    as it was  pump.md",
            "2  -      0.200   0.100  0.000  no     deleted    doc_2",
            "made again to the letter (hash 0123456789abcdef…)",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(!told.contains("user:"));
    }

    #[test]
    fn what_has_changed_and_what_is_said_today_is_told() {
        let mut changed = replay();
        changed["prompt"]["same"] = json!(false);
        changed["prompt"]["differences"] = json!(["1 passage is of a document that was deleted."]);
        let told = told("acme", &changed, true);
        assert!(told.contains("cannot be made again to the letter\n  1 passage is of"), "{told}");
        assert!(told.ends_with("user:\n  And for two?"), "{told}");
        let attempts = changed["trace"]["attempts"].clone();
        let again = json!({"text": null, "attempts": attempts, "cost_micros": 5, "citations": [], "uncited": [],
            "note": "m-1 found no answer in the passages."});
        let told = told_again(&again);
        assert!(
            told.starts_with("Again     $0.000005") && told.ends_with("found no answer in the passages."),
            "{told}"
        );
    }
}
