//! Whether the appliance lives, and whether requests should be sent to it.
//!
//! Both routes are open and let through by the limits, so that a probe learns most when the appliance is busiest. Alive
//! is who answers at all; ready is who has started, is not stopping and has no part that failed. A check's text is
//! written for everybody to read.

use axum::Json;
use axum::http::StatusCode;
use utoipa_axum::routes;

use super::Routes;
use crate::http::Inside;
use crate::telemetry::Readiness;

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(live)).routes(routes!(ready))
}

/// Whether the process answers at all.
///
/// Open to everybody.
#[utoipa::path(get, path = "/healthz/live", tag = "health", responses((status = 204, description = "It lives.")))]
async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether requests should be sent here, and how each part is.
///
/// Open to everybody.
#[utoipa::path(get, path = "/healthz/ready", tag = "health", responses(
    (status = 200, description = "Ready.", body = Readiness),
    (status = 503, description = "Not ready; the checks say why.", body = Readiness),
))]
async fn ready(services: Inside) -> (StatusCode, Json<Readiness>) {
    let readiness = services.health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}
