//! All routes together, with the layers that every request passes.
//!
//! The API's routes come with their description; those without one are listed in [`PLAIN_ROUTES`] and `pages`.
//! [`routes_listed`] is the sum, which the rights matrix (`tests/it/rights.rs`) holds against its own table: so no route
//! is added without saying who may ask it.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::context::Doorkeeper;
use super::headers::PAGE_POLICY;
use super::{
    Problem, Routes, Services, api, context, docs, leftover, limits, metrics, openapi, pages, problem,
    recovery, ws,
};

/// Routes that are neither pages nor in the API's document.
const PLAIN_ROUTES: [(Method, &str); 5] = [
    (Method::GET, "/ws"),
    (Method::GET, "/metrics"),
    (Method::GET, "/api/openapi.json"),
    (Method::GET, "/api/docs"),
    (Method::GET, "/api/docs.css"),
];

fn documented() -> Routes {
    OpenApiRouter::with_openapi(openapi::outline()).merge(api::routes())
}

/// The API's document.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = documented().into_openapi();
    openapi::complete(&mut document);
    document
}

/// Every route with its method, for whoever must not forget one.
#[must_use]
pub fn routes_listed() -> Vec<(Method, String)> {
    let plain = PLAIN_ROUTES.into_iter().chain(pages::ROUTES).map(|(method, path)| (method, path.to_owned()));
    openapi::listed(&document()).chain(plain).collect()
}

/// Everything that can be asked, ready to be served by any listener.
pub fn router(services: Arc<Services>) -> Router {
    let document = document();
    let (api, _) = documented().split_for_parts();
    let routes = Router::new()
        .merge(api)
        // GET over HTTP/1.1, CONNECT over HTTP/2 (RFC 8441); the upgrade refuses every other method.
        .route("/ws", any(ws::open))
        .route("/metrics", get(metrics::read))
        .merge(pages::routes())
        .merge(documentation(&document));
    layered(routes, &services).with_state(services)
}

/// The layers that every request passes, whatever it asks for.
pub(super) fn layered<S: Clone + Send + Sync + 'static>(routes: Router<S>, services: &Services) -> Router<S> {
    let keeper = Doorkeeper::new(services);
    routes
        .fallback(|| async { Problem::not_found() })
        .layer(axum::middleware::from_fn_with_state(services.operations.clone(), recovery::layer))
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(axum::middleware::from_fn_with_state(services.limits.clone(), limits::layer))
        .layer(axum::middleware::from_fn(leftover::layer))
        .layer(axum::middleware::from_fn_with_state(keeper, context::layer))
}

/// What is compressed. Pages are not: the length of a compressed page would tell what it holds, letter by letter, to whoever
/// can put text into it (BREACH, CVE-2013-3587), and they are small. Archives are compressed already.
fn compressible() -> impl Predicate {
    let archives = ["application/octet-stream", "application/zip"].map(NotForContentType::new);
    let [archive, bundle] = archives;
    DefaultPredicate::new().and(NotForContentType::new("text/html")).and(archive).and(bundle)
}

/// What panicked has been written to standard error by the panic hook.
fn panicked() -> Response {
    tracing::error!("a handler panicked");
    Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", problem::INTERNAL).into_response()
}

fn documentation(document: &OpenApi) -> Router<Arc<Services>> {
    let json: Arc<str> = document.to_json().unwrap_or_default().into();
    let page: Arc<str> = docs::page(document).into();
    let text = |kind: &'static str, body: Arc<str>| {
        move || async move {
            let kind = HeaderValue::from_static(kind);
            ([(CONTENT_TYPE, kind)], String::from(&*body)).into_response()
        }
    };
    let shown = text("text/html; charset=utf-8", page);
    let docs = || async move {
        let mut response: Response = shown().await;
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        response
    };
    Router::new()
        .route("/api/openapi.json", get(text("application/json", json)))
        .route("/api/docs", get(docs))
        .route("/api/docs.css", get(text("text/css; charset=utf-8", docs::STYLE.into())))
}
