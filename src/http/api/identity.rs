//! Setting up, signing in and out, and who one is.
//!
//! A session is a cookie that no script can read and that only our own origin may use to change something
//! (`http/caller.rs`). Setting up and signing in are limited by address before a password is looked at, and `identity`
//! throttles further by account: 10 wrong passwords for one account from one address in 15 minutes, 30 from one address, 100
//! for one account; codes of a second factor are counted apart.

use axum::Json as View;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::base::{Actor, Call, Secret, Timestamp};
use crate::http::caller::session_token;
use crate::http::{Caller, Inside, Json, Problem, RequestContext, SESSION_COOKIE};
use crate::identity::audit::{self, Action, Note};
use crate::identity::session::SESSION_LIFE;
use crate::identity::setup::{self, Warrant};
use crate::identity::{
    AccountView, Admission, Answer, Credentials, Device, Error, OpenedSession, Own, account, session,
};
use crate::tenants::{self, Me, NewOwner, WorkspaceView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(setup_needed, set_up))
        .routes(routes!(sign_in))
        .routes(routes!(answer_challenge))
        .routes(routes!(sign_out))
        .routes(routes!(me, rename_me))
}

/// A header that sets the session's cookie.
pub(super) type Cookie = [(HeaderName, String); 1];

fn cookie(token: &str, seconds: u64) -> Cookie {
    let cookie =
        format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    [(SET_COOKIE, cookie)]
}

pub(super) fn session_cookie(session: &OpenedSession) -> Cookie {
    cookie(session.token.expose(), SESSION_LIFE.as_secs())
}

/// The circumstances of somebody who has not said who they are.
pub(super) fn call_of_nobody(services: &Inside, context: &RequestContext) -> Call {
    Call {
        actor: if context.console { Actor::Console } else { Actor::Nobody },
        now: services.clock.now(),
        request: context.request.clone(),
        address: (!context.console).then_some(context.address),
    }
}

/// Where and with what somebody signs in.
pub(super) fn device(call: &Call, headers: &HeaderMap) -> Device {
    Device::of(call, headers.get(USER_AGENT).and_then(|value| value.to_str().ok()))
}

/// The signed-in person, for what one does with one's own account.
pub(super) fn own(caller: &Caller) -> Result<Own, Problem> {
    let (account, session) = caller.principal.signed_in().ok_or(Error::NotSignedIn)?;
    Ok(Own { account, session })
}

/// What the person sees of themselves.
pub(super) async fn me_of(services: &Inside, own: Own) -> Result<Me, Problem> {
    let Own { account, session } = own;
    Ok(services.system().query(move |tx| tenants::me(tx, account, Some(session))).await?)
}

/// Whether the appliance waits for its first account.
#[derive(Debug, Serialize, ToSchema)]
struct SetupState {
    /// True until somebody has used the setup link.
    needed: bool,
    /// Whether letters can be sent: only then can a password be reset without an administrator.
    mail: bool,
}

/// Whether the appliance waits for its first account.
///
/// Open to everybody.
#[utoipa::path(get, path = "/api/v1/setup", tag = "identity", responses((status = 200, description = "The state.", body = SetupState)))]
async fn setup_needed(services: Inside) -> Result<View<SetupState>, Problem> {
    let needed = services.system().query(setup::is_needed).await?;
    Ok(View(SetupState { needed, mail: services.mail.is_set_up() }))
}

/// The first account and workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetUpWish {
    /// From the setup link; the console needs none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    token: Option<Secret>,
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
/// Open to whoever has the setup link, once, and to the console, which is not signed in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "identity", request_body = SetUpWish, responses((status = 201, description = "Set up and signed in, by cookie.", body = SetUpView)))]
async fn set_up(
    services: Inside,
    context: RequestContext,
    headers: HeaderMap,
    Json(wish): Json<SetUpWish>,
) -> Result<Response, Problem> {
    services.limits.sign_in(&context)?;
    let call = call_of_nobody(&services, &context);
    let SetUpWish { token, name, email, password, workspace_name } = wish;
    let warrant = match token {
        Some(token) => Warrant::Link(token),
        None if context.console => Warrant::Console,
        None => return Err(Error::SetupLinkUnknown.into()),
    };
    let owner = NewOwner { warrant, name, email, password, workspace_name };
    let device = device(&call, &headers);
    let made = tenants::set_up(services.system(), &services.passwords, &call, device, owner).await?;
    let tenant = services.system().read(|tx| WorkspaceView::of(tx, made.tenant))?;
    let view = SetUpView { account: AccountView::from(&made.account), tenant };
    Ok(match made.session {
        Some(session) => (StatusCode::CREATED, session_cookie(&session), View(view)).into_response(),
        None => (StatusCode::CREATED, View(view)).into_response(),
    })
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

/// The password was right; a code is asked for.
#[derive(Debug, Serialize, ToSchema)]
struct ChallengeView {
    /// What to send with the code to `/api/v1/sessions/challenge`.
    challenge: String,
    /// Until when; 5 codes may be tried.
    expires_at: Timestamp,
}

/// Signs in.
///
/// Open to everybody; throttled by address and account: in 15 minutes 10 wrong passwords for one account from one address, 30
/// from one address, 100 for one account. An account with a second factor is answered with a challenge.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "identity", request_body = SignInWish, responses(
    (status = 201, description = "Signed in, by cookie.", body = Me),
    (status = 202, description = "The password is right, and a code is asked for.", body = ChallengeView)))]
