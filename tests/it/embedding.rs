//! Embedding models on a server: documents and questions by them, what that costs, and one taking over from another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::caller::Caller;
use super::desk::{Desk, frontdesk};
use super::{files, soon};

const DIMENSIONS: usize = 64;
const DOCUMENTS: [(&str, &str); 3] = [
    ("pump.md", "# Pump\n\nThe pump is sealed with a rubber ring. The ring lasts ten years.\n"),
    ("door.md", "# Door\n\nThe door is held by a magnet, which must stay clean.\n"),
    ("lamp.md", "# Lamp\n\nA red lamp tells that the tank is empty.\n"),
];

/// A server that embeds: a bag of hashed words.
struct Server {
    port: u16,
    /// Answers with an error.
    broken: AtomicBool,
    /// Requests that may still be answered.
    gate: Semaphore,
    /// Texts that were embedded.
    texts: AtomicUsize,
}

impl Server {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            broken: AtomicBool::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            texts: AtomicUsize::new(0),
        });
        let routes = Router::new().route("/v1/embeddings", post(embed)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        server
    }

    /// Answers so many requests more, and keeps the others waiting.
    fn answer_only(&self, requests: usize) {
        self.gate.forget_permits(usize::MAX);
        self.gate.add_permits(requests);
    }

    fn answer_all(&self) {
        self.gate.add_permits(100_000);
    }

    fn texts(&self) -> usize {
        self.texts.load(Ordering::SeqCst)
    }

    /// Settings in which `chosen` embeds. A token that is read costs a micro-dollar with `first`, and `second` is free.
    fn settings(&self, chosen: &str) -> String {
        let port = self.port;
        let model = |name: &str| {
            format!(
                "[[embedding.models]]\nname = \"{name}\"\nmodel = \"{name}-1\"\nbase_url = \"http://127.0.0.1:{port}/v1\"\n\
                 batch_texts_max = 1\nquestion_deadline_ms = 20_000\n\n"
            )
        };
        format!(
            "[embedding]\nmodel = \"{chosen}\"\n\n{}{}[[ai.price]]\nmodel = \"first-1\"\ninput_micros = 1_000_000\n\
             output_micros = 0\n\n[[outbound.allow]]\naddress = \"127.0.0.1:{port}\"\nprivate = true\nplain_http = true\n",
            model("first"),
            model("second"),
        )
    }
}

async fn embed(State(server): State<Arc<Server>>, axum::Json(request): axum::Json<Value>) -> Response {
    if server.broken.load(Ordering::SeqCst) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    server.gate.acquire().await.unwrap().forget();
    let input = request["input"].as_array().unwrap();
    server.texts.fetch_add(input.len(), Ordering::SeqCst);
    let words: usize = input.iter().map(|text| text.as_str().unwrap().split_whitespace().count()).sum();
    let data: Vec<_> = (0..)
        .zip(input)
        .map(|(index, text)| json!({"index": index, "embedding": vector(text.as_str().unwrap())}))
        .collect();
    axum::Json(json!({"data": data, "usage": {"prompt_tokens": words, "total_tokens": words}}))
        .into_response()
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01_f32; DIMENSIONS];
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = blake3::hash(word.to_lowercase().as_bytes());
        vector[usize::from(hash.as_bytes()[0]) % DIMENSIONS] += 1.0;
    }
    vector
}

async fn teach(desk: &Desk, owner: &Caller) {
    for (name, text) in DOCUMENTS {
        let document = files::put(desk, owner, name, text.as_bytes()).await.expect(201);
        assert_eq!(files::settled(desk, owner, &document.of("id")).await["state"], "ready");
    }
}

async fn search(desk: &Desk, owner: &Caller, query: &str) -> Value {
    desk.post(owner, "/api/v1/search", &json!({"query": query})).await.expect(200).body
}

/// The name of the best passage's document, and the model that found it.
fn best(found: &Value) -> (&str, &str) {
    (found["results"][0]["name"].as_str().unwrap(), found["explanation"]["model"].as_str().unwrap())
}

async fn spent(desk: &Desk, owner: &Caller) -> u64 {
    let budget = desk.get(owner, "/api/v1/budget").await.expect(200).body;
    assert_eq!(budget["day"]["reserved_micros"], 0);
    let usage = desk.get(owner, "/api/v1/usage").await.expect(200).body;
    let lines = usage["items"].as_array().unwrap().iter();
    let sum: u64 = lines.map(|line| line["cost_micros"].as_u64().unwrap()).sum();
    assert_eq!(budget["spent_micros"], sum);
    sum
}

async fn state(desk: &Desk, owner: &Caller) -> Value {
    desk.get(owner, "/api/v1/search/embedding").await.expect(200).body
}

/// Waits until the state of embedding is as wanted.
async fn until(desk: &Desk, owner: &Caller, wanted: impl Fn(&Value) -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(40));
    let look = async {
        while !wanted(&state(desk, owner).await) {
            looks.tick().await;
        }
    };
    soon("embedding has come so far", look).await;
}

