//! Several models: a failing one is followed by the next, each call is booked, and a budget holds.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;

use super::caller::Caller;
use super::desk::Desk;
use super::files;
use super::model::Model;
use super::socket::{Socket, is_answer};

/// Whether the model that gets stuck once has.
static CALLED: AtomicBool = AtomicBool::new(false);

/// A server with two models: `shaky` does what the question says in brackets, `sound` answers.
pub(crate) async fn server() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let routes = Router::new().route("/v1/chat/completions", post(complete));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    port
}

async fn complete(axum::Json(request): axum::Json<Value>) -> Response {
    let question = request["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
    let trouble = |name: &str| request["model"] == "shaky" && question.contains(&format!("({name})"));
    if trouble("hang") {
        std::future::pending::<()>().await;
    }
    if trouble("stuck") && !CALLED.swap(true, Ordering::SeqCst) {
        let begun = tokio_stream::iter([Ok::<_, std::io::Error>(Bytes::from(piece("The pump is sealed")))]);
        let stuck = tokio_stream::pending();
        return ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(begun.chain(stuck)))
            .into_response();
    }
    if trouble("busy") {
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1000")], "{}").into_response();
    }
    if trouble("error") {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    let pieces: Vec<String> = if trouble("nonsense") {
        vec!["data: {\"choices\": 7\n\n".to_owned()]
    } else if trouble("empty") {
        vec![end(5, 0)]
    } else if trouble("cut") {
        vec![piece("The pump is sealed with a rub")]
    } else if trouble("uncited") {
        vec![piece("The pump is sealed with chewing gum and good will, which lasts a year."), end(100, 20)]
    } else if trouble("partly") {
        let invented = piece(" It was designed in Italy by two brothers.");
        vec![piece("The pump is sealed with a rubber ring [1]."), invented, end(100, 20)]
    } else {
        vec![piece("The pump is sealed with a rubber ring [1]."), end(1_000, 200)]
    };
    let endless = trouble("endless");
    let stream = async_stream(pieces, endless);
    ([(CONTENT_TYPE, "text/event-stream")], stream).into_response()
}

fn async_stream(pieces: Vec<String>, endless: bool) -> Body {
    let ordinary =
        tokio_stream::iter(pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece))));
    if !endless {
        return Body::from_stream(ordinary);
    }
    Body::from_stream(tokio_stream::iter(std::iter::repeat_with(|| {
        Ok::<_, std::io::Error>(Bytes::from(piece(&"and so on ".repeat(1_000))))
    })))
}

fn piece(text: &str) -> String {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    format!("data: {chunk}\n\n")
}

fn end(input: u64, output: u64) -> String {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    let usage = json!({"choices": [], "usage": usage});
    format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
}

/// `shaky` answers plain questions, `sound` the others. A token that is read costs `sound` 3 micro-dollars, one written 10.
fn settings(port: u16) -> String {
    format!(
        r#"
[assistant]
provider = "auto"

[routing]
strategy = "mine"

[[routing.strategies]]
name = "mine"
economical = "first"
middle = "second"
premium = "second"
vision = "second"

[[ai.provider]]
name = "first"
base_url = "http://127.0.0.1:{port}/v1"
model = "shaky"
first_token_ms = 1500
between_tokens_ms = 1500

[[ai.provider]]
name = "second"
base_url = "http://127.0.0.1:{port}/v1"
model = "sound"

[[ai.price]]
model = "shaky"
input_micros = 1_000_000
output_micros = 2_000_000

[[ai.price]]
model = "sound"
input_micros = 3_000_000
output_micros = 10_000_000

[[outbound.allow]]
address = "127.0.0.1:{port}"
private = true
plain_http = true
"#
    )
}

pub(crate) async fn taught(port: u16) -> (Desk, Caller) {
    taught_with(&settings(port)).await
}

async fn taught_with(settings: &str) -> (Desk, Caller) {
    let (desk, owner) = Desk::set_up_with(&[], settings).await;
    let document = files::put(&desk, &owner, "pump.md", Model::DOCUMENT.as_bytes()).await.expect(201);
    assert_eq!(files::settled(&desk, &owner, &document.of("id")).await["state"], "ready");
    (desk, owner)
}

/// The answer to a question in a conversation of its own, and why it is so.
pub(crate) async fn ask(desk: &Desk, owner: &Caller, question: &str) -> (Value, Value) {
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    socket.say("q", question).await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    let path = format!("/api/v1/conversations/{id}/messages/{}/trace", answer["id"].as_str().unwrap());
    let trace = desk.get(owner, &path).await.expect(200).body;
    (answer, trace)
}

fn outcomes(trace: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let attempts = trace["attempts"].as_array().unwrap();
    attempts.iter().map(|one| (text(&one["provider"]), text(&one["outcome"]))).collect()
}

