//! `GET /metrics`: what is counted, for Prometheus.
//!
//! There are two doors, both closed unless a setting opens them: a listener for it alone (`metrics.listen`), and the main one for
//! whoever sends `metrics.token`. The console reads it always.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::{Inside, Problem, RequestContext};
use crate::base::TokenHash;
use crate::ops::Operations;
use crate::store;
use crate::telemetry::METRICS_TYPE;

async fn text(operations: Arc<Operations>) -> Result<Response, Problem> {
    let text = tokio::task::spawn_blocking(move || operations.metrics_text()).await;
    let text = text.map_err(|_| store::Error::Lost)?;
    Ok(([(CONTENT_TYPE, METRICS_TYPE), (CACHE_CONTROL, "no-store")], text).into_response())
}

/// Whether the token is the one of the settings; nothing when there is none.
fn is_right(operations: &Operations, headers: &HeaderMap) -> Option<bool> {
    let token = operations.settings().metrics.token.as_ref()?;
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let sent =
        sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    Some(sent.is_some_and(|sent| TokenHash::of(token.expose()).matches(sent)))
}

fn refused() -> Problem {
    let detail = "Send the token of metrics.token: Authorization: Bearer and the token.";
    Problem::new(StatusCode::UNAUTHORIZED, "metrics_token_wrong", detail)
}

/// What is counted. Open to whoever has the token of the settings, and to the console; not found where there is no token.
pub(super) async fn read(
    services: Inside,
    context: RequestContext,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !context.console {
        match is_right(&services.operations, &headers) {
            None => return Err(Problem::not_found()),
            Some(false) => return Err(refused()),
            Some(true) => {}
        }
    }
    text(services.operations.clone()).await
}

async fn read_alone(
    State(operations): State<Arc<Operations>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if is_right(&operations, &headers) == Some(false) {
        return Err(refused());
    }
    text(operations).await
}

/// The listener for it alone; with a token in the settings it wants that.
pub fn alone(operations: Arc<Operations>) -> Router {
    Router::new()
        .route("/metrics", get(read_alone))
        .fallback(|| async { Problem::not_found() })
        .with_state(operations)
}