fn write_settings(desk: &Desk, settings: &str) {
    std::fs::write(desk.home().join("appliance.toml"), settings).unwrap();
}

#[tokio::test]
async fn documents_and_questions_are_embedded_elsewhere_paid_for_and_found_by_words_when_that_is_down() {
    let server = Server::start().await;
    let (desk, owner) = Desk::set_up_with(&[], &server.settings("first")).await;
    teach(&desk, &owner).await;
    assert_eq!(server.texts(), DOCUMENTS.len());
    let documents = spent(&desk, &owner).await;
    let found = search(&desk, &owner, "is the pump sealed with a ring").await;
    assert_eq!(best(&found), ("pump.md", "openai:first-1"));
    assert_eq!(found["explanation"]["semantic_missing"], Value::Null);
    assert_eq!(found["explanation"]["calibrated"], false);
    assert_eq!(spent(&desk, &owner).await, documents + 7, "a question of seven words");

    server.broken.store(true, Ordering::SeqCst);
    let found = search(&desk, &owner, "is the pump sealed with a ring").await;
    assert_eq!(best(&found).0, "pump.md");
    let missing = found["explanation"]["semantic_missing"].as_str().unwrap();
    assert!(missing.starts_with("first: "), "{missing}");
    assert_eq!(spent(&desk, &owner).await, documents + 7, "nothing is paid for nothing");
    let waits = files::put(&desk, &owner, "new.md", b"# New\n\nThis one has to wait.").await.expect(201);
    let path = format!("/api/v1/documents/{}", waits.of("id"));
    let mut looks = tokio::time::interval(Duration::from_millis(40));
    let look = async {
        loop {
            let document = desk.get(&owner, &path).await.expect(200).body;
            if document["waiting"]["code"] == "model_failed" {
                return document;
            }
            looks.tick().await;
        }
    };
    let document = soon("the document says what it waits for", look).await;
    assert_eq!(document["state"], "embedding");

    let arguments = ["ai", "check", "first", "--json"];
    let tried = soon("the check ends", frontdesk(desk.home(), &arguments).output()).await.unwrap();
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&tried["ok"], &tried["models"][0]["kind"]), (&json!(false), &json!("openai_compatible")));
    server.broken.store(false, Ordering::SeqCst);
    let tried = soon("the check ends", frontdesk(desk.home(), &arguments).output()).await.unwrap();
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&tried["ok"], &tried["models"][0]["model"]), (&json!(true), &json!("first-1")));
}

#[tokio::test]
async fn another_model_takes_over_in_the_background_even_when_the_process_is_killed_meanwhile() {
    let server = Server::start().await;
    let (mut desk, owner) = Desk::set_up_with(&[], &server.settings("first")).await;
    teach(&desk, &owner).await;
    let paid = spent(&desk, &owner).await;
    write_settings(&desk, &server.settings("second"));
    desk.stop().await;
    desk.start_again().await;

    // One question and one passage are answered; then the server is stuck, and so is the change, but nobody else.
    server.answer_only(2);
    assert_eq!(best(&search(&desk, &owner, "sealed pump ring").await), ("pump.md", "openai:first-1"));
    until(&desk, &owner, |state| state["next"]["done"] == 1).await;
    let midway = state(&desk, &owner).await;
    assert_eq!((&midway["model"], &midway["wanted"]), (&json!("openai:first-1"), &json!("openai:second-1")));
    desk.kill().await;
    let texts = server.texts();
    desk.start_again().await;
    server.answer_all();
    until(&desk, &owner, |state| state["model"] == "openai:second-1").await;
    assert_eq!(server.texts() - texts, DOCUMENTS.len() - 1, "what was committed is not embedded again");
    let found = search(&desk, &owner, "sealed pump ring").await;
    assert_eq!(best(&found), ("pump.md", "openai:second-1"));
    assert_eq!(found["explanation"]["indexed"], DOCUMENTS.len());
    assert_eq!(
        spent(&desk, &owner).await,
        paid + 3,
        "the second model is free; the question before it took over was not"
    );
    assert_eq!(state(&desk, &owner).await["next"], Value::Null);

    // Back to the bundled model, with no server at all: words serve until it has taken over.
    write_settings(&desk, "");
    desk.stop().await;
    desk.start_again().await;
    let found = search(&desk, &owner, "sealed pump ring").await;
    assert_eq!(best(&found).0, "pump.md");
    until(&desk, &owner, |state| state["model"] == state["wanted"]).await;
    let found = search(&desk, &owner, "How is it sealed?").await;
    assert_eq!(best(&found).0, "pump.md");
    assert_eq!(found["explanation"]["calibrated"], true);
}

#[tokio::test]
async fn a_model_elsewhere_without_a_price_stops_the_start() {
    let home = tempfile::tempdir().unwrap();
    let settings = "[[embedding.models]]\nname = \"far\"\nmodel = \"unheard-of\"\nbase_url = \"https://ai.example/v1\"\n";
    std::fs::write(home.path().join("appliance.toml"), settings).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let ended = soon("the start ends", frontdesk(home.path(), &arguments).output()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("unheard-of"), "{said}");
}
