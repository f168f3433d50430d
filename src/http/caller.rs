//! Who asks: the credential of a request, turned into a principal by the policy.
//!
//! In this order: `Authorization: Bearer` with an API key or a visitor's token; the control socket; the same token as the
//! WebSocket subprotocol `bearer.<token>`, because browsers cannot send headers there; a member's cookie. A cookie is
//! sent by the browser whoever made the page, so what changes something, and what opens a WebSocket, must come from
//! our own origin.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};

use super::headers::WORKSPACE;
use super::{Problem, RequestContext, SESSION_COOKIE, Services, recovery};
use crate::base::{Call, Secret};
use crate::identity::api_key::API_KEY_PREFIX;
use crate::identity::{Pass, Policy, Principal, Right};
use crate::store::Keyspace;
use crate::tenants;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a visitor's token is offered as when a WebSocket is opened.
pub const BEARER_PROTOCOL_PREFIX: &str = "bearer.";

/// An authenticated caller, who may be nobody.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The circumstances, for operations.
    pub call: Call,
}

impl Caller {
    /// The pass for `R`, if the principal has the right.
    ///
    /// # Errors
    /// 401, 403 or 404, as the policy decides.
    pub fn pass<R: Right>(&self) -> Result<Pass<R>, Problem> {
        Ok(Policy::pass(&self.principal)?)
    }

    /// The keyspace of the principal's workspace.
    ///
    /// # Errors
    /// When it has none, or the store fails.
    pub async fn enter(&self, services: &Services) -> Result<Keyspace, Problem> {
        Ok(services.policy.enter(&self.principal).await?)
    }
}

impl FromRequestParts<Arc<Services>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Problem> {
        let context = RequestContext::from_request_parts(parts, services).await?;
        let now = services.clock.now();
        let principal = if context.console && !parts.headers.contains_key(AUTHORIZATION) {
            Principal::Console { tenant: None }
        } else {
            authenticate(parts, services, now).await?
        };
        let slug = parts.headers.get(&WORKSPACE).map(|slug| slug.to_str().unwrap_or_default());
        let principal = tenants::choose_workspace(&services.policy, principal, slug)?;
        let actor = principal.actor();
        recovery::admit(&services.operations, &principal)?;
        if !context.console && principal != Principal::Nobody {
            services.limits.caller(actor)?;
            principal.tenant().map_or(Ok(()), |tenant| services.limits.workspace(tenant))?;
        }
        let address = (!context.console).then_some(context.address);
        Ok(Self { principal, call: Call { actor, now, request: context.request, address } })
    }
}

async fn authenticate(
    parts: &Parts,
    services: &Services,
    now: crate::base::Timestamp,
) -> Result<Principal, Problem> {
    if let Some(token) = bearer(&parts.headers)?.or_else(|| offered_token(&parts.headers)) {
        return Ok(if token.starts_with(API_KEY_PREFIX) {
            services.policy.authenticate_api_key(token, now).await?
        } else {
            services.visitors.authenticate(token, now)?
        });
    }
    let Some(token) = session_token(&parts.headers) else { return Ok(Principal::Nobody) };
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method);
    if (!reads || parts.headers.contains_key(UPGRADE)) && !is_same_origin(parts) {
        let detail = "This can only be done from the appliance's own pages.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin_refused", detail));
    }
    Ok(services.policy.authenticate_session(token.expose(), now).await?)
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let parts = value.to_str().ok().and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => {
            let detail = "The header Authorization must be Bearer and a token.";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "authorization_malformed", detail))
        }
    }
}

fn offered_token(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).find_map(|one| one.trim().strip_prefix(BEARER_PROTOCOL_PREFIX))
}

/// The token in the member's cookie.
pub(super) fn session_token(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let token = pairs.into_iter().find(|(name, token)| *name == SESSION_COOKIE && !token.is_empty());
    token.map(|(_, token)| Secret::new(token.to_owned()))
}

/// Whether a browser says that the page is ours. What says nothing about it is no browser.
fn is_same_origin(parts: &Parts) -> bool {
    let text = |name: &HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(&FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(&ORIGIN) else { return true };
    // A trusted proxy may have put another host into its request, and tells the one that it was asked for.
    let forwarded =
        parts.extensions.get::<RequestContext>().and_then(|context| context.forwarded_host.as_deref());
    let host = forwarded
        .or_else(|| text(&HOST))
        .or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str));
    let origin = origin.strip_prefix("https://");
    origin.is_some_and(|origin| host.is_some_and(|host| origin.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_cookie_counts_only_from_our_own_pages() {
        let ours = |headers: &[(&str, &str)]| is_same_origin(&parts(headers));
        assert!(ours(&[("sec-fetch-site", "same-origin"), ("origin", "https://desk")]));
        assert!(!ours(&[("sec-fetch-site", "same-site"), ("host", "desk"), ("origin", "https://desk")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]));
        assert!(ours(&[("host", "desk:8443"), ("origin", "https://desk:8443")]));
        assert!(!ours(&[("host", "desk:8443"), ("origin", "https://desk")]));
        assert!(!ours(&[("host", "desk"), ("origin", "http://desk")]));
        assert!(!ours(&[("host", "desk"), ("origin", "null")]));
        assert!(ours(&[("host", "desk")]));
    }

    #[test]
    fn tokens_are_found_where_browsers_and_programs_put_them() {
        let found = parts(&[("cookie", "a=b; __Host-frontdesk_session=tok; c=d")]);
        assert_eq!(session_token(&found.headers).unwrap().expose(), "tok");
        assert!(session_token(&parts(&[("cookie", "frontdesk_session=tok")]).headers).is_none());
        assert_eq!(bearer(&parts(&[("authorization", "bearer  x")]).headers).unwrap(), Some("x"));
        assert!(bearer(&parts(&[("authorization", "Basic x")]).headers).is_err());
        let socket = parts(&[("sec-websocket-protocol", "frontdesk.v1, bearer.a.b")]);
        assert_eq!(offered_token(&socket.headers), Some("a.b"));
    }
}
