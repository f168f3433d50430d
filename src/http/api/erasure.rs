//! Erasing a workspace, and the proof of it.

use std::time::Duration;

use axum::Json as View;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::base::{Call, Secret, TenantId};
use crate::http::idempotency::forget_actor;
use crate::http::{Caller, Inside, Json, Path, Problem, Services};
use crate::identity::pass::{EraseWorkspace, ManageTenants};
use crate::identity::{self, Own};
use crate::tenants::{Proof, erase};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(erase_any)).routes(routes!(erase_own)).routes(routes!(proof))
}

/// How long an answer waits for the erasure to be finished; it goes on by itself.
const WAIT: Duration = Duration::from_secs(20);

/// That it is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The short name of the workspace.
    confirm: String,
}

/// That it is meant, by whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnConfirmation {
    /// The short name of the workspace.
    confirm: String,
    /// The password of whoever is signed in.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
}

async fn erased(
    services: &Services,
    call: Call,
    right: erase::Right,
    confirm: String,
) -> Result<(StatusCode, View<Proof>), Problem> {
    let begun = services.system().write(move |tx| erase::begin(tx, &call, right, &confirm, forget_actor));
    let tenant = begun.await?;
    services.hub.end_tenant(tenant.id);
    let proof = services.eraser.wait(tenant.id, WAIT).await?;
    let status = if proof.erased_at.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, View(Proof { slug: Some(tenant.slug), ..proof })))
}

/// Erases a workspace: its documents, conversations, settings, members, keys, and every file. It cannot be undone.
///
/// Permission: `ManageTenants` (the operator). Accounts that are members of nothing else are erased with it, except operators'. With
/// 202 something still held it open; it is closed already, and erasing goes on by itself.
#[utoipa::path(delete, path = "/api/v1/tenants/{id}", tag = "workspaces", security(("session" = [])), request_body = Confirmation,
    params(("id" = TenantId, Path, description = "The workspace.")),
    responses((status = 200, description = "Nothing of it is left.", body = Proof), (status = 202, description = "It is being erased.", body = Proof)))]
async fn erase_any(
    services: Inside,
    caller: Caller,
    Path(id): Path<TenantId>,
    Json(wish): Json<Confirmation>,
) -> Result<(StatusCode, View<Proof>), Problem> {
    let right = erase::Right::Any(caller.pass::<ManageTenants>()?, id);
    erased(&services, caller.call, right, wish.confirm).await
}

/// Erases the caller's workspace, as the operator can. It cannot be undone.
///
/// Permission: `EraseWorkspace`. Asks for the password again.
#[utoipa::path(delete, path = "/api/v1/workspace", tag = "workspaces", security(("session" = [])), request_body = OwnConfirmation,
    responses((status = 200, description = "Nothing of it is left.", body = Proof), (status = 202, description = "It is being erased.", body = Proof)))]
async fn erase_own(
    services: Inside,
    caller: Caller,
    Json(wish): Json<OwnConfirmation>,
) -> Result<(StatusCode, View<Proof>), Problem> {
    let pass = caller.pass::<EraseWorkspace>()?;
    if let Some((account, session)) = caller.principal.signed_in() {
        let password = wish.password.ok_or(identity::Error::PasswordWrong)?;
        services.sign_in.prove_password(&caller.call, Own { account, session }, password).await?;
    }
    erased(&services, caller.call, erase::Right::Own(pass), wish.confirm).await
}

/// The proof that a workspace was erased, or how far that is.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/tenants/{id}/erasure", tag = "workspaces", security(("session" = [])),
    params(("id" = TenantId, Path, description = "The workspace.")), responses((status = 200, description = "The proof.", body = Proof)))]
async fn proof(services: Inside, caller: Caller, Path(id): Path<TenantId>) -> Result<View<Proof>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let proof = services.system().query(move |tx| erase::proof(tx, pass, id)).await?;
    Ok(View(proof.ok_or_else(Problem::not_found)?))
}
