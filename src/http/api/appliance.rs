//! How the appliance is, and what to send to who helps from afar: for its operator.

use axum::Json as View;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::http::{Caller, Inside, Json, Problem};
use crate::identity::pass::ManageAppliance;
use crate::ops::ApplianceView;
use crate::ops::rotate::Rotated;
use crate::store;

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(read)).routes(routes!(bundle)).routes(routes!(rotate_key))
}

/// How the appliance is: its release, what it takes, and what was examined, each fault with its fix.
///
/// Permission: `ManageAppliance` (the operator).
#[utoipa::path(get, path = "/api/v1/appliance", tag = "appliance", security(("session" = [])),
    responses((status = 200, description = "The appliance.", body = ApplianceView)))]
async fn read(services: Inside, caller: Caller) -> Result<View<ApplianceView>, Problem> {
    let pass = caller.pass::<ManageAppliance>()?;
    let operations = services.operations.clone();
    let view = tokio::task::spawn_blocking(move || operations.view(pass)).await;
    Ok(View(view.map_err(|_| store::Error::Lost)?))
}

/// A bundle for who helps from afar: a ZIP file with findings, settings, counts and the newest lines of the log, without secrets,
/// addresses and anything that anybody wrote.
///
/// Permission: `ManageAppliance` (the operator). That it was made is in the audit trail.
#[utoipa::path(get, path = "/api/v1/appliance/support-bundle", tag = "appliance", security(("session" = [])),
    responses((status = 200, description = "The bundle.", body = Vec<u8>, content_type = "application/zip")))]
async fn bundle(services: Inside, caller: Caller) -> Result<impl IntoResponse, Problem> {
    let pass = caller.pass::<ManageAppliance>()?;
    let bytes = services.operations.clone().bundle(caller.call, pass).await?;
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CONTENT_DISPOSITION, "attachment; filename=\"frontdesk-support.zip\""),
    ];
    Ok((headers, bytes))
}

/// That it is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyRotation {
    /// True: chats that are open begin anew.
    #[serde(default)]
    confirm: bool,
}

/// Gives the appliance a new key, and seals anew what is kept sealed: the keys of model providers and the seeds of second factors.
/// Chats that are open begin anew.
///
/// Permission: `ManageAppliance` (the operator). It is in the audit trail.
#[utoipa::path(post, path = "/api/v1/appliance/key-rotation", tag = "appliance", security(("session" = [])), request_body = KeyRotation,
    responses((status = 200, description = "Done.", body = Rotated)))]
async fn rotate_key(
    services: Inside,
    caller: Caller,
    Json(wish): Json<KeyRotation>,
) -> Result<View<Rotated>, Problem> {
    let pass = caller.pass::<ManageAppliance>()?;
    if !wish.confirm {
        let detail = "Every open chat begins anew after this. Send \"confirm\": true if it is meant.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "confirm_required", detail));
    }
    let operations = services.operations.clone();
    let rotated = operations.rotate_key(&services.policy, &services.sealer, &caller.call, pass).await?;
    Ok(View(rotated))
}
