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

use super::workspace_use::{TenantUse, use_of};
use super::{List, Routes};
use crate::base::TenantId;
use crate::http::idempotency::once;
use crate::http::{Caller, Creating, Inside, Json, Paging, Path, Problem};
use crate::identity::pass::{ManageTenants, ManageWorkspace, ReadWorkspace};
use crate::tenants::{self, NewTenant, TenantChange, WorkspaceChange, WorkspaceView, branding, operate};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list, create)).routes(routes!(get, operate)).routes(routes!(read, change))
}

/// Every workspace of the appliance with what it uses, oldest first.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/tenants", tag = "workspaces", security(("session" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<TenantUse>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<TenantUse>>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let tenants = services.system().query(move |tx| tenants::list(tx, pass, &page)).await?;
    let mut items = Vec::with_capacity(tenants.items.len());
    for tenant in tenants.items {
        // One that was erased meanwhile is not listed.
        items.extend(use_of(&services, pass, tenant).await?);
    }
    Ok(View(List { items, next_cursor: tenants.next_cursor }))
}

/// One workspace with what it uses.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = "workspaces", security(("session" = [])),
    params(("id" = TenantId, Path, description = "The workspace.")), responses((status = 200, description = "The workspace.", body = TenantUse)))]
async fn get(services: Inside, caller: Caller, Path(id): Path<TenantId>) -> Result<View<TenantUse>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let tenant = services.system().query(move |tx| operate::get(tx, pass, id)).await?;
    Ok(View(use_of(&services, pass, tenant).await?.ok_or_else(Problem::not_found)?))
}

/// Renames, limits, suspends or resumes a workspace; what is left out stays.
///
/// Permission: `ManageTenants` (the operator). A suspended workspace is closed to everybody else, and whatever is open there
/// ends; its jobs rest and go on when it is resumed.
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = "workspaces", security(("session" = [])), request_body = TenantChange,
    params(("id" = TenantId, Path, description = "The workspace.")), responses((status = 200, description = "As it is now.", body = TenantUse)))]
async fn operate(
    services: Inside,
    caller: Caller,
    Path(id): Path<TenantId>,
    Json(change): Json<TenantChange>,
) -> Result<View<TenantUse>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let (call, suspends) = (caller.call, change.suspended == Some(true));
    let changed = services.system().write(move |tx| operate::change(tx, &call, pass, id, &change));
    let tenant = changed.await?;
    if suspends {
        services.hub.end_tenant(id);
    }
    Ok(View(use_of(&services, pass, tenant).await?.ok_or_else(Problem::not_found)?))
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
            tenants::create(tx, &call, pass, &new).and_then(|made| WorkspaceView::of(tx, made))
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
    let view = services
        .system()
        .query(move |tx| tenants::of_pass(tx, pass).and_then(|tenant| WorkspaceView::of(tx, tenant)));
    Ok(View(view.await?))
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
    let pass = caller.pass::<ManageWorkspace>()?;
    let call = caller.call;
    let changed = services.system().write(move |tx| {
        branding::update(tx, &call, pass, &change).and_then(|tenant| WorkspaceView::of(tx, tenant))
    });
    Ok(View(changed.await?))
}
