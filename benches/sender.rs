//! The whole appliance on a free port of this machine, and programs that post into it over HTTPS.

use std::path::Path;
use std::time::{Duration, Instant};

use frontdesk::app::App;
use frontdesk::http::{self, ServerOptions, control};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::desk::{Desk, settings};

pub(crate) const SENDERS: usize = 64;

/// An appliance that serves.
pub(crate) struct Serving {
    pub(crate) app: App,
    desk: Desk,
    authority: String,
    port: u16,
    server: JoinHandle<Result<(), http::Error>>,
}

impl Serving {
    pub(crate) async fn start(folder: &Path) -> Self {
        let app = App::open(&settings(folder), Path::new("/nonexistent")).await.unwrap();
        let listener = http::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let authority = app.services().certificates.authority_pem().unwrap();
        let options = ServerOptions {
            tls: app.services().certificates.config(),
            metrics: app.services().operations.shared_metrics(),
            connections_max: 256,
            drain: Duration::from_secs(1),
        };
        let server = tokio::spawn(http::run(listener, app.router(), options, app.stopping.clone()));
        let desk = Desk::open(control::direct(app.router())).await;
        Self { app, desk, authority, port, server }
    }

    /// [`SENDERS`] senders, each with a conversation of its own, which holds 10,000 of its posts.
    pub(crate) async fn senders(&self) -> Vec<Sender> {
        let mut senders = Vec::new();
        for _ in 0..SENDERS {
            let conversation = self.desk.conversation().await;
            senders.push(Sender::new(self.port, &self.authority, &self.desk.key, &conversation));
        }
        senders
    }

    pub(crate) async fn stop(self) {
        self.app.stop().await;
        self.server.await.unwrap().unwrap();
    }
}

/// A program with a connection of its own.
#[derive(Clone)]
pub(crate) struct Sender {
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

    pub(crate) async fn post(&self, number: usize) -> Duration {
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
