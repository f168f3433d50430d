//! A desk to measure: an appliance without limits on rates, a tenant, a key to write with, and conversations to write into.

use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request};
use frontdesk::config::{FlagValue, Settings, Sources, load};
use frontdesk::http::control::Client;
use serde_json::{Value, json};

/// Without limits on rates, which are not what is measured.
pub(crate) fn settings(folder: &Path) -> Settings {
    let rates = [
        "limits.requests_per_minute_per_address",
        "limits.requests_per_minute_per_caller",
        "limits.requests_per_minute_per_workspace",
    ];
    let rates = rates.map(|key| (key, "100000000".to_owned()));
    let directory = ("store.data_dir", folder.join("data").display().to_string());
    let flags = rates.into_iter().chain([directory]).map(|(key, text)| FlagValue {
        flag: "--set".to_owned(),
        key: key.to_owned(),
        text,
    });
    load(&Sources { flags: flags.collect(), ..Sources::default() }).unwrap().settings
}

/// What the console's door answers.
pub(crate) async fn ask(console: &Client, path: &str, headers: &[(&str, &str)], body: Value) -> Value {
    let mut request = Request::builder().method(Method::POST).uri(path).header("host", "localhost");
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = console.send_request(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {}", answer.json());
    answer.json()
}

/// A tenant, and a key to write into its conversations: so that the assistant has nothing to answer.
pub(crate) struct Desk {
    console: Client,
    pub(crate) key: String,
}

impl Desk {
    pub(crate) async fn open(console: Client) -> Self {
        ask(&console, "/api/v1/tenants", &[], json!({ "name": "Bench", "slug": "bench" })).await;
        let key = json!({ "name": "sender", "permissions": ["read_conversations", "take_part"] });
        let key = ask(&console, "/api/v1/api-keys", &[("frontdesk-workspace", "bench")], key).await;
        Self { key: key["secret"].as_str().unwrap().to_owned(), console }
    }

    /// A new conversation of a new visitor: its id.
    pub(crate) async fn conversation(&self) -> String {
        let visitor = ask(&self.console, "/api/v1/widget/bench/visitors", &[], json!({})).await;
        let bearer = format!("Bearer {}", visitor["token"].as_str().unwrap());
        let headers = [("authorization", bearer.as_str())];
        let opened = ask(&self.console, "/api/v1/conversations", &headers, json!({})).await;
        opened["id"].as_str().unwrap().to_owned()
    }
}
