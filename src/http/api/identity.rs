//! Setting up, signing in and out, and who one is.
//!
//! A session is a cookie that no script can read and that only our own origin may use to change something
//! (`http/caller.rs`). Setting up and signing in are limited by address before a password is looked at, and `identity`
//! throttles further by account.

use axum::Json as View;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::base::{Actor, Call, Secret};
use crate::http::caller::session_token;
use crate::http::{Caller, Inside, Json, Problem, RequestContext, SESSION_COOKIE};
use crate::identity::session::SESSION_LIFE;
use crate::identity::{AccountView, Credentials, Error, OpenedSession, session, setup};
use crate::tenants::{self, Me, NewOwner, WorkspaceView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(setup_needed, set_up))
        .routes(routes!(sign_in))
        .routes(routes!(sign_out))
        .routes(routes!(me))
}

type Cookie = [(HeaderName, String); 1];

fn cookie(token: &str, seconds: u64) -> Cookie {
    let cookie =
        format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    [(SET_COOKIE, cookie)]
}

fn session_cookie(session: &OpenedSession) -> Cookie {
    cookie(session.token.expose(), SESSION_LIFE.as_secs())
}

fn call_of_nobody(services: &Inside, context: &RequestContext) -> Call {
    Call {
        actor: Actor::Nobody,
        now: services.clock.now(),
        request: context.request.clone(),
        address: Some(context.address),
    }
}

/// Whether the appliance waits for its first account.
#[derive(Debug, Serialize, ToSchema)]
struct SetupState {
    /// True until somebody has used the setup link.
    needed: bool,
}

/// Whether the appliance waits for its first account.
///
/// Open to everybody.
#[utoipa::path(get, path = "/api/v1/setup", tag = "identity", responses((status = 200, description = "The state.", body = SetupState)))]
async fn setup_needed(services: Inside) -> Result<View<SetupState>, Problem> {
    let needed = services.system().query(setup::is_needed).await?;
    Ok(View(SetupState { needed }))
}

/// The first account and workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetUpWish {
    /// From the setup link.
    #[schema(value_type = String)]
    token: Secret,
    /// What the person is called.
    name: String,
    /// The address to sign in with.
    email: String,
    /// The password to sign in with.
    #[schema(value_type = String, format = Password)]
    password: Secret,
    /// What the first workspace is called.
    workspace_name: String,
}

/// What the setup has made.
#[derive(Debug, Serialize, ToSchema)]
struct SetUpView {
    /// The operator's account.
    account: AccountView,
    /// The first workspace.
    tenant: WorkspaceView,
}

/// Makes the first account and workspace, and signs in.
///
/// Open to whoever has the setup link, once.
#[utoipa::path(post, path = "/api/v1/setup", tag = "identity", request_body = SetUpWish, responses((status = 201, description = "Set up and signed in, by cookie.", body = SetUpView)))]
async fn set_up(
    services: Inside,
    context: RequestContext,
    Json(wish): Json<SetUpWish>,
) -> Result<(StatusCode, Cookie, View<SetUpView>), Problem> {
    services.limits.sign_in(&context)?;
    let call = call_of_nobody(&services, &context);
    let SetUpWish { token, name, email, password, workspace_name } = wish;
    let owner = NewOwner { token, name, email, password, workspace_name };
    let made = tenants::set_up(services.system(), &services.passwords, &call, owner).await?;
    let tenant = services.system().read(|tx| WorkspaceView::of(tx, made.tenant))?;
    let view = SetUpView { account: AccountView::from(&made.account), tenant };
    Ok((StatusCode::CREATED, session_cookie(&made.session), View(view)))
}

/// Address and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInWish {
    /// The address, in any spelling.
    email: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// Signs in.
///
/// Open to everybody; throttled by address and account.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "identity", request_body = SignInWish, responses((status = 201, description = "Signed in, by cookie.", body = Me)))]
async fn sign_in(
    services: Inside,
    context: RequestContext,
    headers: HeaderMap,
    Json(wish): Json<SignInWish>,
) -> Result<(StatusCode, Cookie, View<Me>), Problem> {
    services.limits.sign_in(&context)?;
    let call = call_of_nobody(&services, &context);
    let replaces = session_token(&headers);
    let SignInWish { email, password } = wish;
    let credentials = Credentials { email, password, from: context.address, replaces };
    let signed_in = services.sign_in.sign_in(&call, credentials).await?;
    let account = signed_in.account.id;
    let me = services.system().query(move |tx| tenants::me(tx, account)).await?;
    Ok((StatusCode::CREATED, session_cookie(&signed_in.session), View(me)))
}

/// Signs out.
///
/// Any signed-in person, of the session that asks.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "identity", security(("session" = [])), responses((status = 204, description = "Signed out.")))]
async fn sign_out(services: Inside, caller: Caller) -> Result<(StatusCode, Cookie), Problem> {
    let (account, id) = caller.principal.signed_in().ok_or(Error::NotSignedIn)?;
    services.system().write(move |tx| session::end(tx, account, id)).await?;
    Ok((StatusCode::NO_CONTENT, cookie("", 0)))
}

/// Who is signed in, and in which workspaces.
///
/// Any signed-in person.
#[utoipa::path(get, path = "/api/v1/me", tag = "identity", security(("session" = [])), responses((status = 200, description = "The person.", body = Me)))]
async fn me(services: Inside, caller: Caller) -> Result<View<Me>, Problem> {
    let (account, _) = caller.principal.signed_in().ok_or(Error::NotSignedIn)?;
    Ok(View(services.system().query(move |tx| tenants::me(tx, account)).await?))
}
