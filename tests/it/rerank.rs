//! Rerankers: one that orders, one that is down, hangs or talks nonsense, and one that the site brings in a file.

use std::path::Path;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::caller::Caller;
use super::cross_encoder::{self, Flaws};
use super::desk::{Desk, run, said};
use super::files;
use super::socket::{Socket, is_answer};

const DOCUMENTS: [(&str, &str); 3] = [
    ("pump.md", "# Pump\n\nThe pump is sealed with a rubber ring. The ring lasts ten years.\n"),
    ("delivery.md", "# Delivery\n\nA new pump is delivered by mail, within three days.\n"),
    ("colour.md", "# Colours\n\nWe have red pumps and blue pumps.\n"),
];
const QUESTION: &str = "How is the pump sealed?";

/// A server that likes blue, and else does what the question says in brackets.
async fn server() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let routes = Router::new().route("/v1/rerank", post(rerank));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    port
}

async fn rerank(axum::Json(request): axum::Json<Value>) -> Response {
    let query = request["query"].as_str().unwrap();
    if query.contains("(hang)") {
        std::future::pending::<()>().await;
    }
    if query.contains("(down)") {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    if query.contains("(nonsense)") {
        return axum::Json(json!({"results": [{"index": 99, "relevance_score": 1}]})).into_response();
    }
    let documents = request["documents"].as_array().unwrap();
    let score = |text: &Value| if text.as_str().unwrap().contains("blue") { 0.9 } else { 0.1 };
    let results: Vec<Value> = documents
        .iter()
        .zip(0..)
        .map(|(text, index)| json!({"index": index, "relevance_score": score(text)}))
        .collect();
    axum::Json(json!({"results": results, "usage": {"total_tokens": 500}})).into_response()
}

fn settings(port: u16, more: &str) -> String {
    format!(
        r#"
[rerank]
provider = "house"
deadline_ms = 1500

[[rerank.models]]
name = "house"
kind = "http"
base_url = "http://127.0.0.1:{port}/v1"
model = "house-1"

[[outbound.allow]]
address = "127.0.0.1:{port}"
private = true
plain_http = true
{more}"#
    )
}

/// A token that is read costs 2 micro-dollars.
const PRICE: &str = "\n[[ai.price]]\nmodel = \"house-1\"\ninput_micros = 2_000_000\noutput_micros = 0\n";

async fn taught(file: &str) -> (Desk, Caller) {
    let (desk, owner) = Desk::set_up_with(&[], file).await;
    for (name, text) in DOCUMENTS {
        let document = files::put(&desk, &owner, name, text.as_bytes()).await.expect(201);
        assert_eq!(files::settled(&desk, &owner, &document.of("id")).await["state"], "ready");
    }
    (desk, owner)
}

/// The names found, best first, and what the reranker made of them.
async fn search(desk: &Desk, caller: &Caller, query: &str, rerank: bool) -> (Vec<String>, Value) {
    let wanted = json!({"query": query, "rerank": rerank});
    let found = desk.post(caller, "/api/v1/search", &wanted).await.expect(200).body;
    let results = found["results"].as_array().unwrap();
    let names = results.iter().map(|passage| passage["name"].as_str().unwrap().to_owned()).collect();
    (names, found["explanation"]["rerank"].clone())
}

#[tokio::test]
async fn a_reranker_decides_the_order_and_the_search_says_so() {
    let (desk, owner) = taught(&settings(server().await, "")).await;
    let (without, nothing) = search(&desk, &owner, QUESTION, false).await;
    assert_eq!((without[0].as_str(), nothing), ("pump.md", Value::Null));
    let (with, said) = search(&desk, &owner, QUESTION, true).await;
    assert_eq!(with[0], "colour.md");
    assert_eq!(
        (&said["outcome"], &said["reranker"], &said["cost"]),
        (&json!("reordered"), &json!("house"), &json!(0))
    );
    let place = without.iter().position(|name| name == "colour.md").unwrap() + 1;
    assert_eq!((&said["places"][0]["before"], &said["places"][0]["after"]), (&json!(place), &json!(1)));
    assert_eq!(said["usage"]["input_tokens"], 500);
}

#[tokio::test]
async fn whatever_a_reranker_does_wrong_the_search_finds_what_it_found_without() {
    let (desk, owner) = taught(&settings(server().await, "")).await;
    for (trouble, told) in
        [("hang", "took too long"), ("down", "house"), ("nonsense", "1 places for 3 documents")]
    {
        let question = format!("{QUESTION} ({trouble})");
        let (without, _) = search(&desk, &owner, &question, false).await;
        let (with, said) = search(&desk, &owner, &question, true).await;
        assert_eq!(with, without, "{trouble}");
        assert_eq!(said["outcome"], "failed", "{trouble}");
        assert!(said["detail"].as_str().unwrap().contains(told), "{said}");
    }
    for _ in 0..2 {
        search(&desk, &owner, &format!("{QUESTION} (down)"), true).await;
    }
    let (_, said) = search(&desk, &owner, QUESTION, true).await;
    assert_eq!(said["outcome"], "left_alone", "after five failures nobody waits for it: {said}");
}

/// The answer to a question in a conversation of its own, and why it is so.
async fn ask(desk: &Desk, owner: &Caller, question: &str) -> (Value, Value) {
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    socket.say("q", question).await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    let path = format!("/api/v1/conversations/{id}/messages/{}/trace", answer["id"].as_str().unwrap());
    (answer, desk.get(owner, &path).await.expect(200).body)
}

#[tokio::test]
async fn a_reranker_that_costs_is_paid_by_the_message_within_its_budget() {
    let (desk, owner) = taught(&settings(server().await, PRICE)).await;
    let (answer, trace) = ask(&desk, &owner, QUESTION).await;
    let reranked = &trace["retrieval"]["rerank"];
    assert_eq!((&reranked["outcome"], &reranked["cost"]), (&json!("reordered"), &json!(1_000)), "{trace}");
    assert_eq!(trace["passages"][0]["chunk"], reranked["places"][0]["chunk"]);
    assert_eq!(answer["answer"]["cost_micros"], 1_000, "{answer}");
    assert!(answer["text"].as_str().unwrap().contains("rubber ring"), "{answer}");
    let budget = desk.get(&owner, "/api/v1/budget").await.expect(200).body;
    assert_eq!((&budget["spent_micros"], &budget["day"]["reserved_micros"]), (&json!(1_000), &json!(0)));
    let usage = desk.get(&owner, "/api/v1/usage").await.expect(200).body;
    assert_eq!((&usage["items"][0]["provider"], &usage["items"][0]["calls"]), (&json!("house"), &json!(1)));

    let limit = json!({ "day_limit_micros": 1_001, "month_limit_micros": null });
    desk.send(desk.request(&owner, reqwest::Method::PUT, "/api/v1/budget").json(&limit)).await.expect(200);
    let (answer, trace) = ask(&desk, &owner, QUESTION).await;
    assert_eq!(trace["retrieval"]["rerank"]["outcome"], "over_budget", "{trace}");
    assert_eq!(answer["answer"]["cost_micros"], 0);
    assert!(answer["text"].as_str().unwrap().contains("rubber ring"), "{answer}");
    let budget = desk.get(&owner, "/api/v1/budget").await.expect(200).body;
    assert_eq!((&budget["spent_micros"], &budget["day"]["reserved_micros"]), (&json!(1_000), &json!(0)));
}

fn onnx(folder: &Path, flaws: Flaws) -> String {
    std::fs::write(folder.join("tokenizer.json"), cross_encoder::tokenizer(true)).unwrap();
    let path = folder.join("model.onnx");
    std::fs::write(&path, cross_encoder::model(flaws)).unwrap();
    format!(
        "[rerank]\nprovider = \"words\"\ndeadline_ms = 60_000\n\n[outbound]\nair_gapped = true\n\n\
         [[rerank.models]]\nname = \"words\"\nkind = \"onnx\"\npath = \"{}\"\ntokens_max = {}\n",
        path.display(),
        cross_encoder::POSITIONS
    )
}

#[tokio::test]
async fn a_cross_encoder_in_a_file_orders_with_no_network_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, owner) = taught(&onnx(folder.path(), Flaws::default())).await;
    let (with, said) = search(&desk, &owner, "is delivered a pump", true).await;
    assert_eq!((with[0].as_str(), &said["outcome"]), ("delivery.md", &json!("reordered")), "{said}");
    assert_eq!(said["places"][0]["score"], 4.0, "the words that both hold");
    let (with, _) = search(&desk, &owner, "the rubber ring", true).await;
    assert_eq!(with[0], "pump.md");
    let egress = desk.get(&owner, "/api/v1/egress").await.expect(200).body;
    assert_eq!(egress["items"], json!([]));
}

#[tokio::test]
async fn a_file_that_is_no_reranker_is_said_by_the_check_and_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("appliance.toml");
    std::fs::write(&file, onnx(folder.path(), Flaws::default())).unwrap();
    let checked = run(home.path(), &["ai", "check"]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", self::said(&checked));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("words"));

    std::fs::write(&file, onnx(folder.path(), Flaws { two_labels: true, ..Flaws::default() })).unwrap();
    let checked = run(home.path(), &["ai", "check", "--json"]).await;
    assert_ne!(checked.status.code(), Some(0));
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        text.contains("reranker_output_wrong") && text.contains("cross-encoder with one label"),
        "{text}"
    );
    let started = run(home.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]).await;
    assert_ne!(started.status.code(), Some(0));
    assert!(self::said(&started).contains("where a reranker answers one number"), "{}", self::said(&started));
}
