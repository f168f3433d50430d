//! What is known of a request before anybody is asked who they are: its id, the client's address, and the door it came in by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use tracing::Instrument as _;

use super::{Certificates, Problem, Services, headers, problem};
use crate::base::RequestId;
use crate::ops::Operations;

/// Known of every request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Finds it in the log.
    pub request: RequestId,
    /// The client's, as far as trusted proxies tell.
    pub address: IpAddr,
    /// It came in by the control socket, which only the machine's administrator can open.
    pub console: bool,
    /// The host that a trusted proxy was asked for, where it tells.
    pub forwarded_host: Option<String>,
}

/// Put on requests by the control socket's listener; nothing that a client sends can make one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConsoleDoor;

/// Whose forwarding headers are believed.
#[derive(Debug, Clone, Default)]
pub(super) struct TrustedProxies(pub(super) Arc<[IpNet]>);

const HOPS_MAX: usize = 16;

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Walks `X-Forwarded-For` from the nearest hop outwards, as far as the hops are trusted.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values: Vec<_> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')).take(HOPS_MAX) {
            let Some(address) = self.trusts(client).then(|| parse_hop(hop)).flatten() else { break };
            client = address;
        }
        client
    }
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(address.to_canonical())
}

/// What the outermost layer looks at and tells.
#[derive(Clone)]
pub(super) struct Doorkeeper {
    proxies: TrustedProxies,
    operations: Arc<Operations>,
    certificates: Arc<Certificates>,
}

/// What proxies add.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "forwarded"];
/// Where a person's credentials are looked at.
const SIGN_INS: [&str; 2] = ["/api/v1/sessions", "/api/v1/sessions/challenge"];

impl Doorkeeper {
    pub(super) fn new(services: &Services) -> Self {
        Self {
            proxies: TrustedProxies(services.trusted_proxies.as_slice().into()),
            operations: services.operations.clone(),
            certificates: services.certificates.clone(),
        }
    }

    /// The host that a trusted proxy was asked for. Who is near by and sends what only proxies send is noted when it is not trusted;
    /// what comes from afar proves nothing, for anybody can send such a header.
    fn forwarded_host(&self, peer: IpAddr, headers: &HeaderMap) -> Option<String> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        if !self.proxies.trusts(peer) {
            if is_near(peer) && FORWARDED.iter().any(|name| headers.contains_key(*name)) {
                self.operations.saw_untrusted_proxy();
            }
            return None;
        }
        if text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")) {
            self.operations.saw_plain_http_before_proxy();
        }
        text("x-forwarded-host").and_then(|hosts| hosts.rsplit(',').next()).map(|host| host.trim().to_owned())
    }

    /// Counts an answer.
    fn count(&self, method: &Method, route: Option<&MatchedPath>, response: &Response, after: Duration) {
        let (metrics, status) = (self.operations.metrics(), response.status());
        let route = route.map(MatchedPath::as_str);
        metrics.answered(method_name(method), route, status.as_u16(), after);
        let Some(code) = response.extensions().get::<Problem>().map(Problem::code) else { return };
        if status == StatusCode::TOO_MANY_REQUESTS {
            metrics.throttled(code);
        }
        let refused = status.is_client_error() && status != StatusCode::BAD_REQUEST;
        if refused && method == Method::POST && route.is_some_and(|route| SIGN_INS.contains(&route)) {
            metrics.sign_in_refused(code);
        }
    }
}

/// One of a few names, whatever a client writes.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}

/// On this machine or in a private network, where proxies are.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// The outermost layer: gives each request its context and span, and each answer its headers; writes problems out.
pub(super) async fn layer(State(keeper): State<Doorkeeper>, mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let console = request.extensions().get::<ConsoleDoor>().is_some();
    let near = peer.unwrap_or(Ipv4Addr::LOCALHOST.into()).to_canonical();
    let address = keeper.proxies.client(near, request.headers());
    let forwarded_host = peer.and_then(|_| keeper.forwarded_host(near, request.headers()));
    let context = RequestContext { request: id.clone(), address, console, forwarded_host };
    request.extensions_mut().insert(context);
    // Of the level of errors, so that no filter takes the request's id from a line that is written.
    let span = tracing::error_span!("request", %id, method = %request.method(), path = request.uri().path());
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    keeper.count(&method, route.as_ref(), &response, begun.elapsed());
    let mut response = problem::finish(response, &id);
    headers::secure(response.headers_mut(), keeper.certificates.hsts());
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(headers::REQUEST_ID, id);
    }
    let (status, taken_ms) = (response.status().as_u16(), begun.elapsed().as_millis());
    span.in_scope(|| tracing::debug!(status, taken_ms, "answered"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_are_believed_only_as_far_as_the_hops_are_trusted() {
        let proxies = TrustedProxies(Arc::new(["10.0.0.0/8".parse().unwrap()]));
        let client = |peer: &str, forwarded: &str| {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_str(forwarded).unwrap(),
            )]);
            proxies.client(peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(client("203.0.113.5", "1.2.3.4"), "203.0.113.5");
        assert_eq!(client("10.0.0.1", "1.2.3.4"), "1.2.3.4");
        assert_eq!(client("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2"), "1.2.3.4");
        assert_eq!(client("10.0.0.1", "1.2.3.4, nonsense"), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", "[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(client("10.0.0.1", ""), "10.0.0.1");
    }
}
