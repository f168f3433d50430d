//! Workspaces: the operator's list of all, and each one's own settings.
//!
//! Only the operator and the console see that there are other workspaces. A member's calls are about one workspace,
//! chosen by the header `Frontdesk-Workspace` where there are several, so no route here takes a workspace's id.

use axum::Json as View;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::http::idempotency::once;
use crate::http::{Caller, Creating, Inside, Json, Paging, Problem};
use crate::identity::pass::{ManageTenants, ManageWorkspace, ReadWorkspace};
use crate::tenants::{self, NewTenant, WorkspaceChange, WorkspaceView, branding};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list, create)).routes(routes!(read, change))
}

/// Every workspace of the appliance, oldest first.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/tenants", tag = "workspaces", security(("session" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<WorkspaceView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<WorkspaceView>>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let tenants = services.system().query(move |tx| tenants::list(tx, pass, &page)).await?;
    Ok(View(tenants.map(WorkspaceView::from).into()))
}

/// A workspace to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWorkspace {
    /// What people call it.
    name: String,
    /// What its addresses are made of; made from the name when not given.
    #[serde(default)]
    slug: Option<String>,
}

/// Makes a workspace. The person who makes it is its owner.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(post, path = "/api/v1/tenants", tag = "workspaces", security(("session" = [])), request_body = NewWorkspace,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    responses((status = 201, description = "Made.", body = WorkspaceView)))]
async fn create(
    services: Inside,
    caller: Caller,
    wish: Creating<NewWorkspace>,
) -> Result<(StatusCode, View<Value>), Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let new = NewTenant { name: wish.body.name, slug: wish.body.slug };
    let (sealer, call) = (services.sealer.clone(), caller.call);
    let made = services.system().write(move |tx| {
        once(tx, &sealer, (call.actor, call.now), wish.once.as_ref(), |tx| {
            tenants::create(tx, &call, pass, &new).map(WorkspaceView::from)
        })
    });
    Ok((StatusCode::CREATED, View(made.await?)))
}

/// The caller's workspace.
///
/// Permission: `ReadWorkspace`.
#[utoipa::path(get, path = "/api/v1/workspace", tag = "workspaces", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "The workspace.", body = WorkspaceView)))]
async fn read(services: Inside, caller: Caller) -> Result<View<WorkspaceView>, Problem> {
    let pass = caller.pass::<ReadWorkspace>()?;
    let tenant = services.system().query(move |tx| tenants::of_pass(tx, pass)).await?;
    Ok(View(tenant.into()))
}

/// Changes the caller's workspace; what is left out stays.
///
/// Permission: `ManageWorkspace`.
#[utoipa::path(patch, path = "/api/v1/workspace", tag = "workspaces", security(("session" = []), ("bearer" = [])), request_body = WorkspaceChange,
    responses((status = 200, description = "As it is now.", body = WorkspaceView)))]
async fn change(
    services: Inside,
    caller: Caller,
    Json(change): Json<WorkspaceChange>,
) -> Result<View<WorkspaceView>, Problem> {
    let (pass, call) = (caller.pass::<ManageWorkspace>()?, caller.call);
    let tenant = services.system().write(move |tx| branding::update(tx, &call, pass, &change)).await?;
    Ok(View(tenant.into()))
}
