//! The names of our headers and of our cookie, and what browsers are told to allow: security headers on every answer, and
//! CORS on the visitors' routes.
//!
//! The policy of a page names its own origin and nothing else, so that neither a foreign script nor an inline one
//! runs. Source of the values: OWASP Secure Headers Project; Content Security Policy Level 3. Nothing says which software
//! answers.

use std::time::Duration;

use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    RETRY_AFTER, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_DNS_PREFETCH_CONTROL,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{Any, CorsLayer};

/// The policy of pages.
pub(super) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    upgrade-insecure-requests";
/// The policy of the chat page that another site shows in a frame.
pub(super) const EMBEDDED_PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors *; \
    upgrade-insecure-requests";
/// The policy of everything that is not a page.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

const EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// Who may load it into a page.
pub(super) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const CROSS_DOMAIN_POLICIES: HeaderName = HeaderName::from_static("x-permitted-cross-domain-policies");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
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

/// What no page of ours asks a browser for. Copying is left to our own pages.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), clipboard-write=(self), \
    display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), \
    keyboard-map=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
    publickey-credentials-get=(), screen-wake-lock=(), serial=(), sync-xhr=(), usb=(), xr-spatial-tracking=()";

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
    or_insert(headers, REFERRER_POLICY, "no-referrer");
    or_insert(headers, OPENER_POLICY, "same-origin");
    or_insert(headers, EMBEDDER_POLICY, "require-corp");
    or_insert(headers, RESOURCE_POLICY, "same-origin");
    or_insert(headers, PERMISSIONS_POLICY, PERMISSIONS);
    or_insert(headers, CROSS_DOMAIN_POLICIES, "none");
    or_insert(headers, X_DNS_PREFETCH_CONTROL, "off");
    or_insert(headers, CACHE_CONTROL, "no-store");
    // It knows no exceptions, which the page that other sites show in a frame is.
    if headers.get(CONTENT_SECURITY_POLICY).is_some_and(|policy| policy != EMBEDDED_PAGE_POLICY) {
        or_insert(headers, X_FRAME_OPTIONS, "DENY");
    }
    if ends_session(headers) {
        // Not the cookies: those of the site's other hosts are none of ours.
        or_insert(headers, CLEAR_SITE_DATA, "\"cache\", \"storage\"");
    }
}

/// Whether the answer takes the session's cookie back.
fn ends_session(headers: &HeaderMap) -> bool {
    let empty = |cookie: &HeaderValue| {
        let value = cookie.to_str().ok()?.strip_prefix(SESSION_COOKIE)?.strip_prefix('=')?;
        Some(value.starts_with(';') || value.is_empty())
    };
    headers.get_all(SET_COOKIE).iter().any(|cookie| empty(cookie) == Some(true))
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
