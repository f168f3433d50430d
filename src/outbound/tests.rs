//! The client against real servers on loopback. Time is paused wherever a wait is asserted.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use super::*;
use crate::base::Fault;

/// Tells when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

enum Reply {
    Whole(StatusCode, Vec<(&'static str, &'static str)>, &'static str),
    /// A first piece, then silence.
    Hang(&'static str),
    /// No answer at all.
    Silence,
    /// The same piece without end.
    Endless(u16, &'static str),
}

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<(Instant, HeaderMap)>>,
    closed: mpsc::UnboundedSender<()>,
}

struct Server {
    address: SocketAddr,
    script: Arc<Script>,
    closed: mpsc::UnboundedReceiver<()>,
}

async fn reply(State(script): State<Arc<Script>>, headers: HeaderMap) -> Response {
    script.seen.lock().push((Instant::now(), headers));
    let next = script.replies.lock().pop_front();
    let guard = Dropped(script.closed.clone());
    match next {
        None => StatusCode::IM_A_TEAPOT.into_response(),
        Some(Reply::Whole(status, headers, body)) => {
            let mut response = (status, body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            response
        }
        Some(Reply::Hang(first)) => {
            let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(first.as_bytes()))]);
            let silence = stream::pending().map(move |()| {
                let _ = &guard;
                Ok(Bytes::new())
            });
            Body::from_stream(first.chain(silence)).into_response()
        }
        Some(Reply::Silence) => {
            std::future::pending::<()>().await;
            drop(guard);
            StatusCode::OK.into_response()
        }
        Some(Reply::Endless(status, piece)) => {
            let pieces =
                stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())));
            (StatusCode::from_u16(status).unwrap(), Body::from_stream(pieces)).into_response()
        }
    }
}

impl Server {
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (closed_tx, closed) = mpsc::unbounded_channel();
        let replies = Mutex::new(replies.into_iter().collect());
        let script = Arc::new(Script { replies, seen: Mutex::default(), closed: closed_tx });
        let app = Router::new().fallback(reply).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, script, closed }
    }

    fn url(&self) -> Url {
        Url::parse(&format!("http://{}/v1", self.address)).unwrap()
    }

    fn outbound(&self) -> Outbound {
        outbound(&[lan(&self.address.to_string())], Options::default())
    }

    fn waits(&self) -> Vec<Duration> {
        let seen = self.script.seen.lock();
        seen.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }

    fn requests(&self) -> usize {
        self.script.seen.lock().len()
    }
}

fn lan(address: &str) -> EgressHost {
    EgressHost { address: address.into(), private: true, plain_http: true }
}

fn outbound(hosts: &[EgressHost], options: Options) -> Outbound {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Outbound::new(EgressPolicy::new(hosts, false).unwrap(), options).unwrap()
}

fn get(url: Url) -> Request {
    Request::get(url, "test").on_behalf_of(Some("tnt_1".into()))
}

