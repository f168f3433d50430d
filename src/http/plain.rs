//! Plain HTTP, which leads to HTTPS and serves nothing else that matters.
//!
//! A page that is asked for is led to the same address over HTTPS (308, so that the method stays). The API is refused instead: a
//! program that is led on each time sends its key in clear each time, and nobody notices. What is served is what everybody may
//! read and cannot be falsified: that the process lives, and the signed list of the own authority.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::tls::REVOCATIONS_PATH;
use super::{Certificates, Problem};
use crate::config::Server;

/// Where plain HTTP leads.
#[derive(Debug, Clone)]
pub struct Leading {
    certificates: Arc<Certificates>,
    /// Where the settings say that people reach the appliance.
    public: Option<String>,
    /// Where it is reached on this machine.
    here: String,
    port: u16,
}

impl Leading {
    /// To the public address of `server`, or else to the name that was asked for on `port`, if it is one of the appliance's.
    #[must_use]
    pub fn new(certificates: Arc<Certificates>, server: &Server, port: u16) -> Self {
        let here = server.public_address(port);
        let public = server.public_url.as_ref().map(|_| here.clone());
        Self { certificates, public, here, port }
    }

    /// The origin that a request is led to. A foreign name in it leads nowhere but here.
    fn origin(&self, headers: &HeaderMap) -> String {
        if let Some(public) = &self.public {
            return public.clone();
        }
        let asked = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = match asked.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => asked.split(':').next().unwrap_or_default(),
        };
        if !self.certificates.knows(host) {
            return self.here.clone();
        }
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        if self.port == 443 { format!("https://{host}") } else { format!("https://{host}:{}", self.port) }
    }
}

/// Everything that plain HTTP answers.
pub fn leading_to_https(leading: Leading) -> Router {
    Router::new().fallback(lead).with_state(leading)
}

async fn lead(State(leading): State<Leading>, request: Request) -> Response {
    let path = request.uri().path();
    let mut response = if request.method() != Method::GET && request.method() != Method::HEAD {
        ([(ALLOW, "GET, HEAD")], https_required(StatusCode::METHOD_NOT_ALLOWED)).into_response()
    } else if path == "/healthz/live" {
        StatusCode::NO_CONTENT.into_response()
    } else if path == REVOCATIONS_PATH {
        match leading.certificates.revocations() {
            Some(list) => ([(CONTENT_TYPE, "application/pkix-crl")], list).into_response(),
            None => Problem::not_found().into_response(),
        }
    } else if path.starts_with("/api/") || path == "/ws" || path == "/metrics" {
        https_required(StatusCode::FORBIDDEN).into_response()
    } else {
        let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
        let location = format!("{}{asked}", leading.origin(request.headers()));
        (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location), (CACHE_CONTROL, "max-age=300".to_owned())])
            .into_response()
    };
    super::headers::secure(response.headers_mut(), false);
    response.headers_mut().insert(CONNECTION, axum::http::HeaderValue::from_static("close"));
    response
}

fn https_required(status: StatusCode) -> Problem {
    Problem::new(
        status,
        "https_required",
        "This is only served over HTTPS. Use the address that begins with https://.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::config::{Sources, load};
    use crate::telemetry::{Health, Metrics};
    use tower::ServiceExt as _;

    struct Door(tempfile::TempDir, Server);

    impl Door {
        async fn ask(&self, method: &str, host: &str, path: &str) -> Response {
            let now = Timestamp::from_millis(1_800_000_000_000);
            let (health, metrics) = (Arc::new(Health::default()), Arc::new(Metrics::new()));
            let certificates = Certificates::open(self.0.path(), &self.1, now, health, metrics).unwrap();
            let leading = Leading::new(Arc::new(certificates), &self.1, 8443);
            let request = axum::http::Request::builder().method(method).uri(path).header(HOST, host);
            leading_to_https(leading).oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap()
        }
    }

    #[tokio::test]
    async fn pages_are_led_to_https_under_a_name_of_ours_and_programs_are_refused() {
        let mut door = Door(tempfile::tempdir().unwrap(), load(&Sources::default()).unwrap().settings.server);
        door.1.names = vec!["desk.lan".to_owned()];
        let location = |response: &Response| response.headers()[LOCATION].to_str().unwrap().to_owned();
        let led = door.ask("GET", "desk.lan", "/chat/acme?embed=1").await;
        assert_eq!(
            (led.status().as_u16(), location(&led)),
            (308, "https://desk.lan:8443/chat/acme?embed=1".into())
        );
        assert!(!led.headers().contains_key("strict-transport-security"));
        let foreign = door.ask("HEAD", "evil.example:80", "//evil.example/x").await;
        assert_eq!(location(&foreign), "https://localhost:8443//evil.example/x");
        door.1.public_url = Some("https://desk.example.com".parse().unwrap());
        assert_eq!(location(&door.ask("GET", "desk.lan", "/").await), "https://desk.example.com/");
        for (method, path, status) in [
            ("POST", "/", 405),
            ("GET", "/api/v1/me", 403),
            ("GET", "/ws?conversationId=1", 403),
            ("GET", "/healthz/live", 204),
            ("GET", "/ca.crl", 200),
        ] {
            let response = door.ask(method, "desk.lan", path).await;
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert!(!response.headers().contains_key(LOCATION));
        }
    }
}
