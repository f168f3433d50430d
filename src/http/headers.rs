//! The names of our headers and of our cookie, and what browsers are told to allow: security headers on every answer, and
//! CORS on the visitors' routes.
//!
//! The policy of a page names its own origin and nothing else, so that neither a foreign script nor an inline one
//! runs. Source of the values: OWASP Secure Headers Project; Content Security Policy Level 3.

use std::time::Duration;

use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{Any, CorsLayer};

/// The policy of pages.
pub(super) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The policy of the chat page that another site shows in a frame.
pub(super) const EMBEDDED_PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors *";
/// The policy of everything that is not a page.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// Who may load it into a page.
pub(super) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// The name of the header that repeats a creating call safely.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The name of the header that chooses among the caller's workspaces.
pub const WORKSPACE: HeaderName = HeaderName::from_static("frontdesk-workspace");
/// The name of the header that finds a request in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The name of the cookie that holds a member's session. `__Host-` ties it to this host, to HTTPS and to every path.
pub const SESSION_COOKIE: &str = "__Host-frontdesk_session";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A browser that was here over HTTPS does not try it without for a year.
const TRANSPORT_SECURITY: &str = "max-age=31536000";

fn or_insert(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// Adds what the answer does not say itself. `hsts`: that browsers come back over HTTPS only, which over a certificate that they do
/// not know would lock people out.
pub(super) fn secure(headers: &mut HeaderMap, hsts: bool) {
    if hsts {
        or_insert(headers, STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
    or_insert(headers, CONTENT_SECURITY_POLICY, DATA_POLICY);
    or_insert(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    or_insert(headers, REFERRER_POLICY, "same-origin");
    or_insert(headers, OPENER_POLICY, "same-origin");
    or_insert(headers, RESOURCE_POLICY, "same-origin");
    or_insert(headers, PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    or_insert(headers, CACHE_CONTROL, "no-store");
}

/// Lets pages of any origin call the visitors' routes: with a bearer token, never with a cookie.
pub(super) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY, LAST_EVENT_ID])
        .expose_headers([RETRY_AFTER, REQUEST_ID])
        .max_age(Duration::from_secs(86_400))
}
