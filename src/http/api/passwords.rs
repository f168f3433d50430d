//! Changing one's password, and setting it by a link when it is forgotten.
//!
//! Asking for a link is answered alike, in words and in time, whether or not there is such an account. The link's token lies in
//! the fragment of the page's address, which browsers do not send.

use axum::Json as View;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use super::accounts::reset_link;
use super::identity::{Cookie, call_of_nobody, me_of, own, session_cookie};
use crate::base::Secret;
use crate::http::{Caller, Inside, Json, Problem, RequestContext};
use crate::identity::{Error, password_reset};
use crate::notify::mail;
use crate::tenants::{self, Me};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(change)).routes(routes!(ask)).routes(routes!(redeem))
}

/// The password as it is, and as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The password as it is.
    #[schema(value_type = String, format = Password)]
    current_password: Secret,
    /// The password as it shall be: 12 to 128 characters that are hard to guess.
    #[schema(value_type = String, format = Password)]
    new_password: Secret,
}

/// Changes the password. All other sessions end, and this one goes on under a new cookie.
///
/// Any signed-in person.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "identity", security(("session" = [])), request_body = PasswordChange,
    responses((status = 200, description = "Changed.", body = Me)))]
async fn change(
    services: Inside,
    caller: Caller,
    context: RequestContext,
    Json(wish): Json<PasswordChange>,
) -> Result<(Cookie, View<Me>), Problem> {
    let own = own(&caller)?;
    services.limits.sign_in(&context)?;
    let account = own.account;
    let workspaces = services.system().query(move |tx| tenants::workspaces_of(tx, account)).await?;
    let names = workspaces.into_iter().map(|workspace| workspace.name).collect();
    let PasswordChange { current_password, new_password } = wish;
    let session =
        services.sign_in.change_password(&caller.call, own, current_password, new_password, names).await?;
    Ok((session_cookie(&session), View(me_of(&services, own).await?)))
}

/// Whose password is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetWish {
    /// The address, in any spelling.
    email: String,
}

/// Asks for a link by mail that sets a new password. It is good once, for 30 minutes.
///
/// Open to everybody; 5 an hour from one address and for one account. Without mail (`mail_not_set_up`) an administrator makes a
/// link with `frontdesk account reset`.
#[utoipa::path(post, path = "/api/v1/password-resets", tag = "identity", request_body = ResetWish,
    responses((status = 202, description = "If there is such an account, a letter is on its way.")))]
async fn ask(
    services: Inside,
    context: RequestContext,
    Json(wish): Json<ResetWish>,
) -> Result<StatusCode, Problem> {
    services.limits.sign_in(&context)?;
    if !services.mail.is_set_up() {
        let detail = "This appliance sends no mail. Ask whoever runs it for a link to set a new password.";
        return Err(Problem::new(StatusCode::CONFLICT, "mail_not_set_up", detail));
    }
    let call = call_of_nobody(&services, &context);
    services.sign_in.reset_is_asked(&call, &wish.email)?;
    let address = services.address.get();
    let asked = services.system().write(move |tx| {
        if let Some(issued) = password_reset::issue(tx, &call, &wish.email)? {
            let link = reset_link(&address, &issued.token);
            let minutes = password_reset::RESET_LIFE.as_secs() / 60;
            mail::password_reset(tx, call.now, issued.email.as_str(), &link, minutes)?;
        }
        Ok::<_, Error>(())
    });
    asked.await?;
    Ok(StatusCode::ACCEPTED)
}

/// A link's token and a new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Redemption {
    /// From the link.
    #[schema(value_type = String)]
    token: Secret,
    /// The password as it shall be: 12 to 128 characters that are hard to guess.
    #[schema(value_type = String, format = Password)]
    new_password: Secret,
}

/// Sets a new password by a link. Every session of the account ends; its second factor stays.
///
/// Open to whoever has the link, once.
#[utoipa::path(post, path = "/api/v1/password-resets/redeem", tag = "identity", request_body = Redemption,
    responses((status = 204, description = "Set. Sign in with it.")))]
async fn redeem(
    services: Inside,
    context: RequestContext,
    Json(wish): Json<Redemption>,
) -> Result<StatusCode, Problem> {
    services.limits.sign_in(&context)?;
    let call = call_of_nobody(&services, &context);
    services.sign_in.reset_password(&call, &wish.token, wish.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
