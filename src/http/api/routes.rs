//! The API's routes together: those that a visitor's browser asks from another site, and all others.
//!
//! Only the visitors' routes answer cross-origin requests (CORS), with a bearer token and never with a cookie.

use super::Routes;
use super::{
    api_keys, backups, budget, certificate, conversations, documents, egress, health, identity, images, jobs,
    provider_keys, replays, search, tenants, widget,
};
use crate::http::headers::cors;

/// Every route of the API.
pub(in crate::http) fn routes() -> Routes {
    let for_visitors = widget::routes().merge(conversations::routes()).merge(images::routes()).layer(cors());
    let for_members = Routes::new()
        .merge(identity::routes())
        .merge(tenants::routes())
        .merge(api_keys::routes())
        .merge(budget::routes())
        .merge(provider_keys::routes())
        .merge(replays::routes())
        .merge(documents::routes())
        .merge(search::routes())
        .merge(jobs::routes())
        .merge(egress::routes())
        .merge(backups::routes());
    Routes::new().merge(for_visitors).merge(for_members).merge(health::routes()).merge(certificate::routes())
}
