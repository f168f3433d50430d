//! What browsers are told besides the answer, row by row as the OWASP Secure Headers Project lists it, and what nobody is told.

use reqwest::Method;
use reqwest::header::HeaderMap;

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD};

/// Whom a row holds for.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    /// A document that a browser shows.
    Page,
    /// The chat, shown in a frame of another site.
    Embedded,
    /// A script or style that any site may load.
    Shared,
    /// Data and problems.
    Data,
}
use Kind::{Data, Embedded, Page, Shared};

/// A header, and what of it must be there for whom; nothing where it must not be.
type Row = (&'static str, Vec<(Kind, Option<&'static str>)>);

fn all(value: &'static str) -> Vec<(Kind, Option<&'static str>)> {
    [Page, Embedded, Shared, Data].map(|kind| (kind, Some(value))).into()
}

const NO_SCRIPT_BUT_OURS: &str = "default-src 'none'; script-src 'self'; style-src 'self'";
const NOT_IN_FRAMES: &str = "frame-ancestors 'none'";

/// Headers that tell what a server is made of, or that browsers no longer heed.
const NEVER: [&str; 30] = [
    "server",
    "x-powered-by",
    "powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-runtime",
    "x-version",
    "x-server",
    "x-generator",
    "x-framework",
    "x-cms",
    "x-powered-cms",
    "x-content-encoded-by",
    "x-backend-server",
    "x-server-name",
    "x-host",
    "x-varnish",
    "x-cdn",
    "via",
    "product",
    "sourcemap",
    "x-sourcemap",
    "x-mod-pagespeed",
    "x-page-speed",
    "x-xss-protection",
    "expect-ct",
    "public-key-pins",
    "feature-policy",
    "pragma",
    "p3p",
];

fn holds(headers: &HeaderMap, name: &str, part: Option<&str>) -> bool {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    match part {
        None => values.is_empty(),
        Some(part) => values.len() == 1 && values[0].contains(part),
    }
}

