//! What is known of a request before anybody is asked who they are: its id, the client's address, and the door it came in by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use tracing::Instrument as _;

use super::{headers, problem};
use crate::base::RequestId;

/// Known of every request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Finds it in the log.
    pub request: RequestId,
    /// The client's, as far as trusted proxies tell.
    pub address: IpAddr,
    /// It came in by the control socket, which only the machine's administrator can open.
    pub console: bool,
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

/// The outermost layer: gives each request its context and span, and each answer its headers; writes problems out.
pub(super) async fn layer(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::random();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let console = request.extensions().get::<ConsoleDoor>().is_some();
    let address = proxies.client(peer.unwrap_or(Ipv4Addr::LOCALHOST.into()), request.headers());
    request.extensions_mut().insert(RequestContext { request: id.clone(), address, console });
    let span = tracing::info_span!("request", %id, method = %request.method(), path = request.uri().path());
    let begun = std::time::Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = problem::finish(response, &id);
    headers::secure(response.headers_mut());
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