fn whole(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Reply {
    Reply::Whole(StatusCode::from_u16(status).unwrap(), headers.to_vec(), body)
}

/// Answers from a list, one entry per question, and counts the questions.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<(VecDeque<Vec<IpAddr>>, usize)>>);

impl Scripted {
    fn new(answers: &[&str]) -> Self {
        let answers = answers.iter().map(|address| vec![address.parse().unwrap()]).collect();
        Self(Arc::new(Mutex::new((answers, 0))))
    }

    fn asked(&self) -> usize {
        self.0.lock().1
    }

    fn options(&self) -> Options {
        Options { resolver: Arc::new(self.clone()), ..Options::default() }
    }
}

impl Resolver for Scripted {
    fn resolve(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let mut script = self.0.lock();
        script.1 += 1;
        let answer = script.0.pop_front().unwrap_or_default();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

#[tokio::test]
async fn an_answer_comes_back_whole_and_is_in_the_ledger() {
    let server = Server::start([whole(200, &[("x-request-id", "r1")], "hello")]).await;
    let outbound = server.outbound();
    let request = Request::post_json(server.url(), "test", &"question").unwrap().bearer("hunter2").unwrap();
    let answer = outbound.send(request.on_behalf_of(Some("tnt_1".into()))).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"hello"[..]));
    assert_eq!(answer.headers["x-request-id"], "r1");
    let sent = server.script.seen.lock()[0].1.clone();
    assert_eq!(sent["authorization"], "Bearer hunter2");
    assert_eq!(sent["content-type"], "application/json");
    let entry = outbound.ledger().latest().pop().unwrap();
    assert_eq!((entry.bytes_out, entry.bytes_in, entry.status), (10, 5, Some(200)));
    assert_eq!((entry.purpose, entry.tenant.as_deref()), ("test", Some("tnt_1")));
    assert_eq!((entry.destination, entry.outcome), (server.address.to_string(), Outcome::Answered));
}

#[tokio::test]
async fn what_the_policy_refuses_reaches_nobody_and_is_in_the_ledger() {
    let server = Server::start([]).await;
    let outbound = outbound(&[], Options::default());
    let refused = outbound.send(get(server.url())).await.unwrap_err();
    assert!(matches!(refused, Error::NotAllowed { .. }) && refused.is_refusal());
    assert!(refused.public().contains(SETTING_ALLOW) && !refused.retryable());
    assert_eq!(server.requests(), 0);
    let entry = outbound.ledger().latest().pop().unwrap();
    assert_eq!((entry.outcome, entry.bytes_out), (Outcome::Refused("egress_not_allowed"), 0));
}

#[tokio::test]
async fn an_air_gapped_appliance_does_not_even_ask_for_an_address() {
    let names = Scripted::new(&["1.1.1.1"]);
    let host = EgressHost { address: "api.example.com".into(), private: false, plain_http: false };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outbound = Outbound::new(EgressPolicy::new(&[host], true).unwrap(), names.options()).unwrap();
    let refused = outbound.send(get(Url::parse("https://api.example.com/").unwrap())).await.unwrap_err();
    assert!(matches!(refused, Error::AirGapped { .. }));
    assert!(refused.public().contains(SETTING_AIR_GAPPED));
    assert_eq!(names.asked(), 0);
}

#[tokio::test]
async fn a_public_host_whose_name_leads_inside_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for inside in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "169.254.169.254"] {
        let names = Scripted::new(&[inside, inside, inside]);
        let host =
            EgressHost { address: format!("rebind.example:{port}"), private: false, plain_http: false };
        let outbound = outbound(&[host], names.options());
        let url = Url::parse(&format!("https://rebind.example:{port}/")).unwrap();
        let refused = outbound.send(get(url).retries(2)).await.unwrap_err();
        assert!(matches!(refused, Error::ForbiddenAddress { .. }), "{inside}: {refused:?}");
        assert_eq!(names.asked(), 1, "a refusal is not tried again");
        let entry = outbound.ledger().latest().pop().unwrap();
        assert_eq!(entry.outcome, Outcome::Refused("egress_forbidden_address"));
    }
    assert!(listener.accept().now_or_never().is_none());
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let server = Server::start([whole(200, &[], "here")]).await;
    let names = Scripted::new(&["127.0.0.1", "169.254.169.254"]);
    let address = format!("box.example:{}", server.address.port());
    let outbound = outbound(&[lan(&address)], names.options());
    let answer = outbound.send(get(Url::parse(&format!("http://{address}/")).unwrap())).await.unwrap();
    assert_eq!((&answer.body[..], names.asked()), (&b"here"[..], 1));
}