/// The list at <https://owasp.org/www-project-secure-headers/>, "add" and "remove". `Strict-Transport-Security` is another story: it
/// goes with the site's own certificate only.
#[tokio::test]
async fn every_answer_carries_what_the_list_of_secure_headers_asks_for() {
    let (desk, owner) = Desk::set_up().await;
    let page = desk.get(&Caller::Nobody, "/").await.expect(200).text;
    let asset = page.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js")).unwrap();
    let answers: [(Method, &str, &Caller, u16, Kind); 17] = [
        (Method::GET, "/", &Caller::Nobody, 200, Page),
        (Method::GET, "/setup", &Caller::Nobody, 200, Page),
        (Method::GET, "/chat/acme", &Caller::Nobody, 200, Page),
        (Method::GET, "/api/docs", &Caller::Nobody, 200, Page),
        (Method::GET, "/chat/acme?embed", &Caller::Nobody, 200, Embedded),
        (Method::GET, "/sdk.js", &Caller::Nobody, 200, Shared),
        (Method::GET, asset, &Caller::Nobody, 200, Shared),
        (Method::GET, "/api/v1/setup", &Caller::Nobody, 200, Data),
        (Method::GET, "/api/v1/me", &owner, 200, Data),
        (Method::GET, "/api/v1/workspace", &owner, 200, Data),
        (Method::GET, "/api/openapi.json", &Caller::Nobody, 200, Data),
        (Method::GET, "/ca.pem", &Caller::Nobody, 200, Data),
        (Method::GET, "/healthz/live", &Caller::Nobody, 204, Data),
        (Method::GET, "/api/v1/me", &Caller::Nobody, 401, Data),
        (Method::GET, "/nothing", &Caller::Nobody, 404, Data),
        (Method::DELETE, "/api/v1/setup", &Caller::Nobody, 405, Data),
        (Method::POST, "/api/v1/sessions", &Caller::Nobody, 415, Data),
    ];
    let rows: [Row; 13] = [
        ("x-content-type-options", all("nosniff")),
        ("referrer-policy", all("no-referrer")),
        ("x-permitted-cross-domain-policies", all("none")),
        ("x-dns-prefetch-control", all("off")),
        ("cross-origin-opener-policy", all("same-origin")),
        ("cross-origin-embedder-policy", all("require-corp")),
        ("permissions-policy", all("camera=()")),
        ("permissions-policy", all("geolocation=()")),
        (
            "content-security-policy",
            vec![
                (Page, Some(NO_SCRIPT_BUT_OURS)),
                (Embedded, Some(NO_SCRIPT_BUT_OURS)),
                (Data, Some("default-src 'none'")),
            ],
        ),
        (
            "content-security-policy",
            vec![
                (Page, Some(NOT_IN_FRAMES)),
                (Embedded, Some("frame-ancestors *")),
                (Data, Some(NOT_IN_FRAMES)),
            ],
        ),
        (
            "x-frame-options",
            vec![(Page, Some("DENY")), (Embedded, None), (Shared, Some("DENY")), (Data, Some("DENY"))],
        ),
        (
            "cross-origin-resource-policy",
            vec![
                (Page, Some("same-origin")),
                (Embedded, Some("cross-origin")),
                (Shared, Some("cross-origin")),
                (Data, Some("same-origin")),
            ],
        ),
        ("cache-control", vec![(Data, Some("no-store"))]),
    ];
    let mut wrong = Vec::new();
    for (method, path, caller, status, kind) in answers {
        let reply = desk.send(desk.request(caller, method.clone(), path)).await.expect(status);
        for (name, expected) in &rows {
            let expected = expected.iter().find(|(holds_for, _)| *holds_for == kind);
            if let Some((_, part)) = expected.filter(|(_, part)| !holds(&reply.headers, name, *part)) {
                wrong
                    .push(format!("{method} {path}: {name} is {:?}, not {part:?}", reply.headers.get(*name)));
            }
        }
        let told = NEVER.iter().filter(|name| reply.headers.contains_key(**name));
        wrong.extend(told.map(|name| format!("{method} {path} sends {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn signing_out_clears_what_the_browser_has_kept_and_signing_in_does_not() {
    let (desk, _) = Desk::set_up().await;
    let wish = serde_json::json!({"email": EMAIL, "password": PASSWORD});
    let signed_in = desk.post(&Caller::Nobody, "/api/v1/sessions", &wish).await.expect(201);
    assert!(!signed_in.headers.contains_key("clear-site-data"));
    let signed_out = desk.delete(&signed_in.cookie(), "/api/v1/sessions/current").await.expect(204);
    assert_eq!(signed_out.headers["clear-site-data"], "\"cache\", \"storage\"");
}

/// A page is never compressed (BREACH); what holds no secret is.
#[tokio::test]
async fn pages_are_sent_as_they_are_and_assets_compressed() {
    let (desk, _) = Desk::set_up().await;
    let coding = async |path: &str| {
        let request = desk.request(&Caller::Nobody, Method::GET, path).header("accept-encoding", "br, gzip");
        let reply = desk.send(request).await.expect(200);
        reply.headers.get("content-encoding").map(|coding| coding.to_str().unwrap().to_owned())
    };
    for page in ["/", "/chat/acme", "/chat/acme?embed", "/api/docs"] {
        assert_eq!(coding(page).await, None, "{page}");
    }
    assert_eq!(coding("/sdk.js").await.as_deref(), Some("br"));
}

/// A connection goes on after a body that nobody wanted: the next request on it is answered.
#[tokio::test]
async fn a_body_that_nobody_reads_does_not_end_the_connection() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (desk, _) = Desk::set_up().await;
    let mut stream = super::socket::tls(&desk).await;
    // Refused at the door, and longer than what the server has read by then.
    let body = "x".repeat(48_000);
    let head = format!(
        "POST /api/v1/api-keys HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    for _ in 0..5 {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut part = [0; 4_096];
            let read = super::soon("the refusal comes", stream.read(&mut part)).await.unwrap();
            assert!(read > 0, "the connection was closed after: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&part[..read]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 415"), "{}", String::from_utf8_lossy(&answer));
    }
}
