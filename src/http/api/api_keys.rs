//! API keys of the caller's workspace.
//!
//! A secret is shown in the answer that makes the key and never again. Making one is safe to repeat under an
//! `Idempotency-Key`: the kept answer, secret included, lies sealed. Revoking takes effect with the next request.

use axum::Json as View;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::base::{ApiKeyId, Timestamp};
use crate::http::idempotency::once;
use crate::http::{Caller, Creating, Inside, Paging, Path, Problem};
use crate::identity::pass::ManageApiKeys;
use crate::identity::{ApiKeyView, CreatedApiKey, NewApiKey, Permissions, api_key};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The keys of the workspace, oldest first.
///
/// Permission: `ManageApiKeys`.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "api keys", security(("session" = []), ("bearer" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<ApiKeyView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<ApiKeyView>>, Problem> {
    let pass = caller.pass::<ManageApiKeys>()?;
    let keys = services.system().query(move |tx| api_key::list(tx, pass, &page)).await?;
    Ok(View(keys.into()))
}

/// A key to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApiKeyWish {
    /// What it is for.
    name: String,
    /// What it may do: names from `GET /api/v1/permissions` that are for keys.
    permissions: Vec<String>,
    /// Until when; for ever when not given.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct NewApiKeyView {
    /// The key.
    key: ApiKeyView,
    /// What programs send as `Authorization: Bearer`. Shown once.
    secret: String,
}

impl From<CreatedApiKey> for NewApiKeyView {
    fn from(made: CreatedApiKey) -> Self {
        Self { secret: made.secret.expose().to_owned(), key: made.key }
    }
}

/// Makes a key. Its secret is shown this once.
///
/// Permission: `ManageApiKeys`, and every permission that the key is to have.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "api keys", security(("session" = []), ("bearer" = [])), request_body = ApiKeyWish,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    responses((status = 201, description = "Made.", body = NewApiKeyView)))]
async fn create(
    services: Inside,
    caller: Caller,
    wish: Creating<ApiKeyWish>,
) -> Result<(StatusCode, View<Value>), Problem> {
    let pass = caller.pass::<ManageApiKeys>()?;
    let ApiKeyWish { name, permissions, expires_at } = wish.body;
    let new = NewApiKey { name, permissions: Permissions::parse(&permissions)?, expires: expires_at };
    let (sealer, call) = (services.sealer.clone(), caller.call);
    let made = services.system().write(move |tx| {
        once(tx, &sealer, (call.actor, call.now), wish.once.as_ref(), |tx| {
            api_key::create(tx, &call, pass, &new).map(NewApiKeyView::from)
        })
    });
    Ok((StatusCode::CREATED, View(made.await?)))
}

/// Makes a key useless at once.
///
/// Permission: `ManageApiKeys`.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "api keys", security(("session" = []), ("bearer" = [])),
    params(("id" = ApiKeyId, Path, description = "The key.")), responses((status = 204, description = "Revoked.")))]
async fn revoke(services: Inside, caller: Caller, Path(id): Path<ApiKeyId>) -> Result<StatusCode, Problem> {
    let (pass, call) = (caller.pass::<ManageApiKeys>()?, caller.call);
    services.system().write(move |tx| api_key::revoke(tx, &call, pass, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
