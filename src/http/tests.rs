//! The doors as clients meet them: a real listener on port 0 with the appliance's own certificate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::ai::keys::Keyring;
use crate::assistant::{self, Assistant, Choosing, Models};
use crate::base::SystemClock;
use crate::knowledge::Knowledge;
use crate::knowledge::extract::Extractor;
use crate::realtime::Hub;
use crate::search::embedder::MiniLm;

use super::*;
use crate::base::{ConversationId, ManualClock, MessageId, Micros, Sealer, Secret, Timestamp};
use crate::budget::{Budget, Budgets, NewCharge, Subject};
use crate::config::{self, Sources};
use crate::contacts::VisitorTokens;
use crate::identity::{Passwords, Policy, SignIn, setup};
use crate::ops::{self, Backups, Operations, Parts};
use crate::store::{Store, StoreOptions};
use crate::telemetry::Health;

const START: u64 = 1_790_000_000_000;

/// A running server with a fresh data directory.
struct Desk {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    services: Arc<Services>,
    address: SocketAddr,
    client: reqwest::Client,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), Error>>,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
    text: String,
}

#[allow(clippy::disallowed_methods, reason = "a test is a client of the appliance")]
fn trusting(authority: &str) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([authority]).no_proxy().build().unwrap()
}

/// What reads documents, which nothing here asks for.
fn knowledge() -> Knowledge {
    let limits = crate::knowledge::extract::Limits::default();
    let extractor = Extractor::new(std::env::current_exe().unwrap(), limits, 1);
    let embedder = Arc::new(MiniLm::bundled().unwrap());
    Knowledge::new(embedder, extractor, Arc::new(SystemClock), crate::knowledge::Settings::default())
}

/// Backups that nobody makes here.
fn backups(store: &Arc<Store>, clock: &Arc<ManualClock>, health: &Arc<Health>) -> Backups {
    let zone = jiff::tz::TimeZone::UTC;
    let settings = ops::Settings {
        folder: store.directory().path().join("backups"),
        schedule: ops::Schedule::Off,
        retention: ops::Retention { last: 1, daily: 0, weekly: 0, zone },
        protection: crate::archive::Protection::None,
        configuration: None,
    };
    Backups::new(store.clone(), clock.clone(), health.clone(), settings)
}

fn plain(method: Method, path: &str, body: Option<&Value>) -> axum::http::Request<axum::body::Body> {
    let request = axum::http::Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.header("content-type", "application/json");
    request.body(body.map_or(axum::body::Body::empty(), |body| body.to_string().into())).unwrap()
}

impl Desk {
    async fn open() -> Self {
        Self::open_with(&[], |router| router).await
    }

