//! Durable posts over HTTPS: one sender, and 64 at a time, into one tenant.
//!
//! `cargo bench --bench posts` runs the whole appliance in this process on a free port and prints posts a second, p50 and
//! p99 in milliseconds, and how many times one sender's posts 64 senders make. Senders are programs with an API key, so that
//! the assistant has nothing to answer; each keeps one connection open and has a conversation of its own. `POSTS` sets how many
//! each measurement makes.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request};
use frontdesk::app::App;
use frontdesk::config::{FlagValue, Sources, load};
use frontdesk::http::control::{self, Client};
use frontdesk::http::{self, ServerOptions};
use serde_json::{Value, json};

const SENDERS: usize = 64;
const WARM_UP: usize = 20;

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let posts = std::env::var("POSTS").ok().and_then(|text| text.parse().ok()).unwrap_or(12_000);
    tokio::runtime::Runtime::new().unwrap().block_on(measure(posts));
}

async fn measure(posts: usize) {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let app = App::open(&settings, Path::new("/nonexistent")).await.unwrap();
    let listener = http::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let authority = app.services().certificates.authority_pem().unwrap();
    let options = ServerOptions {
        tls: app.services().certificates.config(),
        metrics: app.services().operations.shared_metrics(),
        connections_max: 256,
        drain: Duration::from_secs(1),
    };
    let serving = tokio::spawn(http::run(listener, app.router(), options, app.stopping.clone()));
    let console = control::direct(app.router());
    let desk = Desk::open(&console).await;
    let senders: Vec<_> =
        desk.conversations.iter().map(|id| Sender::new(port, &authority, &desk.key, id)).collect();
    let one = run(&senders[..1], posts / 8).await;
    println!(" 1 sender:  {one}");
    let many = run(&senders, posts).await;
    println!("{SENDERS} senders: {many}");
    println!("{SENDERS} senders post {:.1} times as much as one", many.per_second / one.per_second);
    app.stop().await;
    serving.await.unwrap().unwrap();
}

/// Without limits on rates, which are not what is measured.
fn settings(folder: &Path) -> frontdesk::config::Settings {
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

/// A tenant with a conversation for each sender, and a key to write into them.
struct Desk {
    key: String,
    conversations: Vec<String>,
}

impl Desk {
    async fn open(console: &Client) -> Self {
        let none: [(&str, &str); 0] = [];
        let new = json!({ "name": "Bench", "slug": "bench" });
        ask(console, "/api/v1/tenants", &none, new).await;
        let key = json!({ "name": "sender", "permissions": ["read_conversations", "take_part"] });
        let key = ask(console, "/api/v1/api-keys", &[("frontdesk-workspace", "bench")], key).await;
        let mut conversations = Vec::new();
        for _ in 0..SENDERS {
            let visitor = ask(console, "/api/v1/widget/bench/visitors", &none, json!({})).await;
            let bearer = format!("Bearer {}", visitor["token"].as_str().unwrap());
            let opened =
                ask(console, "/api/v1/conversations", &[("authorization", bearer.as_str())], json!({})).await;
            conversations.push(opened["id"].as_str().unwrap().to_owned());
        }
        Self { key: key["secret"].as_str().unwrap().to_owned(), conversations }
    }
}

async fn ask(console: &Client, path: &str, headers: &[(&str, &str)], body: Value) -> Value {
    let mut request = Request::builder().method(Method::POST).uri(path).header("host", "localhost");
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = console.send_request(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {}", answer.json());
    answer.json()
}

/// A program with a connection of its own.
#[derive(Clone)]
struct Sender {
    client: reqwest::Client,
    address: String,
    key: String,
}

impl Sender {
    fn new(port: u16, authority: &str, key: &str, conversation: &str) -> Self {
        let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
        let client =
            reqwest::Client::builder().tls_certs_only([authority]).http1_only().no_proxy().build().unwrap();
        let address = format!("https://localhost:{port}/api/v1/conversations/{conversation}/messages");
        Self { client, address, key: key.to_owned() }
    }

    async fn post(&self, number: usize) -> Duration {
        let said =
            json!({ "text": format!("Number {number}: the parcel is on its way and arrives tomorrow.") });
        let begun = Instant::now();
        let request = self.client.post(&self.address).bearer_auth(&self.key).body(said.to_string());
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{}", self.address);
        answer.bytes().await.unwrap();
        begun.elapsed()
    }
}

/// What a measurement came to.
struct Figure {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} posts/s, p50 {:.2} ms, p99 {:.2} ms", self.per_second, self.p50_ms, self.p99_ms)
    }
}

async fn run(senders: &[Sender], posts: usize) -> Figure {
    post_all(senders, WARM_UP).await;
    let begun = Instant::now();
    let mut times = post_all(senders, posts / senders.len()).await;
    let total = begun.elapsed();
    times.sort_unstable();
    let ms = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
    Figure { per_second: times.len() as f64 / total.as_secs_f64(), p50_ms: ms(50), p99_ms: ms(99) }
}

async fn post_all(senders: &[Sender], each: usize) -> Vec<Duration> {
    let tasks: Vec<_> = senders
        .iter()
        .cloned()
        .map(|sender| {
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(each);
                for number in 0..each {
                    times.push(sender.post(number).await);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    times
}