#[tokio::test]
async fn whatever_a_model_does_wrong_the_next_one_answers_and_the_money_is_right() {
    let (desk, owner) = taught(server().await).await;
    let well = "How is the pump sealed?";
    let (answer, trace) = ask(&desk, &owner, well).await;
    assert_eq!(answer["answer"]["provider"], "first", "{trace}");
    assert_eq!(answer["answer"]["cost_micros"], 1_000 + 200 * 2);
    assert_eq!(answer["answer"]["note"], Value::Null);
    assert_eq!(trace["decision"]["tier"], "economical");
    assert!(
        trace["prompt_hash"].as_str().unwrap().len() == 64
            && !trace["passages"].as_array().unwrap().is_empty()
    );
    let mut spent = 1_400;

    let troubles = [
        ("hang", "model_timed_out", "took too long"),
        ("error", "model_failed", "could not answer"),
        ("nonsense", "model_malformed", "could not answer"),
        ("empty", "model_empty_answer", "could not answer"),
        ("cut", "model_interrupted", "broke off"),
        ("endless", "model_too_long", "could not answer"),
        // Last, as it asks to be left alone.
        ("busy", "model_limited", "had too many requests"),
    ];
    for (trouble, code, said) in troubles {
        let (answer, trace) = ask(&desk, &owner, &format!("{well} ({trouble})")).await;
        let expected = [("first", code), ("second", "answered")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(outcomes(&trace), expected, "{trouble}");
        assert_eq!(answer["answer"]["provider"], "second");
        assert_eq!(answer["text"], "The pump is sealed with a rubber ring [1].");
        let note = answer["answer"]["note"].as_str().unwrap();
        assert_eq!(note, format!("shaky {said}, so sound answered."), "{trouble}");
        let calls = trace["attempts"].as_array().unwrap().iter().map(|one| one["cost"].as_u64().unwrap());
        let cost = answer["answer"]["cost_micros"].as_u64().unwrap();
        assert_eq!(cost, calls.sum::<u64>(), "{trouble}: the message costs what its calls cost");
        assert!(cost >= 1_000 * 3 + 200 * 10);
        spent += cost;
        // Who answers is trusted again.
        if trouble != "busy" {
            let (answer, _) = ask(&desk, &owner, well).await;
            assert_eq!(answer["answer"]["provider"], "first", "after {trouble}");
            spent += 1_400;
        }
    }
    let (_, trace) = ask(&desk, &owner, well).await;
    assert_eq!(outcomes(&trace)[0], ("first".to_owned(), "left_alone".to_owned()));
    spent += 5_000;

    let budget = desk.get(&owner, "/api/v1/budget").await.expect(200).body;
    assert_eq!(budget["spent_micros"], spent, "every micro-dollar is in the ledger");
    assert_eq!(budget["day"]["reserved_micros"], 0);
}

#[tokio::test]
async fn what_a_model_says_without_a_source_is_withheld_and_the_documents_are_quoted() {
    let (desk, owner) = taught(server().await).await;
    let (answer, trace) = ask(&desk, &owner, "How is the pump sealed? (uncited)").await;
    assert_eq!(outcomes(&trace), [("first".to_owned(), "uncited".to_owned())]);
    assert_eq!(answer["answer"]["provider"], "extractive");
    let text = answer["text"].as_str().unwrap();
    assert!(text.contains("rubber ring") && !text.contains("chewing gum"), "{text}");
    assert_eq!(answer["answer"]["cost_micros"], 100 + 20 * 2, "it was paid for all the same");
}

#[tokio::test]
async fn a_statement_without_a_source_is_withheld_or_marked_as_the_workspace_wants_and_never_silent() {
    let (desk, owner) = taught(server().await).await;
    let question = "How is the pump sealed? (partly)";
    let (answer, trace) = ask(&desk, &owner, question).await;
    assert_eq!(outcomes(&trace), [("first".to_owned(), "uncited".to_owned())]);
    assert_eq!(answer["answer"]["provider"], "extractive");
    assert!(!answer["text"].as_str().unwrap().contains("Italy"), "{answer}");
    assert!(answer["answer"]["note"].as_str().unwrap().starts_with("A part of the language model's answer"));

    let choose = async |wish: Value| {
        let request = desk.request(&owner, Method::PATCH, "/api/v1/workspace");
        desk.send(request.json(&json!({ "uncited_claims": wish }))).await
    };
    assert_eq!(choose(json!("mark")).await.expect(200).body["uncited_claims"], "mark");
    let (answer, _) = ask(&desk, &owner, question).await;
    let text = answer["text"].as_str().unwrap();
    assert_eq!(text, "The pump is sealed with a rubber ring [1]. It was designed in Italy by two brothers.");
    assert_eq!(answer["answer"]["uncited"], json!([{ "start": 43, "end": 84 }]));
    assert_eq!(answer["answer"]["provider"], "first");
    let (answer, _) = ask(&desk, &owner, "How is the pump sealed? (uncited)").await;
    assert_eq!(answer["answer"]["provider"], "extractive", "what cites nothing is withheld all the same");
    assert_eq!(answer["answer"]["uncited"], json!([]));

    choose(json!("silently")).await.expect(400);
    assert_eq!(choose(Value::Null).await.expect(200).body["uncited_claims"], Value::Null);
    let (answer, _) = ask(&desk, &owner, question).await;
    assert_eq!(answer["answer"]["provider"], "extractive", "the appliance's setting again");
}

#[tokio::test]
async fn a_budget_holds_and_then_the_documents_are_quoted_or_a_person_is_called() {
    let (desk, owner) = taught(server().await).await;
    let budget = json!({ "day_limit_micros": 500, "month_limit_micros": null });
    desk.send(desk.request(&owner, Method::PUT, "/api/v1/budget").json(&budget)).await.expect(200);
    let (answer, trace) = ask(&desk, &owner, "How is the pump sealed?").await;
    assert!(outcomes(&trace).iter().all(|(_, outcome)| outcome == "over_budget"), "{trace}");
    assert_eq!(
        (&answer["answer"]["provider"], &answer["answer"]["cost_micros"]),
        (&json!("extractive"), &json!(0))
    );
    assert!(answer["text"].as_str().unwrap().contains("rubber ring"));

    let budget = json!({ "day_limit_micros": 500, "month_limit_micros": null, "at_limit": "hand_over" });
    desk.send(desk.request(&owner, Method::PUT, "/api/v1/budget").json(&budget)).await.expect(200);
    let (answer, _) = ask(&desk, &owner, "How is the pump sealed?").await;
    assert_eq!(
        (&answer["answer"]["declined"], &answer["answer"]["provider"]),
        (&json!(true), &json!("none"))
    );
}

#[tokio::test]
async fn an_answer_that_was_being_written_when_the_process_was_killed_comes_once_and_is_charged_once() {
    let patient = settings(server().await).replace("1500", "600000");
    let (mut desk, owner) = taught_with(&patient).await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q", "How is the pump sealed? (stuck)").await;
    socket.until(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing").await;
    desk.kill().await;
    desk.start_again().await;
    let mut socket = Socket::open(&desk, &visitor, &id, Some(1)).await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    assert_eq!((&answer["seq"], &answer["answer"]["provider"]), (&json!(2), &json!("first")));
    assert_eq!(answer["answer"]["cost_micros"], 1_400);
    let budget = desk.get(&owner, "/api/v1/budget").await.expect(200).body;
    assert_eq!((&budget["spent_micros"], &budget["day"]["reserved_micros"]), (&json!(1_400), &json!(0)));
    let usage = desk.get(&owner, "/api/v1/usage").await.expect(200).body;
    assert_eq!(usage["items"][0]["calls"], 1, "{usage}");
}

#[tokio::test]
async fn an_answer_is_called_off_at_its_provider_when_its_visitor_has_left_and_what_was_written_is_paid() {
    const PRICE: &str =
        "\n[[ai.price]]\nmodel = \"fake-1\"\ninput_micros = 1_000_000\noutput_micros = 2_000_000\n";
    let model = Model::start().await;
    let settings = model.settings() + PRICE;
    let (desk, owner) = Desk::set_up_with(&["assistant.left_after_s=0"], &settings).await;
    model.teach(&desk, &owner).await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    socket.until(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing").await;
    drop(socket);
    model.broken_off().await;

    let watcher = desk.key("acme", "agent").await;
    let mut socket = Socket::open(&desk, &watcher, &id, Some(1)).await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    assert_eq!(answer["answer"]["provider"], "extractive", "{answer}");
    let note = answer["answer"]["note"].as_str().unwrap();
    assert!(note.contains("had left") && note.ends_with("The documents are quoted instead."), "{note}");
    let path = format!("/api/v1/conversations/{id}/messages/{}/trace", answer["id"].as_str().unwrap());
    let trace = desk.get(&owner, &path).await.expect(200).body;
    assert_eq!(outcomes(&trace), [("fake".to_owned(), "called_off".to_owned())]);
    let cost = answer["answer"]["cost_micros"].as_u64().unwrap();
    assert!(cost > 0, "{answer}");
    let budget = desk.get(&owner, "/api/v1/budget").await.expect(200).body;
    assert_eq!((&budget["spent_micros"], &budget["day"]["reserved_micros"]), (&json!(cost), &json!(0)));
}