    async fn open_with(settings: &[(&str, &str)], change: impl FnOnce(axum::Router) -> axum::Router) -> Self {
        let flag = |(key, text): &(&str, &str)| config::FlagValue {
            flag: "--set".into(),
            key: (*key).into(),
            text: (*text).into(),
        };
        let sources = Sources { flags: settings.iter().map(flag).collect(), ..Sources::default() };
        let settings = config::load(&sources).unwrap().settings;
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
        let store = Arc::new(Store::open(folder.path(), StoreOptions::default(), clock.clone()).unwrap());
        // Certificates are judged by the client's own clock.
        let now = crate::base::Clock::now(&crate::base::SystemClock);
        let metrics = Arc::new(crate::telemetry::Metrics::new());
        let health = Arc::new(Health::default());
        let certificates =
            Certificates::open(folder.path(), &settings.server, now, health.clone(), metrics.clone())
                .unwrap();
        let certificates = Arc::new(certificates);
        let sealer = Sealer::new(&[7; 32]);
        let (policy, passwords) = (Policy::new(store.clone()), Passwords::new());
        health.ok("store");
        let backups = backups(&store, &clock, &health);
        let (hub, knowledge) = (Hub::new(crate::realtime::Limits::default()), knowledge());
        let hub_of_eraser = hub.clone();
        let (budgets, system) = (Budgets::new(Budget::default()), store.system().clone());
        let keyring = Keyring::new(Sealer::new(&[7; 32]), system.clone(), Vec::new());
        let models = Models::new(Choosing::Quote, Vec::new(), keyring.clone(), budgets.clone());
        let written = assistant::Settings::default();
        let assistant =
            Assistant::new(knowledge.clone(), hub.clone(), models, system, clock.clone(), written);
        let services = Arc::new(Services {
            clock: clock.clone(),
            sign_in: SignIn::new(policy.system().clone(), passwords.clone(), sealer.clone()),
            policy,
            passwords,
            revocations: crate::identity::Revocations::new(),
            visitors: VisitorTokens::new(sealer.clone()),
            sealer,
            address: PublicAddress::new("https://desk".to_owned()),
            limits: Arc::new(Limits::new(&settings.limits, settings.knowledge.upload_bytes_max)),
            trusted_proxies: settings.server.trusted_proxies.clone(),
            certificates: certificates.clone(),
            operations: Arc::new(Operations::new(Parts {
                settings: settings.clone(),
                store: store.clone(),
                clock: clock.clone(),
                hub: hub.clone(),
                metrics: metrics.clone(),
                health: health.clone(),
                memory: Arc::new(crate::telemetry::Memory::new(0)),
                recovery: false,
            })),
            health,
            hub,
            knowledge,
            assistant,
            pictures: crate::conversations::Pictures::new(1, 1),
            looks_at_images: false,
            budgets,
            quotas: Arc::default(),
            eraser: crate::tenants::Eraser::new(store.clone(), hub_of_eraser, Arc::default(), clock.clone()),
            carrier: crate::tenants::Carrier::new(store.clone(), Arc::default(), Vec::new()),
            keyring,
            mail: crate::notify::Mail::new(None),
            backups,
            stopping: CancellationToken::new(),
        });
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let options = ServerOptions {
            tls: certificates.config(),
            metrics,
            connections_max: 64,
            drain: Duration::from_secs(30),
        };
        let stop = CancellationToken::new();
        let serving = tokio::spawn(run(listener, change(router(services.clone())), options, stop.clone()));
        let client = trusting(&certificates.authority_pem().unwrap());
        Self { folder, clock, services, address, client, stop, serving }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let mut request =
            self.client.request(method, format!("https://localhost:{}{path}", self.address.port()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Reply { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask(Method::GET, path, headers, None).await
    }

    /// Sets the appliance up and returns the owner's cookie.
    async fn set_up(&self) -> String {
        let now = Timestamp::from_millis(START);
        let token: Secret =
            self.services.system().write(move |tx| setup::issue(tx, now)).await.unwrap().unwrap();
        let wish = json!({
            "token": token.expose(), "name": "Ada", "email": "ada@example.com",
            "password": "correct horse battery", "workspace_name": "Acme",
        });
        let reply = self.ask(Method::POST, "/api/v1/setup", &[], Some(wish)).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        cookie_of(&reply)
    }

    async fn close(self) {
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

fn cookie_of(reply: &Reply) -> String {
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; Path=/;") && cookie.contains("Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_owner_sets_up_signs_out_and_in_again() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/api/v1/setup", &[]).await.body, json!({"needed": true, "mail": false}));
    let cookie = desk.set_up().await;
    assert_eq!(desk.get("/api/v1/setup", &[]).await.body, json!({"needed": false, "mail": false}));
    let me = desk.get("/api/v1/me", &[("cookie", &cookie)]).await;
    assert_eq!(me.body["account"]["email"], "ada@example.com");
    assert_eq!(me.body["workspaces"][0]["slug"], "acme");
    assert_eq!(me.body["operator"], true);

    let elsewhere = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    let refused = desk.ask(Method::DELETE, "/api/v1/sessions/current", &elsewhere, None).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("origin_refused")));
    let out = desk.ask(Method::DELETE, "/api/v1/sessions/current", &[("cookie", &cookie)], None).await;
    assert_eq!(out.status, 204);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &cookie)]).await.status, 401);

    let wrong = json!({"email": "ada@example.com", "password": "wrong horse battery"});
    assert_eq!(desk.ask(Method::POST, "/api/v1/sessions", &[], Some(wrong)).await.status, 401);
    let right = json!({"email": "Ada@Example.com", "password": "correct horse battery"});
    let back = desk.ask(Method::POST, "/api/v1/sessions", &[], Some(right)).await;
    assert_eq!(back.status, 201);
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &cookie_of(&back))]).await.status, 200);
    desk.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &cookie_of(&back))]).await.status, 401);
    desk.close().await;
}

