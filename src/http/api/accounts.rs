//! Everybody who can sign in, for whoever runs the appliance: to make accounts, to let people back in, to name operators.
//!
//! Nobody sets a password for somebody else: a link does, which is good once and shown once.

use axum::Json as View;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::base::{AccountId, Secret, Timestamp};
use crate::http::idempotency::once;
use crate::http::{Caller, Creating, Inside, Json, Paging, Path, Problem, Query};
use crate::identity::pass::{ManageAppliance, ManageTenants};
use crate::identity::password_reset::RESET_LIFE;
use crate::identity::{AccountEntry, Email, NewAccount, SessionView, account, session};
use crate::tenants::{self, MyWorkspace};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(list, create)).routes(routes!(show, change)).routes(routes!(reset))
}

/// Which accounts.
#[derive(Debug, Deserialize)]
struct Wanted {
    email: Option<String>,
}

/// Every account, oldest first.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", security(("session" = [])),
    params(("email" = Option<String>, Query, description = "Only the account with this address, in any spelling."), ("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<AccountEntry>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Query(wanted): Query<Wanted>,
    Paging(page): Paging,
) -> Result<View<List<AccountEntry>>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let accounts =
        services.system().query(move |tx| account::list(tx, pass, wanted.email.as_deref(), &page)).await?;
    Ok(View(accounts.into()))
}

/// An account to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountWish {
    /// What the person is called.
    name: String,
    /// The address to sign in with.
    email: String,
    /// Whether the person runs the appliance.
    #[serde(default)]
    operator: bool,
}

/// An account that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeAccountView {
    /// The account.
    account: AccountEntry,
    /// The address of the page that sets its first password. Shown once, good once.
    link: String,
    /// Until when the link is good.
    link_expires_at: Timestamp,
}

/// Makes an account. Its password is set by the link.
///
/// Permission: `ManageTenants`, and `ManageAppliance` for one that runs the appliance (the operator).
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", security(("session" = [])), request_body = AccountWish,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    responses((status = 201, description = "Made.", body = MadeAccountView)))]
async fn create(
    services: Inside,
    caller: Caller,
    wish: Creating<AccountWish>,
) -> Result<(StatusCode, View<Value>), Problem> {
    let (tenants, appliance) = (caller.pass::<ManageTenants>()?, caller.pass::<ManageAppliance>()?);
    let AccountWish { name, email, operator } = wish.body;
    let (name, email) = (account::parse_name(&name)?, Email::parse(&email)?);
    let password_hash = services.passwords.hash(Secret::random()).await?;
    let new = NewAccount { name, email, password_hash };
    let (sealer, call, address) = (services.sealer.clone(), caller.call, services.address.get());
    let made = services.system().write(move |tx| {
        once(tx, &sealer, (call.actor, call.now), wish.once.as_ref(), |tx| {
            let id = account::create(tx, &call, tenants, &new)?.id;
            account::set_operator(tx, &call, appliance, id, operator)?;
            let token = account::issue_reset(tx, &call, appliance, id, false)?;
            let entry = account::show(tx, tenants, id)?;
            Ok::<_, crate::identity::Error>(MadeAccountView {
                account: entry,
                link: reset_link(&address, &token),
                link_expires_at: call.now.plus(RESET_LIFE),
            })
        })
    });
    Ok((StatusCode::CREATED, View(made.await?)))
}

/// What a person opens to set a new password.
pub(super) fn reset_link(address: &str, token: &Secret) -> String {
    format!("{address}/reset#token={}", token.expose())
}

/// An account with where its owner is a member, and signed in.
#[derive(Debug, Serialize, ToSchema)]
struct AccountDetail {
    /// The account.
    #[serde(flatten)]
    account: AccountEntry,
    /// Where the person is a member, oldest workspace first.
    workspaces: Vec<MyWorkspace>,
    /// Where the person is signed in.
    sessions: Vec<SessionView>,
}

/// One account.
///
/// Permission: `ManageTenants` (the operator).
#[utoipa::path(get, path = "/api/v1/accounts/{id}", tag = "accounts", security(("session" = [])),
    params(("id" = AccountId, Path, description = "The account.")),
    responses((status = 200, description = "The account.", body = AccountDetail)))]
async fn show(
    services: Inside,
    caller: Caller,
    Path(id): Path<AccountId>,
) -> Result<View<AccountDetail>, Problem> {
    let pass = caller.pass::<ManageTenants>()?;
    let (own, now) = (caller.principal.signed_in().map(|(_, session)| session), caller.call.now);
    let found = services.system().query(move |tx| {
        Ok::<_, tenants::Error>(AccountDetail {
            account: account::show(tx, pass, id)?,
            workspaces: tenants::workspaces_of(tx, id)?,
            sessions: session::list(tx, id, own, now)?,
        })
    });
    Ok(View(found.await?))
}

/// What is changed of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    /// Whether the person runs the appliance.
    operator: bool,
}

/// Makes a person one who runs the appliance, or not any more. The last one stays (`last_operator`).
///
/// Permission: `ManageAppliance` (the operator).
#[utoipa::path(patch, path = "/api/v1/accounts/{id}", tag = "accounts", security(("session" = [])), request_body = AccountChange,
    params(("id" = AccountId, Path, description = "The account.")),
    responses((status = 200, description = "The account, as it is now.", body = AccountEntry)))]
async fn change(
    services: Inside,
    caller: Caller,
    Path(id): Path<AccountId>,
    Json(change): Json<AccountChange>,
) -> Result<View<AccountEntry>, Problem> {
    let (pass, shown) = (caller.pass::<ManageAppliance>()?, caller.pass::<ManageTenants>()?);
    let call = caller.call;
    let changed = services.system().write(move |tx| {
        account::set_operator(tx, &call, pass, id, change.operator)?;
        account::show(tx, shown, id)
    });
    Ok(View(changed.await?))
}

/// How somebody is let back in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetOrder {
    /// Whether the second factor is removed too, for who has lost it and the recovery codes.
    #[serde(default)]
    mfa: bool,
}

/// A link that sets a password.
#[derive(Debug, Serialize, ToSchema)]
struct ResetLink {
    /// The address of the page. Shown once, good once.
    link: String,
    /// Until when it is good.
    expires_at: Timestamp,
}

/// Makes a link that sets the account's password, for 30 minutes and one use.
///
/// Permission: `ManageAppliance` (the operator).
#[utoipa::path(post, path = "/api/v1/accounts/{id}/password-reset", tag = "accounts", security(("session" = [])), request_body = ResetOrder,
    params(("id" = AccountId, Path, description = "The account.")),
    responses((status = 201, description = "The link.", body = ResetLink)))]
async fn reset(
    services: Inside,
    caller: Caller,
    Path(id): Path<AccountId>,
    Json(order): Json<ResetOrder>,
) -> Result<(StatusCode, View<ResetLink>), Problem> {
    let pass = caller.pass::<ManageAppliance>()?;
    let (call, now) = (caller.call.clone(), caller.call.now);
    let issued =
        services.system().write(move |tx| account::issue_reset(tx, &call, pass, id, order.mfa)).await?;
    let view =
        ResetLink { link: reset_link(&services.address.get(), &issued), expires_at: now.plus(RESET_LIFE) };
    Ok((StatusCode::CREATED, View(view)))
}
