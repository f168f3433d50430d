//! Keys of providers: a workspace's own, the appliance's, the settings'; each is used where it should be and shown nowhere.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::caller::Caller;
use super::desk::{Desk, frontdesk, said};
use super::model::Model;
use super::socket::{Socket, is_answer};
use super::{files, soon};

const OF_SETTINGS: &str = "sk-of-the-settings-0000";
const OF_APPLIANCE: &str = "sk-of-the-appliance-1111";
const OF_ACME: &str = "sk-of-acme-itself-2222";
const BAD: &str = "sk-that-is-refused-3333";

/// A server that keeps what each caller was authorised with, and refuses one key.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { port, seen }
    }

    fn settings(&self) -> String {
        let port = self.port;
        format!(
            "[assistant]\nprovider = \"gpt\"\n\n[[ai.provider]]\nname = \"gpt\"\napi_key = \"{OF_SETTINGS}\"\n\
             base_url = \"http://127.0.0.1:{port}/v1\"\nmodel = \"m-1\"\n\n\
             [[outbound.allow]]\naddress = \"127.0.0.1:{port}\"\nprivate = true\nplain_http = true\n"
        )
    }

    /// What was asked with since the last look.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn complete(State(seen): State<Arc<Mutex<Vec<String>>>>, headers: HeaderMap) -> Response {
    let key = headers.get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    let refused = key.ends_with(BAD);
    seen.lock().unwrap().push(key.trim_start_matches("Bearer ").to_owned());
    if refused {
        let words = json!({"error": {"message": format!("Incorrect API key provided: {BAD}")}});
        return (StatusCode::UNAUTHORIZED, axum::Json(words)).into_response();
    }
    let piece = json!({"choices": [{"index": 0, "delta": {"content": "The pump is sealed with a rubber ring [1]."}, "finish_reason": null}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let body = format!("data: {piece}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// Who answered a question in a workspace.
async fn answerer(desk: &Desk, workspace: &str) -> String {
    let visitor = desk.visitor(workspace).await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    let answer = socket.until(is_answer).await.pop().unwrap();
    answer["payload"]["answer"]["provider"].as_str().unwrap().to_owned()
}

/// Runs `frontdesk ai key` beside the running appliance, with `input` typed in.
async fn key_command(desk: &Desk, arguments: &[&str], input: &str) -> String {
    let data_dir = desk.data_dir();
    let place = ["--data-dir", data_dir.to_str().unwrap()];
    let arguments: Vec<&str> = ["ai", "key"].iter().chain(arguments).chain(&place).copied().collect();
    let mut command = frontdesk(desk.home(), &arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = soon("the command ends", process.wait_with_output()).await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

async fn taught(desk: &Desk, keeper: &Caller) {
    let document = files::put(desk, keeper, "pump.md", Model::DOCUMENT.as_bytes()).await.expect(201);
    assert_eq!(files::settled(desk, keeper, &document.of("id")).await["state"], "ready");
}

async fn set(desk: &Desk, keeper: &Caller, key: &str) -> Value {
    let request = desk.request(keeper, Method::PUT, "/api/v1/provider-keys/gpt");
    desk.send(request.json(&json!({ "key": key }))).await.expect(200).body
}

/// Two workspaces that ask the same provider, and the administrator of each.
async fn two_workspaces(server: &Server) -> (Desk, Caller, Caller) {
    let (desk, _) = Desk::set_up_with(&[], &server.settings()).await;
    let other = json!({"name": "Other", "slug": "other"});
    desk.console(Method::POST, "/api/v1/tenants", "", Some(&other)).await.expect(201);
    let (acme, other) = (desk.key("acme", "admin").await, desk.key("other", "admin").await);
    taught(&desk, &acme).await;
    taught(&desk, &other).await;
    (desk, acme, other)
}

fn files_below(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.is_file() {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn a_workspaces_own_key_is_used_for_it_alone_before_the_appliances_before_the_settings() {
    let server = Server::start().await;
    let (desk, acme, other) = two_workspaces(&server).await;
    let ask_both = async || {
        assert_eq!([answerer(&desk, "acme").await, answerer(&desk, "other").await], ["gpt", "gpt"]);
        server.seen()
    };
    assert_eq!(ask_both().await, [OF_SETTINGS, OF_SETTINGS]);
    let said = key_command(&desk, &["set", "gpt"], &format!("{OF_APPLIANCE}\n")).await;
    assert_eq!(said, "The key for gpt, which ends in 1111, is kept for the appliance.\n");
    assert_eq!(ask_both().await, [OF_APPLIANCE, OF_APPLIANCE]);
    let view = set(&desk, &acme, OF_ACME).await;
    assert_eq!((&view["source"], &view["key"]["last_four"]), (&json!("workspace"), &json!("2222")));
    assert_eq!(view["key"]["set_by"], acme.id());
    assert_eq!(ask_both().await, [OF_ACME, OF_APPLIANCE]);

    let listed = desk.get(&acme, "/api/v1/provider-keys").await.expect(200).text;
    let of_other = desk.get(&other, "/api/v1/provider-keys").await.expect(200);
    assert_eq!(of_other.body["items"][0]["source"], "appliance");
    assert_eq!(of_other.body["items"][0]["key"], Value::Null, "another workspace's key is not told of");
    let table = key_command(&desk, &["list"], "").await;
    assert!(table.contains("1111") && table.contains("console"), "{table}");
    let egress = desk.console(Method::GET, "/api/v1/egress", "", None).await.expect(200).text;
    for key in [OF_SETTINGS, OF_APPLIANCE, OF_ACME] {
        let shown = [&listed, &of_other.text, &table, &egress, &desk.log()];
        assert!(!shown.iter().any(|text| text.contains(key)), "{key} is shown");
        assert!(
            !files_below(&desk.data_dir())
                .iter()
                .any(|file| file.windows(key.len()).any(|part| part == key.as_bytes())),
            "{key} lies open in the data directory"
        );
    }

    desk.delete(&acme, "/api/v1/provider-keys/gpt").await.expect(204);
    desk.delete(&acme, "/api/v1/provider-keys/gpt").await.expect(204);
    assert_eq!(ask_both().await, [OF_APPLIANCE, OF_APPLIANCE]);
    key_command(&desk, &["remove", "gpt"], "").await;
    assert_eq!(ask_both().await, [OF_SETTINGS, OF_SETTINGS]);

    let wish = json!({ "key": "two words" });
    let refused = desk.send(desk.request(&acme, Method::PUT, "/api/v1/provider-keys/gpt").json(&wish)).await;
    assert_eq!(refused.expect(400).body["errors"][0]["pointer"], "/key");
    let unknown = desk.request(&acme, Method::PUT, "/api/v1/provider-keys/claude").json(&wish);
    assert_eq!(desk.send(unknown).await.expect(404).of("code"), "provider_not_found");
}

#[tokio::test]
async fn a_workspaces_bad_key_is_nobody_elses_trouble_and_nobody_pays_in_its_place() {
    let server = Server::start().await;
    let (desk, acme, _) = two_workspaces(&server).await;
    set(&desk, &acme, BAD).await;
    // More often than a provider may fail before it is left alone.
    for _ in 0..6 {
        assert_eq!(answerer(&desk, "acme").await, "extractive");
    }
    let seen = server.seen();
    assert!(!seen.is_empty() && seen.iter().all(|key| key == BAD), "no other key was tried: {seen:?}");
    assert_eq!(answerer(&desk, "other").await, "gpt");
    assert_eq!(server.seen(), [OF_SETTINGS]);
    assert!(!desk.log().contains(BAD), "what the server said is told without the key");
    set(&desk, &acme, OF_ACME).await;
    assert_eq!(answerer(&desk, "acme").await, "gpt", "a new key begins anew");
    assert_eq!(server.seen(), [OF_ACME]);
}