#[tokio::test]
async fn an_api_key_is_made_once_works_and_is_revoked() {
    let desk = Desk::open().await;
    let cookie = desk.set_up().await;
    let owner = [("cookie", cookie.as_str()), ("idempotency-key", "k-1")];
    let wish = json!({"name": "CI", "permissions": ["read_workspace"]});
    let made = desk.ask(Method::POST, "/api/v1/api-keys", &owner, Some(wish.clone())).await;
    let again = desk.ask(Method::POST, "/api/v1/api-keys", &owner, Some(wish)).await;
    assert_eq!((made.status, again.status), (201, 201), "{}", made.text);
    assert_eq!(made.body, again.body);
    let other = desk
        .ask(
            Method::POST,
            "/api/v1/api-keys",
            &owner,
            Some(json!({"name": "X", "permissions": ["read_workspace"]})),
        )
        .await;
    assert_eq!((other.status, &other.body["code"]), (409, &json!("idempotency_key_reused")));
    let listed = desk.get("/api/v1/api-keys?limit=1", &[("cookie", &cookie)]).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["next_cursor"], Value::Null);
    assert!(!listed.text.contains(made.body["secret"].as_str().unwrap()));

    let bearer = format!("Bearer {}", made.body["secret"].as_str().unwrap());
    let key = [("authorization", bearer.as_str())];
    assert_eq!(desk.get("/api/v1/workspace", &key).await.body["slug"], "acme");
    assert_eq!(desk.get("/api/v1/api-keys", &key).await.status, 403);
    assert_eq!(desk.get("/api/v1/jobs", &key).await.status, 403);
    assert_eq!(desk.get("/api/v1/tenants", &key).await.status, 403);
    let revoke = format!("/api/v1/api-keys/{}", made.body["key"]["id"].as_str().unwrap());
    assert_eq!(desk.ask(Method::DELETE, &revoke, &[("cookie", &cookie)], None).await.status, 204);
    assert_eq!(desk.get("/api/v1/workspace", &key).await.status, 401);
    desk.close().await;
}

#[tokio::test]
async fn a_workspace_is_changed_by_its_owner_and_shown_to_everybody() {
    let desk = Desk::open().await;
    let cookie = desk.set_up().await;
    let owner = [("cookie", cookie.as_str())];
    let change = json!({"greeting": "Hi!", "suggestions": ["Where is my order?"]});
    let changed = desk.ask(Method::PATCH, "/api/v1/workspace", &owner, Some(change)).await;
    assert_eq!(changed.body["greeting"], "Hi!");
    let bad = desk.ask(Method::PATCH, "/api/v1/workspace", &owner, Some(json!({"accent": "red"}))).await;
    assert_eq!((bad.status, &bad.body["errors"][0]["pointer"]), (400, &json!("/accent")));

    let made = desk.ask(Method::POST, "/api/v1/tenants", &owner, Some(json!({"name": "Second"}))).await;
    assert_eq!(made.body["slug"], "second");
    assert_eq!(desk.get("/api/v1/workspace", &owner).await.body["code"], "workspace_required");
    let chosen = [owner[0], ("frontdesk-workspace", "second")];
    assert_eq!(desk.get("/api/v1/workspace", &chosen).await.body["slug"], "second");
    assert_eq!(desk.get("/api/v1/jobs?state=waiting", &chosen).await.body["items"], json!([]));
    let foreign = [owner[0], ("frontdesk-workspace", "third")];
    assert_eq!(desk.get("/api/v1/workspace", &foreign).await.status, 404);

    let shown = desk.get("/api/v1/widget/acme", &[("origin", "https://shop.example")]).await;
    assert_eq!(shown.body["suggestions"], json!(["Where is my order?"]));
    assert_eq!(shown.headers["access-control-allow-origin"], "*");
    assert!(shown.headers.get("access-control-allow-credentials").is_none());
    assert_eq!(desk.get("/api/v1/widget/none", &[]).await.status, 404);
    desk.close().await;
}