#[tokio::test]
async fn plain_http_never_reaches_a_public_address() {
    let names = Scripted::new(&["1.1.1.1"]);
    let outbound = outbound(&[lan("box.example:80")], names.options());
    let refused = outbound.send(get(Url::parse("http://box.example/").unwrap())).await.unwrap_err();
    assert!(matches!(refused, Error::ForbiddenAddress { network: Network::Public, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_name_without_an_address_is_unresolved() {
    let outbound = outbound(&[lan("box.example:80")], Scripted::default().options());
    let failed = outbound.send(get(Url::parse("http://box.example/").unwrap())).await.unwrap_err();
    assert!(matches!(failed, Error::Unresolved { .. }) && failed.retryable(), "{failed:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start([whole(302, &[("location", "/v2")], ""), whole(200, &[], "elsewhere")]).await;
    let failed = server.outbound().send(get(server.url()).retries(2)).await.unwrap_err();
    assert!(matches!(failed, Error::Redirected { status: 302, .. }));
    assert_eq!(server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_pause_that_a_server_asks_for_is_kept() {
    for (name, value, asked) in [("retry-after", "7", 7_000), ("retry-after-ms", "1234", 1_234)] {
        let server = Server::start([whole(429, &[(name, value)], ""), whole(200, &[], "ok")]).await;
        server.outbound().send(get(server.url()).retries(2)).await.unwrap();
        let waits = server.waits();
        assert!(waits.len() == 1 && (asked..asked + 50).contains(&waits[0].as_millis()), "{name}: {waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_stands_in_the_body_is_kept_unless_a_header_asks_for_one() {
    for (headers, asked) in [(vec![], 3_000), (vec![("retry-after", "5")], 5_000)] {
        let server = Server::start([whole(429, &headers, "pause"), whole(200, &[], "ok")]).await;
        let request = get(server.url())
            .retries(2)
            .pause_in_body(|body| (body == b"pause").then_some(Duration::from_secs(3)));
        server.outbound().send(request).await.unwrap();
        let waits = server.waits();
        assert!(waits.len() == 1 && (asked..asked + 50).contains(&waits[0].as_millis()), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_time_for_attempts() {
    let server = Server::start([whole(429, &[("retry-after", "10")], "")]).await;
    let began = Instant::now();
    let request = get(server.url()).retries(2).retry_within(Duration::from_secs(9));
    let failed = server.outbound().send(request).await.unwrap_err();
    assert!(matches!(failed, Error::Status { retry_after: Some(after), .. } if after.as_secs() == 10));
    assert!(began.elapsed() < Duration::from_secs(1) && server.requests() == 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_tried_twice_more_with_growing_pauses() {
    let server =
        Server::start([whole(500, &[], ""), whole(503, &[], ""), whole(500, &[], "last words")]).await;
    let outbound = server.outbound();
    let failed = outbound.send(get(server.url()).retries(2)).await.unwrap_err();
    assert!(matches!(&failed, Error::Status { status: 500, body, .. } if body == "last words"), "{failed:?}");
    assert!(failed.retryable());
    let waits: Vec<_> = server.waits().iter().map(Duration::as_millis).collect();
    assert!((375..550).contains(&waits[0]) && (750..1050).contains(&waits[1]), "{waits:?}");
    assert_eq!(outbound.ledger().latest().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_not_tried_again() {
    let quota = r#"{"code":"insufficient_quota"}"#;
    for reply in [
        whole(401, &[], ""),
        whole(404, &[], ""),
        whole(500, &[("x-should-retry", "false")], ""),
        whole(429, &[("retry-after", "3600")], ""),
        whole(429, &[], quota),
    ] {
        let server = Server::start([reply]).await;
        let request = get(server.url()).retries(2).unless(|_, body| body.starts_with(br#"{"code":"insuff"#));
        let failed = server.outbound().send(request).await.unwrap_err();
        assert!(matches!(failed, Error::Status { .. }));
        assert_eq!(server.requests(), 1, "{failed:?}");
    }
    let server = Server::start([whole(400, &[("x-should-retry", "true")], ""), whole(200, &[], "ok")]).await;
    assert!(server.outbound().send(get(server.url()).retries(2)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    let server = Server::start([whole(429, &[("retry-after", "30")], "")]).await;
    let limits = Limits { whole: Duration::from_secs(20), ..Limits::default() };
    let began = Instant::now();
    let failed = server.outbound().send(get(server.url()).retries(2).limits(limits)).await.unwrap_err();
    assert!(matches!(failed, Error::Status { retry_after: Some(after), .. } if after.as_secs() == 30));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_closed_door_is_knocked_at_again_and_then_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outbound = outbound(&[lan(&address.to_string())], Options::default());
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let failed = outbound.send(get(url).retries(2)).await.unwrap_err();
    assert!(matches!(failed, Error::Connect { .. }) && failed.retryable(), "{failed:?}");
    assert_eq!(outbound.ledger().latest().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_left_and_not_asked_again() {
    let server = Server::start([Reply::Silence]).await;
    let failed = server.outbound().send(get(server.url()).retries(2)).await.unwrap_err();
    assert!(matches!(failed, Error::TimedOut { phase: Phase::FirstByte, .. }), "{failed:?}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_taken() {
    let limits = Limits { answer_bytes_max: 10, ..Limits::default() };
    let server = Server::start([whole(200, &[], "0123456789A"), Reply::Endless(200, "0123")]).await;
    let outbound = server.outbound();
    for declared in [true, false] {
        let failed = outbound.send(get(server.url()).limits(limits)).await.unwrap_err();
        assert!(matches!(failed, Error::TooLarge { bytes_max: 10, .. }), "declared {declared}: {failed:?}");
    }
}

#[tokio::test]
async fn an_endless_error_is_read_only_so_far() {
    let server = Server::start([Reply::Endless(400, "no")]).await;
    let failed = server.outbound().send(get(server.url())).await.unwrap_err();
    let Error::Status { status: 400, body, .. } = failed else { panic!("{failed:?}") };
    assert!(body.starts_with(b"nono") && body.len() as u64 <= ERROR_BODY_BYTES_MAX, "{}", body.len());
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error_in_the_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.read(&mut [0; 1024]).await;
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc").await;
    });
    let outbound = outbound(&[lan(&address.to_string())], Options::default());
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let answer = outbound.send_streaming(get(url)).await.unwrap();
    let pieces: Vec<_> = answer.body.collect().await;
    assert!(matches!(pieces.last(), Some(Err(Error::Broken { .. }))), "{pieces:?}");
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_the_connection() {
    let mut server = Server::start([Reply::Hang("first")]).await;
    let outbound = server.outbound();
    let mut answer = outbound.send_streaming(get(server.url())).await.unwrap();
    assert_eq!(answer.body.next().await.unwrap().unwrap(), "first");
    drop(answer);
    assert_eq!(server.closed.recv().await, Some(()));
    assert_eq!(outbound.ledger().latest().pop().unwrap().outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn requests_beyond_the_limit_wait_for_a_place() {
    let server = Server::start([Reply::Hang("first"), whole(200, &[], "second")]).await;
    let options = Options { requests_max: 1, ..Options::default() };
    let outbound = outbound(&[lan(&server.address.to_string())], options);
    let first = outbound.send_streaming(get(server.url())).await.unwrap();
    let mut second = Box::pin(outbound.send(get(server.url())));
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(server.requests(), 1);
    drop(first);
    assert_eq!(second.await.unwrap().body, "second");
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_its_certificate_is_given_and_not_otherwise() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::from_params(&authority, &authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["gpu.example".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let tls = axum_server::tls_rustls::RustlsConfig::from_pem(leaf.pem().into(), key.serialize_pem().into());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("gpu.example:{}", listener.local_addr().unwrap().port());
    let app = Router::new().fallback(|| async { "sealed" });
    let serving = axum_server::from_tcp_rustls(listener, tls.await.unwrap()).unwrap();
    tokio::spawn(serving.serve(app.into_make_service()));

    let host = EgressHost { address: address.clone(), private: true, plain_http: false };
    let url = Url::parse(&format!("https://{address}/")).unwrap();
    let options = |pem: Option<&str>| Options {
        extra_roots_pem: pem.map(|pem| pem.as_bytes().to_vec()),
        ..Scripted::new(&["127.0.0.1"]).options()
    };
    let trusting = outbound(std::slice::from_ref(&host), options(Some(&authority_pem)));
    assert_eq!(trusting.send(get(url.clone())).await.unwrap().body, "sealed");
    let wary = outbound(std::slice::from_ref(&host), options(None)).send(get(url)).await.unwrap_err();
    assert!(matches!(wary, Error::Connect { .. } | Error::Tls(_)), "{wary:?}");
    let nonsense = Options { extra_roots_pem: Some(b"no certificate".to_vec()), ..Options::default() };
    assert!(matches!(Outbound::new(EgressPolicy::default(), nonsense), Err(Error::Tls(_))));
}
