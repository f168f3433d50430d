//! Invitations to the caller's workspace; and looking at one and accepting it, which needs nothing but its link.
//!
//! The link's token stands in the fragment of a page's address, so no server's log and no other site ever sees it. It is
//! shown once, in the answer that makes it. Looking and accepting are limited by address before anything is looked at.

use axum::Json as View;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::identity::{call_of_nobody, device, session_cookie};
use super::{List, Routes};
use crate::base::{InvitationId, Secret};
use crate::http::idempotency::once;
use crate::http::{Caller, Creating, Inside, Json, Paging, Path, Problem, RequestContext};
use crate::identity::pass::ManageMembers;
use crate::identity::{Email, InvitationView, MemberRole, NewInvitation, invitation};
use crate::tenants::{self, Acceptance, Accepted, InvitedView, Me};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
        .routes(routes!(look))
        .routes(routes!(accept))
}

/// The open invitations of the workspace, oldest first.
///
/// Permission: `ManageMembers`. A page may hold fewer rows than asked for; go on while there is a cursor.
#[utoipa::path(get, path = "/api/v1/invitations", tag = "members", security(("session" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<InvitationView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<InvitationView>>, Problem> {
    let (pass, now) = (caller.pass::<ManageMembers>()?, caller.call.now);
    Ok(View(services.system().query(move |tx| invitation::list(tx, now, pass, &page)).await?.into()))
}

/// Who is to be invited.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InvitationWish {
    /// The person's e-mail address.
    email: String,
    /// As what: a role's id.
    role: MemberRole,
}

/// An invitation that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct NewInvitationView {
    /// The invitation.
    invitation: InvitationView,
    /// What the person opens. Shown once.
    link: String,
    /// Whether it was sent to the person by mail.
    mailed: bool,
}

/// Invites a person by e-mail address, in place of an invitation that the address has. The link is shown this once.
///
/// Permission: `ManageMembers`, and every permission of the role; owners are invited by owners only. Good for seven days and
/// one use.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "members", security(("session" = [])), request_body = InvitationWish,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    responses((status = 201, description = "Made.", body = NewInvitationView)))]
async fn create(
    services: Inside,
    caller: Caller,
    wish: Creating<InvitationWish>,
) -> Result<(StatusCode, View<Value>), Problem> {
    let pass = caller.pass::<ManageMembers>()?;
    let new = NewInvitation { email: Email::parse(&wish.body.email)?, role: wish.body.role };
    let (sealer, call, address) = (services.sealer.clone(), caller.call, services.address.get());
    let made = services.system().write(move |tx| {
        once(tx, &sealer, (call.actor, call.now), wish.once.as_ref(), |tx| {
            let made = invitation::create(tx, &call, pass, &new)?;
            let link = format!("{address}/invite#token={}", made.token.expose());
            let mailed = tenants::mail_invitation(tx, &call, pass, &made.invitation, &link)?;
            Ok::<_, tenants::Error>(NewInvitationView { invitation: made.invitation, link, mailed })
        })
    });
    Ok((StatusCode::CREATED, View(made.await?)))
}

/// Takes an invitation back: its link opens nothing any more.
///
/// Permission: `ManageMembers`.
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "members", security(("session" = [])),
    params(("id" = InvitationId, Path, description = "The invitation.")), responses((status = 204, description = "Taken back.")))]
async fn revoke(
    services: Inside,
    caller: Caller,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    let (pass, call) = (caller.pass::<ManageMembers>()?, caller.call);
    services.system().write(move |tx| invitation::revoke(tx, &call, pass, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token of an invitation's link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Token {
    /// What stands behind `#token=`.
    #[schema(value_type = String)]
    token: Secret,
}

/// What an invitation is to.
///
/// Open to whoever has the link; limited by address.
#[utoipa::path(post, path = "/api/v1/invitations/look", tag = "members", request_body = Token,
    responses((status = 200, description = "The invitation.", body = InvitedView)))]
async fn look(
    services: Inside,
    context: RequestContext,
    Json(wish): Json<Token>,
) -> Result<View<InvitedView>, Problem> {
    services.limits.sign_in(&context)?;
    let now = services.clock.now();
    Ok(View(services.system().query(move |tx| tenants::look_at_invitation(tx, now, &wish.token)).await?))
}

/// Who accepts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptWish {
    /// What stands behind `#token=`.
    #[schema(value_type = String)]
    token: Secret,
    /// What the person is called; for a new account.
    #[serde(default)]
    name: Option<String>,
    /// The password to sign in with; for a new account.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
}

/// Accepts an invitation: as the signed-in person whose address it is for, or with a new account for that address.
///
/// Open to whoever has the link, once; limited by address. An address that has an account signs in first.
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "members", security((), ("session" = [])), request_body = AcceptWish,
    responses((status = 200, description = "A member now.", body = Me), (status = 201, description = "A member with a new account, signed in by cookie.", body = Me)))]
async fn accept(
    services: Inside,
    context: RequestContext,
    headers: HeaderMap,
    caller: Result<Caller, Problem>,
    Json(wish): Json<AcceptWish>,
) -> Result<Response, Problem> {
    services.limits.sign_in(&context)?;
    let caller = match caller {
        Ok(caller) => Some(caller),
        // A sign-in that has ended is none.
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => None,
        Err(problem) => return Err(problem),
    };
    let signed_in =
        caller.as_ref().and_then(|caller| caller.principal.signed_in()).map(|(account, _)| account);
    let call = caller.map_or_else(|| call_of_nobody(&services, &context), |caller| caller.call);
    let AcceptWish { token, name, password } = wish;
    let device = device(&call, &headers);
    let acceptance = Acceptance { token, name, password, signed_in };
    let accepted =
        tenants::accept_invitation(services.system(), &services.passwords, &call, device, acceptance);
    Ok(match accepted.await? {
        Accepted::Joined(me) => View(me).into_response(),
        Accepted::WithNewAccount(me, session) => {
            (StatusCode::CREATED, session_cookie(&session), View(me)).into_response()
        }
    })
}