#[tokio::test]
async fn a_visitor_sees_the_chat_and_nothing_behind_it() {
    let desk = Desk::open().await;
    desk.set_up().await;
    let made = desk.ask(Method::POST, "/api/v1/widget/acme/visitors", &[], Some(json!({}))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let bearer = format!("Bearer {}", made.body["token"].as_str().unwrap());
    let visitor = [("authorization", bearer.as_str())];
    for path in ["/api/v1/workspace", "/api/v1/api-keys", "/api/v1/jobs", "/api/v1/tenants"] {
        assert_eq!(desk.get(path, &visitor).await.status, 404, "{path}");
        assert_eq!(desk.get(path, &[]).await.status, 401, "{path}");
    }
    let damaged = [("authorization", "Bearer x.y")];
    assert_eq!(desk.get("/api/v1/workspace", &damaged).await.body["code"], "visitor_token_invalid");
    let preflight = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,idempotency-key"),
    ];
    let allowed = desk.ask(Method::OPTIONS, "/api/v1/widget/acme/visitors", &preflight, None).await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "*");
    let private = desk.ask(Method::OPTIONS, "/api/v1/sessions", &preflight, None).await;
    assert!(private.headers.get("access-control-allow-origin").is_none());
    desk.close().await;
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem_document_with_the_requests_id() {
    let desk = Desk::open().await;
    let missing = desk.get("/nothing/here", &[]).await;
    assert_eq!(missing.headers["content-type"], PROBLEM_JSON);
    assert_eq!(missing.body["code"], "not_found");
    assert_eq!(missing.body["request_id"].as_str(), missing.headers["x-request-id"].to_str().ok());
    let method = desk.ask(Method::PUT, "/api/v1/me", &[], None).await;
    assert_eq!((method.status, &method.body["code"]), (405, &json!("method_not_allowed")));
    assert!(method.headers["allow"].to_str().unwrap().contains("GET"));
    let text = desk.ask(Method::POST, "/api/v1/sessions", &[("content-type", "text/plain")], None).await;
    assert_eq!(text.status, 415);
    let fields = desk.ask(Method::POST, "/api/v1/sessions", &[], Some(json!({"email": 1}))).await;
    assert_eq!((fields.status, &fields.body["errors"][0]["pointer"]), (400, &json!("/email")));
    let large = json!({"email": "x".repeat(2 << 20), "password": ""});
    assert_eq!(
        desk.ask(Method::POST, "/api/v1/sessions", &[], Some(large)).await.body["code"],
        "body_too_large"
    );
    let cookie = desk.set_up().await;
    let owner = [("cookie", cookie.as_str())];
    assert_eq!(desk.ask(Method::DELETE, "/api/v1/api-keys/nonsense", &owner, None).await.status, 404);
    assert_eq!(desk.get("/api/v1/jobs?limit=x", &owner).await.body["code"], "query_invalid");
    assert_eq!(desk.get("/api/v1/jobs?cursor=%21", &owner).await.body["code"], "query_invalid");
    desk.close().await;
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_next_request_is_served() {
    async fn broken() -> axum::http::StatusCode {
        panic!("on purpose")
    }
    let layered = |services: &Arc<Services>| {
        let routes = axum::Router::new().route("/broken", axum::routing::get(broken));
        super::router::layered(routes, services)
    };
    let desk = Desk::open().await;
    let services = desk.services.clone();
    desk.close().await;
    let desk = Desk::open_with(&[], move |_| layered(&services)).await;
    let reply = desk.get("/broken", &[]).await;
    assert_eq!((reply.status, &reply.body["code"]), (500, &json!("internal")));
    assert!(!reply.text.contains("on purpose"));
    assert_eq!(desk.get("/other", &[]).await.status, 404);
    desk.close().await;
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let settings =
        [("limits.sign_ins_per_minute_per_address", "1"), ("limits.requests_per_minute_per_address", "3")];
    let desk = Desk::open_with(&settings, |router| router).await;
    let wish = json!({"email": "a@b", "password": "x"});
    assert_eq!(desk.ask(Method::POST, "/api/v1/sessions", &[], Some(wish.clone())).await.status, 401);
    let limited = desk.ask(Method::POST, "/api/v1/sessions", &[], Some(wish)).await;
    assert_eq!((limited.status, &limited.body["code"]), (429, &json!("rate_limited")));
    assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(desk.get("/api/v1/me", &[]).await.status, 401);
    assert_eq!(desk.get("/api/v1/me", &[]).await.status, 429);
    assert_eq!(desk.get("/healthz/live", &[]).await.status, 204);
    desk.close().await;
}

#[tokio::test]
async fn a_request_that_is_under_way_finishes_after_the_stop_and_new_ones_are_not_taken() {
    let (entered, mut inside) = tokio::sync::mpsc::channel::<()>(1);
    let gate = Arc::new(tokio::sync::Notify::new());
    let opened = gate.clone();
    let slow = move || async move {
        entered.send(()).await.unwrap();
        opened.notified().await;
        "done"
    };
    let desk = Desk::open_with(&[], |router| router.route("/slow", axum::routing::get(slow))).await;
    let url = format!("https://localhost:{}/slow", desk.address.port());
    let asked = tokio::spawn(desk.client.get(url).send());
    inside.recv().await.unwrap();
    desk.stop.cancel();
    while tokio::net::TcpStream::connect(desk.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    assert_eq!(asked.await.unwrap().unwrap().text().await.unwrap(), "done");
    desk.close().await;
}

#[tokio::test]
async fn the_control_socket_is_the_console_and_a_header_never_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::open().await;
    desk.set_up().await;
    let path = control::path(desk.folder.path());
    let stop = CancellationToken::new();
    let socket = control::listen(path.clone()).unwrap();
    let serving = tokio::spawn(control::serve(router(desk.services.clone()), socket, stop.clone()));
    let client = control::client(&path);
    let answer = loop {
        match client.send_request(plain(Method::GET, "/api/v1/tenants", None)).await {
            Err(Error::NotRunning { .. }) => tokio::task::yield_now().await,
            other => break other.unwrap(),
        }
    };
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["items"][0]["slug"], "acme");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let made = client
        .send_request(plain(Method::POST, "/api/v1/tenants", Some(&json!({"name": "By hand"}))))
        .await
        .unwrap();
    assert_eq!((made.status.as_u16(), &made.json()["slug"]), (201, &json!("by-hand")));
    let forged = [("x-console", "1"), ("x-forwarded-for", "127.0.0.1")];
    assert_eq!(desk.get("/api/v1/tenants", &forged).await.status, 401);
    stop.cancel();
    serving.await.unwrap().unwrap();
    assert!(matches!(
        client.send_request(plain(Method::GET, "/healthz/live", None)).await,
        Err(Error::NotRunning { .. })
    ));
    desk.close().await;
}

