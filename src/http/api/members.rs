//! Members of the caller's workspace, the roles they hold, and what a role can permit.
//!
//! Nobody gives more than they have, only an owner makes or unmakes owners, and the last owner stays. A change counts from
//! the person's next request on, and open connections are asked anew.

use axum::Json as View;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::base::AccountId;
use crate::http::idempotency::once;
use crate::http::{Caller, Creating, Inside, Json, Paging, Path, Problem};
use crate::identity::pass::{ManageMembers, ReadMembers};
use crate::identity::{
    MemberRole, MemberView, NewRole, Permission, Permissions, RoleChange, RoleView, custom_role, member,
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(permissions))
        .routes(routes!(list_roles, create_role))
        .routes(routes!(change_role, delete_role))
        .routes(routes!(list))
        .routes(routes!(change, remove))
}

/// A permission, explained.
#[derive(Debug, Serialize, ToSchema)]
struct PermissionView {
    /// Its name.
    permission: Permission,
    /// What it permits.
    description: &'static str,
    /// Whether an API key can have it.
    for_keys: bool,
}

/// What a role can permit.
#[derive(Debug, Serialize, ToSchema)]
struct PermissionList {
    /// All of it, always in the same order.
    items: Vec<PermissionView>,
}

/// What a role in a workspace can permit.
///
/// Open to everybody: it is the same in every workspace.
#[utoipa::path(get, path = "/api/v1/permissions", tag = "members",
    responses((status = 200, description = "All permissions.", body = PermissionList)))]
async fn permissions() -> View<PermissionList> {
    let items = Permissions::of_workspace().iter().map(|permission| PermissionView {
        permission,
        description: permission.description(),
        for_keys: permission.is_for_keys(),
    });
    View(PermissionList { items: items.collect() })
}

/// The roles of a workspace.
#[derive(Debug, Serialize, ToSchema)]
struct RoleList {
    /// Those that are built in, then its own, oldest first.
    items: Vec<RoleView>,
}

/// The roles that members can have.
///
/// Permission: `ManageMembers`.
#[utoipa::path(get, path = "/api/v1/roles", tag = "members", security(("session" = [])),
    responses((status = 200, description = "All roles.", body = RoleList)))]
async fn list_roles(services: Inside, caller: Caller) -> Result<View<RoleList>, Problem> {
    let pass = caller.pass::<ManageMembers>()?;
    let items = services.system().query(move |tx| custom_role::list(tx, pass)).await?;
    Ok(View(RoleList { items }))
}

/// A role to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleWish {
    /// What people are to call it.
    name: String,
    /// What it is to permit: names from `GET /api/v1/permissions`.
    permissions: Vec<String>,
}

/// Makes a role of the workspace's own.
///
/// Permission: `ManageMembers`, and every permission that the role is to have.
#[utoipa::path(post, path = "/api/v1/roles", tag = "members", security(("session" = [])), request_body = RoleWish,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    responses((status = 201, description = "Made.", body = RoleView)))]
async fn create_role(
    services: Inside,
    caller: Caller,
    wish: Creating<RoleWish>,
) -> Result<(StatusCode, View<Value>), Problem> {
    let pass = caller.pass::<ManageMembers>()?;
    let permissions = Permissions::parse(&wish.body.permissions)?;
    let new = NewRole { name: wish.body.name, permissions };
    let (sealer, call) = (services.sealer.clone(), caller.call);
    let made = services.system().write(move |tx| {
        once(tx, &sealer, (call.actor, call.now), wish.once.as_ref(), |tx| {
            custom_role::create(tx, &call, pass, &new)
        })
    });
    Ok((StatusCode::CREATED, View(made.await?)))
}

/// What is to change about a role; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleChangeWish {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Other permissions, all of them.
    #[serde(default)]
    permissions: Option<Vec<String>>,
}

/// Changes a role of the workspace's own; what is left out stays.
///
/// Permission: `ManageMembers`, and every permission that the role has and is to have.
#[utoipa::path(patch, path = "/api/v1/roles/{id}", tag = "members", security(("session" = [])), request_body = RoleChangeWish,
    params(("id" = MemberRole, Path, description = "The role.")), responses((status = 200, description = "As it is now.", body = RoleView)))]
async fn change_role(
    services: Inside,
    caller: Caller,
    Path(id): Path<MemberRole>,
    Json(wish): Json<RoleChangeWish>,
) -> Result<View<RoleView>, Problem> {
    let pass = caller.pass::<ManageMembers>()?;
    let permissions = wish.permissions.as_deref().map(Permissions::parse).transpose()?;
    let (change, call) = (RoleChange { name: wish.name, permissions }, caller.call);
    let changed = services.system().write(move |tx| custom_role::change(tx, &call, pass, id, &change));
    Ok(View(changed.await?))
}

/// Deletes a role of the workspace's own that nobody holds.
///
/// Permission: `ManageMembers`, and every permission that the role has.
#[utoipa::path(delete, path = "/api/v1/roles/{id}", tag = "members", security(("session" = [])),
    params(("id" = MemberRole, Path, description = "The role.")), responses((status = 204, description = "Deleted.")))]
async fn delete_role(
    services: Inside,
    caller: Caller,
    Path(id): Path<MemberRole>,
) -> Result<StatusCode, Problem> {
    let (pass, call) = (caller.pass::<ManageMembers>()?, caller.call);
    services.system().write(move |tx| custom_role::delete(tx, &call, pass, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The members of the workspace.
///
/// Permission: `ReadMembers`.
#[utoipa::path(get, path = "/api/v1/members", tag = "members", security(("session" = []), ("bearer" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<MemberView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<MemberView>>, Problem> {
    let pass = caller.pass::<ReadMembers>()?;
    Ok(View(services.system().query(move |tx| member::list(tx, pass, &page)).await?.into()))
}

/// Another role for a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberChange {
    /// The role's id.
    role: MemberRole,
}

/// Gives a member another role.
///
/// Permission: `ManageMembers`, and every permission of the member's role and of the new one; an owner's role is given and
/// taken by owners only.
#[utoipa::path(patch, path = "/api/v1/members/{account_id}", tag = "members", security(("session" = [])), request_body = MemberChange,
    params(("account_id" = AccountId, Path, description = "The member.")), responses((status = 200, description = "As it is now.", body = MemberView)))]
async fn change(
    services: Inside,
    caller: Caller,
    Path(account): Path<AccountId>,
    Json(wish): Json<MemberChange>,
) -> Result<View<MemberView>, Problem> {
    let (pass, call) = (caller.pass::<ManageMembers>()?, caller.call);
    let changed = services.system().write(move |tx| member::change_role(tx, &call, pass, account, wish.role));
    Ok(View(changed.await?))
}

/// Removes a member from the workspace. The person's account stays.
///
/// Permission: `ManageMembers`, and every permission of the member's role; an owner is removed by owners only.
#[utoipa::path(delete, path = "/api/v1/members/{account_id}", tag = "members", security(("session" = [])),
    params(("account_id" = AccountId, Path, description = "The member.")), responses((status = 204, description = "Removed.")))]
async fn remove(
    services: Inside,
    caller: Caller,
    Path(account): Path<AccountId>,
) -> Result<StatusCode, Problem> {
    let (pass, call) = (caller.pass::<ManageMembers>()?, caller.call);
    services.system().write(move |tx| member::remove(tx, &call, pass, account)).await?;
    Ok(StatusCode::NO_CONTENT)
}
