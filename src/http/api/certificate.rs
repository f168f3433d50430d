//! The certificate of the appliance's own authority, to be installed where the appliance is to be trusted.
//!
//! It is public, as certificates are; the authority's private key never leaves the data directory. Where the site brings
//! its own certificate there is nothing to install, and the route is not found.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use utoipa_axum::routes;

use super::Routes;
use crate::http::{Inside, Problem};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(authority)).routes(routes!(revocations))
}

/// The certificate of the appliance's own authority.
///
/// Open to everybody. Not found when the site's own certificate is in use.
#[utoipa::path(get, path = "/ca.pem", tag = "certificate", responses(
    (status = 200, description = "The certificate.", body = String, content_type = "application/x-pem-file"),
))]
async fn authority(services: Inside) -> Result<impl IntoResponse, Problem> {
    let pem = services.certificates.authority_pem().ok_or_else(Problem::not_found)?;
    let headers = [
        (CONTENT_TYPE, "application/x-pem-file"),
        (CONTENT_DISPOSITION, "attachment; filename=\"frontdesk-ca.pem\""),
    ];
    Ok((headers, pem))
}

/// What the appliance's own authority has taken back (RFC 5280), which is nothing.
///
/// Open to everybody, over plain HTTP too. Not found when the site's own certificate is in use.
#[utoipa::path(get, path = "/ca.crl", tag = "certificate", responses(
    (status = 200, description = "The list.", body = Vec<u8>, content_type = "application/pkix-crl"),
))]
async fn revocations(services: Inside) -> Result<impl IntoResponse, Problem> {
    let list = services.certificates.revocations().ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, "application/pkix-crl")], list))
}