#[tokio::test]
async fn every_answer_tells_browsers_what_to_allow() {
    let desk = Desk::open().await;
    let api = desk.get("/healthz/ready", &[]).await;
    assert_eq!(api.body["ready"], true);
    assert_eq!(api.headers["cache-control"], "no-store");
    assert_eq!(api.headers["x-content-type-options"], "nosniff");
    assert!(api.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(desk.get("/ca.pem", &[]).await.text.starts_with("-----BEGIN CERTIFICATE-----"));
    let docs = desk.get("/api/docs", &[]).await;
    assert!(docs.headers["content-security-policy"].to_str().unwrap().contains("style-src 'self'"));
    assert!(!docs.text.contains("<script") && !docs.text.contains(" style="));
    assert_eq!(desk.get("/api/docs.css", &[]).await.headers["content-type"], "text/css; charset=utf-8");
    let page = desk.get("/chat/acme?embed=1", &[]).await;
    if page.status == 200 {
        let policy = |reply: &Reply| reply.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy(&page).contains("frame-ancestors *"));
        assert!(policy(&desk.get("/chat/acme", &[]).await).contains("frame-ancestors 'none'"));
        let loader = desk.get("/sdk.js", &[]).await;
        assert_eq!(loader.headers["cross-origin-resource-policy"], HeaderValue::from_static("cross-origin"));
    }
    desk.close().await;
}