async fn sign_in(
    services: Inside,
    context: RequestContext,
    headers: HeaderMap,
    Json(wish): Json<SignInWish>,
) -> Result<Response, Problem> {
    services.limits.sign_in(&context)?;
    let call = call_of_nobody(&services, &context);
    let SignInWish { email, password } = wish;
    let (device, replaces) = (device(&call, &headers), session_token(&headers));
    let credentials = Credentials { email, password, device, replaces };
    match services.sign_in.sign_in(&call, credentials).await? {
        Admission::SignedIn(signed_in) => welcome(&services, signed_in.account.id, &signed_in.session).await,
        Admission::CodeAsked(asked) => {
            let challenge = asked.token.expose().to_owned();
            let view = ChallengeView { challenge, expires_at: asked.expires };
            Ok((StatusCode::ACCEPTED, View(view)).into_response())
        }
    }
}

/// 201 with the cookie and the person.
async fn welcome(
    services: &Inside,
    account: crate::base::AccountId,
    session: &OpenedSession,
) -> Result<Response, Problem> {
    let me = me_of(services, Own { account, session: session.id }).await?;
    Ok((StatusCode::CREATED, session_cookie(session), View(me)).into_response())
}

/// A code for a challenge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeWish {
    /// As `POST /api/v1/sessions` answered it.
    #[schema(value_type = String)]
    challenge: Secret,
    /// The six digits that the app shows, or a recovery code.
    #[schema(value_type = String)]
    code: Secret,
}

/// Finishes a sign-in with a code.
///
/// Open to whoever has the challenge: 5 codes within 5 minutes; in 15 minutes 10 wrong codes for one account from one address,
/// 30 from one address, 30 for one account. A code is accepted once. Problems: `code_wrong`, `challenge_ended`.
#[utoipa::path(post, path = "/api/v1/sessions/challenge", tag = "identity", request_body = CodeWish, responses((status = 201, description = "Signed in, by cookie.", body = Me)))]
async fn answer_challenge(
    services: Inside,
    context: RequestContext,
    headers: HeaderMap,
    Json(wish): Json<CodeWish>,
) -> Result<Response, Problem> {
    services.limits.sign_in(&context)?;
    let call = call_of_nobody(&services, &context);
    let (device, replaces) = (device(&call, &headers), session_token(&headers));
    let answer = Answer { challenge: wish.challenge, code: wish.code, device, replaces };
    let signed_in = services.sign_in.answer(&call, answer).await?;
    welcome(&services, signed_in.account.id, &signed_in.session).await
}

/// Signs out.
///
/// Any signed-in person, of the session that asks.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "identity", security(("session" = [])), responses((status = 204, description = "Signed out.")))]
async fn sign_out(services: Inside, caller: Caller) -> Result<(StatusCode, Cookie), Problem> {
    let Own { account, session: id } = own(&caller)?;
    let call = caller.call;
    let ended = services.system().write(move |tx| {
        if session::end(tx, account, id)? {
            audit::record(tx, &call, Note::new(Action::SessionEnded).about(account).with("session", id))?;
        }
        Ok::<_, Error>(())
    });
    ended.await?;
    Ok((StatusCode::NO_CONTENT, cookie("", 0)))
}

/// Who is signed in, and in which workspaces.
///
/// Any signed-in person.
#[utoipa::path(get, path = "/api/v1/me", tag = "identity", security(("session" = [])), responses((status = 200, description = "The person.", body = Me)))]
async fn me(services: Inside, caller: Caller) -> Result<View<Me>, Problem> {
    let own = own(&caller)?;
    Ok(View(me_of(&services, own).await?))
}

/// What a person changes of themselves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MeChange {
    /// What the person is called.
    name: String,
}

/// Changes what one is called.
///
/// Any signed-in person.
#[utoipa::path(patch, path = "/api/v1/me", tag = "identity", security(("session" = [])), request_body = MeChange, responses((status = 200, description = "The person, as it is now.", body = Me)))]
async fn rename_me(
    services: Inside,
    caller: Caller,
    Json(change): Json<MeChange>,
) -> Result<View<Me>, Problem> {
    let own = own(&caller)?;
    services.system().write(move |tx| account::rename(tx, own.account, &change.name)).await?;
    Ok(View(me_of(&services, own).await?))
}
