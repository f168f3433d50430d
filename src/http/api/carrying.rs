//! Taking a workspace out as one file, and taking one in.

use axum::Json as View;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use utoipa_axum::routes;

use super::Routes;
use crate::base::{Call, TenantId};
use crate::http::{Caller, Inside, Path, Problem, Query, Services};
use crate::identity::pass::{ExportWorkspace, ManageTenants};
use crate::store::Keyspace;
use crate::tenants::Imported;

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(export_own)).routes(routes!(export_any)).routes(routes!(import))
}

/// The caller's workspace as one file, to be imported on another appliance.
///
/// Permission: `ExportWorkspace`. The file is not encrypted, and holds everything of the workspace but what its manifest says; if its
/// making goes wrong it ends too early, and is refused where it is imported.
#[utoipa::path(get, path = "/api/v1/workspace/export", tag = "workspaces", security(("session" = [])),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn export_own(services: Inside, caller: Caller) -> Result<Response, Problem> {
    caller.pass::<ExportWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    exported(&services, &caller.call, keyspace).await
}

/// Any workspace as one file, also a suspended one.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/tenants/{id}/export", tag = "workspaces", security(("session" = [])),
    params(("id" = TenantId, Path, description = "The workspace.")),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn export_any(services: Inside, caller: Caller, Path(id): Path<TenantId>) -> Result<Response, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let keyspace = services.policy.enter_any(pass, id).await?;
    exported(&services, &caller.call, keyspace).await
}

async fn exported(services: &Services, call: &Call, keyspace: Keyspace) -> Result<Response, Problem> {
    let (tenant, pieces) = services.carrier.export(call, keyspace).await?;
    let day: String = call.now.to_string().chars().take(10).collect();
    let name = format!("attachment; filename=\"{}-{day}.frontdesk-workspace\"", tenant.slug);
    let pieces = futures_util::stream::unfold(pieces, |mut pieces| async {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    // Layers may ask once more after the end.
    let pieces = pieces.fuse();
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CONTENT_DISPOSITION, name.as_str())];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Under which short name.
#[derive(Debug, Deserialize)]
struct Wished {
    slug: Option<String>,
}

/// Takes in a workspace that was exported, here or on another appliance. All of it is there afterwards, or nothing.
///
/// Permission: `ManageTenants` (the operator). It keeps its id; where that is here already, a `slug` of its own makes it a copy with
/// a new id. Members who have an account here are members again; the others are listed. Its indexes are made anew from
/// what came, and the first search waits for them.
#[utoipa::path(post, path = "/api/v1/tenants/import", tag = "workspaces", security(("session" = [])),
    params(("slug" = Option<String>, Query, description = "A short name in place of its own.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file."),
    responses((status = 201, description = "It is here.", body = Imported)))]
async fn import(
    services: Inside,
    caller: Caller,
    Query(wished): Query<Wished>,
    body: Body,
) -> Result<(StatusCode, View<Imported>), Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let stream = body.into_data_stream().map_err(std::io::Error::other);
    let bytes_max = services.limits.import_bytes_max();
    let taken = services.carrier.import(&caller.call, pass, stream, wished.slug, bytes_max).await?;
    let keyspace = services.policy.enter_any(pass, taken.workspace.id).await?;
    let knowledge = services.knowledge.clone();
    tokio::spawn(async move {
        if let Err(error) = knowledge.tend(&keyspace).await {
            tracing::warn!(?error, "the indexes of an imported workspace are made when they are first asked");
        }
    });
    Ok((StatusCode::CREATED, View(taken)))
}