#[tokio::test]
async fn the_document_and_its_page_name_every_operation() {
    let desk = Desk::open().await;
    let document = desk.get("/api/openapi.json", &[]).await.body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = desk.get("/api/docs", &[]).await.text;
    let listed = routes_listed();
    assert!(listed.iter().any(|(method, path)| *method == Method::DELETE && path == "/api/v1/api-keys/{id}"));
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(page.contains(path.as_str()), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            assert!(listed.contains(&(method, path.clone())), "{path}");
            let words = format!("{} {}", operation["summary"], operation["description"]);
            assert!(
                words.contains("Permission: ")
                    || words.contains("Open to ")
                    || words.contains("Any signed-in"),
                "{path}: {words}"
            );
            assert!(operation["responses"]["default"].is_object(), "{path}");
        }
    }
    let text = document.to_string();
    let names = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(names.contains_key(name), "{name} is referred to and not described");
    }
    desk.close().await;
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_can() {
    let desk = Desk::open().await;
    let url = format!("https://localhost:{}/healthz/live", desk.address.port());
    let response = desk.client.get(url).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    desk.close().await;
}

#[tokio::test]
async fn a_workspace_sets_its_budget_and_reads_what_was_spent() {
    let desk = Desk::open().await;
    let cookie = desk.set_up().await;
    let owner = [("cookie", cookie.as_str())];
    let put = |body| desk.ask(Method::PUT, "/api/v1/budget", &owner, Some(body));
    let now = Timestamp::from_millis(START);
    let tenant = desk.get("/api/v1/workspace", &owner).await.body["id"].as_str().unwrap().parse().unwrap();
    let principal = crate::identity::Principal::Console { tenant: Some(tenant) };
    let keyspace = desk.services.policy.enter(&principal).await.unwrap();
    let budgets = desk.services.budgets.clone();
    let booked = keyspace.write(move |tx| {
        let subject = Subject { conversation: ConversationId::new(now), message: MessageId::new(now) };
        let charge = NewCharge {
            provider: "openai".into(),
            model: "gpt-4o".into(),
            tier: "premium".into(),
            usage: crate::ai::Usage { input_tokens: 1_000, output_tokens: 200, ..Default::default() },
            cost: Micros(4_500),
        };
        budgets.settle(tx, now, subject, &charge)
    });
    booked.await.unwrap();
    let usage = desk.get("/api/v1/usage", &owner).await.body;
    let line = json!({
        "day": "2026-09-21", "provider": "openai", "model": "gpt-4o", "calls": 1, "input_tokens": 1_000,
        "cached_tokens": 0, "output_tokens": 200, "cost_micros": 4_500,
    });
    assert_eq!(usage, json!({"items": [line], "next_cursor": null}));
    let before = desk.get("/api/v1/usage?from=2026-09-01&to=2026-09-20", &owner).await.body;
    assert_eq!(before["items"], json!([]));
    for (range, code) in
        [("from=2026-09-02&to=2026-09-01", "range_reversed"), ("from=yesterday", "query_invalid")]
    {
        let refused = desk.get(&format!("/api/v1/usage?{range}"), &owner).await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!(code)), "{}", refused.text);
    }
    let wish = json!({"day_limit_micros": 5_000, "time_zone": "Europe/Berlin"});
    let set = put(wish.clone()).await;
    assert_eq!(set.body["day"]["spent_micros"], 4_500, "{}", set.text);
    assert_eq!(set.body["alerts"].as_array().unwrap().len(), 2, "half and four fifths are passed at once");
    let shown = desk.get("/api/v1/budget", &owner).await.body;
    assert_eq!((&shown, &shown["own"]), (&set.body, &wish));
    assert_eq!(shown["month"]["limit_micros"], Value::Null);
    let refused = put(json!({"time_zone": "Mars/Olympus"})).await;
    assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (400, &json!("/time_zone")));
    let refused = put(json!({"day_limit": 1})).await;
    assert_eq!((refused.status, &refused.body["code"]), (400, &json!("body_invalid")));
    assert_eq!(desk.get("/api/v1/budget", &owner).await.body["own"], wish, "nothing was changed");
    desk.close().await;
}
