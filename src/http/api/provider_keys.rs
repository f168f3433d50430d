//! Keys that models' providers are asked with: a workspace's own, and the appliance's for all workspaces.
//!
//! A key goes in and never comes out again: what is shown of it are its last four characters. It counts from the next call
//! on. The workspace's key wins over the appliance's, which wins over the settings'.

use axum::Json as View;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::ai::keys::ProviderKeyView;
use crate::base::Secret;
use crate::http::{Caller, Inside, Json, Path, Problem};
use crate::identity::pass::{ManageTenants, ManageWorkspace};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(set, remove))
        .routes(routes!(list_of_appliance))
        .routes(routes!(set_of_appliance, remove_of_appliance))
}

/// The providers of the settings, each with its key.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderKeys {
    /// In the order of the settings; then keys of providers that they no longer have.
    items: Vec<ProviderKeyView>,
}

/// A key to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyWish {
    /// The key as the provider gave it out.
    #[schema(value_type = String, write_only)]
    key: Secret,
}

/// The workspace's keys, without the keys themselves.
///
/// Permission: `ManageWorkspace`.
#[utoipa::path(get, path = "/api/v1/provider-keys", tag = "provider keys", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "All providers.", body = ProviderKeys)))]
async fn list(services: Inside, caller: Caller) -> Result<View<ProviderKeys>, Problem> {
    let pass = caller.pass::<ManageWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    Ok(View(ProviderKeys { items: services.keyring.of_workspace(&keyspace, pass).await? }))
}

/// Sets the workspace's own key for a provider, in place of the one before.
///
/// Permission: `ManageWorkspace`. Only this workspace's calls are made with it, and none with another key as long as it is there.
#[utoipa::path(put, path = "/api/v1/provider-keys/{provider}", tag = "provider keys", security(("session" = []), ("bearer" = [])), request_body = KeyWish,
    params(("provider" = String, Path, description = "What the settings call the provider.")),
    responses((status = 200, description = "As it is now.", body = ProviderKeyView)))]
async fn set(
    services: Inside,
    caller: Caller,
    Path(provider): Path<String>,
    Json(wish): Json<KeyWish>,
) -> Result<View<ProviderKeyView>, Problem> {
    let pass = caller.pass::<ManageWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    let set = services.keyring.set_of_workspace(&keyspace, &caller.call, pass, provider, &wish.key);
    Ok(View(set.await?))
}

/// Removes the workspace's own key for a provider; the appliance's is used again.
///
/// Permission: `ManageWorkspace`.
#[utoipa::path(delete, path = "/api/v1/provider-keys/{provider}", tag = "provider keys", security(("session" = []), ("bearer" = [])),
    params(("provider" = String, Path, description = "What the settings call the provider.")),
    responses((status = 204, description = "There is none any more.")))]
async fn remove(
    services: Inside,
    caller: Caller,
    Path(provider): Path<String>,
) -> Result<StatusCode, Problem> {
    let pass = caller.pass::<ManageWorkspace>()?;
    let keyspace = caller.enter(&services).await?;
    services.keyring.remove_of_workspace(&keyspace, &caller.call, pass, provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The appliance's keys, without the keys themselves.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/appliance/provider-keys", tag = "provider keys", security(("session" = [])),
    responses((status = 200, description = "All providers.", body = ProviderKeys)))]
async fn list_of_appliance(services: Inside, caller: Caller) -> Result<View<ProviderKeys>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    Ok(View(ProviderKeys { items: services.keyring.of_appliance(pass).await? }))
}

/// Sets the appliance's key for a provider, for all workspaces without one of their own.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(put, path = "/api/v1/appliance/provider-keys/{provider}", tag = "provider keys", security(("session" = [])), request_body = KeyWish,
    params(("provider" = String, Path, description = "What the settings call the provider.")),
    responses((status = 200, description = "As it is now.", body = ProviderKeyView)))]
async fn set_of_appliance(
    services: Inside,
    caller: Caller,
    Path(provider): Path<String>,
    Json(wish): Json<KeyWish>,
) -> Result<View<ProviderKeyView>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    Ok(View(services.keyring.set_of_appliance(&caller.call, pass, provider, &wish.key).await?))
}

/// Removes the appliance's key for a provider; the settings' is used again.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(delete, path = "/api/v1/appliance/provider-keys/{provider}", tag = "provider keys", security(("session" = [])),
    params(("provider" = String, Path, description = "What the settings call the provider.")),
    responses((status = 204, description = "There is none any more.")))]
async fn remove_of_appliance(
    services: Inside,
    caller: Caller,
    Path(provider): Path<String>,
) -> Result<StatusCode, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    services.keyring.remove_of_appliance(&caller.call, pass, provider).await?;
    Ok(StatusCode::NO_CONTENT)
}
