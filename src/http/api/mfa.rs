//! The second factor of the person who asks.
//!
//! Each change is proved with the password, and with a code once there is a second factor; both are counted and throttled as
//! at signing in. A page shows the QR code as it comes: one `svg` element without script or style.

use axum::Json as View;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use super::identity::{Cookie, own, session_cookie};
use crate::base::Secret;
use crate::http::{Caller, Inside, Json, Problem, RequestContext};
use crate::identity::{Error, RecoveryCodes};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(begin, disable)).routes(routes!(confirm)).routes(routes!(renew_codes))
}

/// The password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordProof {
    /// The password of the person who asks.
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// A code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeProof {
    /// The six digits that the app shows.
    #[schema(value_type = String)]
    code: Secret,
}

/// The password and a code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FullProof {
    /// The password of the person who asks.
    #[schema(value_type = String, format = Password)]
    password: Secret,
    /// The six digits that the app shows, or a recovery code.
    #[schema(value_type = String)]
    code: Secret,
}

/// What an authenticator app takes up. Shown once.
#[derive(Debug, Serialize, ToSchema)]
struct EnrolmentView {
    /// The seed in base32, to be typed.
    secret: String,
    /// The `otpauth` link.
    uri: String,
    /// The link as a QR code: an `svg` element.
    qr_svg: String,
}

/// Recovery codes. Shown once.
#[derive(Debug, Serialize, ToSchema)]
struct RecoveryCodesView {
    /// Ten, each good once in place of the app's code.
    recovery_codes: Vec<String>,
}

impl From<&RecoveryCodes> for RecoveryCodesView {
    fn from(made: &RecoveryCodes) -> Self {
        Self { recovery_codes: made.codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

/// Begins setting up a second factor. Nothing changes until it is confirmed with a code, within 15 minutes.
///
/// Any signed-in person.
#[utoipa::path(post, path = "/api/v1/me/mfa", tag = "identity", security(("session" = [])), request_body = PasswordProof,
    responses((status = 200, description = "What an authenticator app takes up.", body = EnrolmentView)))]
async fn begin(
    services: Inside,
    caller: Caller,
    context: RequestContext,
    Json(proof): Json<PasswordProof>,
) -> Result<View<EnrolmentView>, Problem> {
    let own = own(&caller)?;
    services.limits.sign_in(&context)?;
    let enrolment = services.sign_in.begin_mfa(&caller.call, own, proof.password).await?;
    Ok(View(EnrolmentView {
        secret: enrolment.secret.expose().to_owned(),
        uri: enrolment.uri.expose().to_owned(),
        qr_svg: enrolment.qr_svg.expose().to_owned(),
    }))
}

/// Turns the second factor on. All other sessions end, and this one goes on under a new cookie.
///
/// Any signed-in person.
#[utoipa::path(post, path = "/api/v1/me/mfa/confirm", tag = "identity", security(("session" = [])), request_body = CodeProof,
    responses((status = 200, description = "On, with recovery codes.", body = RecoveryCodesView)))]
async fn confirm(
    services: Inside,
    caller: Caller,
    context: RequestContext,
    Json(proof): Json<CodeProof>,
) -> Result<(Cookie, View<RecoveryCodesView>), Problem> {
    let own = own(&caller)?;
    services.limits.sign_in(&context)?;
    let made = services.sign_in.confirm_mfa(&caller.call, own, proof.code).await?;
    let session = made.session.as_ref().ok_or(Error::SessionEnded)?;
    Ok((session_cookie(session), View(RecoveryCodesView::from(&made))))
}

/// Turns the second factor off. All other sessions end, and this one goes on under a new cookie.
///
/// Any signed-in person.
#[utoipa::path(delete, path = "/api/v1/me/mfa", tag = "identity", security(("session" = [])), request_body = FullProof,
    responses((status = 204, description = "Off.")))]
async fn disable(
    services: Inside,
    caller: Caller,
    context: RequestContext,
    Json(proof): Json<FullProof>,
) -> Result<(StatusCode, Cookie), Problem> {
    let own = own(&caller)?;
    services.limits.sign_in(&context)?;
    let session = services.sign_in.disable_mfa(&caller.call, own, proof.password, proof.code).await?;
    Ok((StatusCode::NO_CONTENT, session_cookie(&session)))
}

/// Makes new recovery codes in place of all before.
///
/// Any signed-in person.
#[utoipa::path(post, path = "/api/v1/me/mfa/recovery-codes", tag = "identity", security(("session" = [])), request_body = FullProof,
    responses((status = 200, description = "The new ones.", body = RecoveryCodesView)))]
async fn renew_codes(
    services: Inside,
    caller: Caller,
    context: RequestContext,
    Json(proof): Json<FullProof>,
) -> Result<View<RecoveryCodesView>, Problem> {
    let own = own(&caller)?;
    services.limits.sign_in(&context)?;
    let made = services.sign_in.renew_recovery_codes(&caller.call, own, proof.password, proof.code).await?;
    Ok(View(RecoveryCodesView::from(&made)))
}
