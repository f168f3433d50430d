//! The API's routes together: those that a visitor's browser asks from another site, and all others.
//!
//! Only the visitors' routes answer cross-origin requests (CORS), with a bearer token and never with a cookie.

use super::Routes;
use super::{
    accounts, api_keys, appliance, audit, backups, budget, carrying, certificate, conversations, documents,
    egress, erasure, health, identity, images, invitations, jobs, members, mfa, passwords, provider_keys,
    replays, search, sessions, tenants, widget, workspace_use,
};
use crate::http::headers::cors;

/// Every route of the API.
pub(in crate::http) fn routes() -> Routes {
    let for_visitors = widget::routes().merge(conversations::routes()).merge(images::routes()).layer(cors());
    let for_members = Routes::new()
        .merge(identity::routes())
        .merge(sessions::routes())
        .merge(mfa::routes())
        .merge(passwords::routes())
        .merge(accounts::routes())
        .merge(tenants::routes())
        .merge(workspace_use::routes())
        .merge(erasure::routes())
        .merge(carrying::routes())
        .merge(api_keys::routes())
        .merge(members::routes())
        .merge(invitations::routes())
        .merge(audit::routes())
        .merge(budget::routes())
        .merge(provider_keys::routes())
        .merge(replays::routes())
        .merge(documents::routes())
        .merge(search::routes())
        .merge(jobs::routes())
        .merge(egress::routes())
        .merge(appliance::routes())
        .merge(backups::routes());
    Routes::new().merge(for_visitors).merge(for_members).merge(health::routes()).merge(certificate::routes())
}
