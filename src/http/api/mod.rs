//! The API, one file per room. A handler extracts, gets its pass, makes one call and shows a view.

mod api_keys;
mod budget;
mod certificate;
mod conversations;
mod documents;
mod health;
mod identity;
mod jobs;
mod list;
mod search;
mod tenants;
mod widget;

pub(super) use list::List;

use super::Routes;
use super::headers::cors;

/// Every route of the API.
pub(super) fn routes() -> Routes {
    let for_visitors = widget::routes().merge(conversations::routes()).layer(cors());
    let for_members = Routes::new()
        .merge(identity::routes())
        .merge(tenants::routes())
        .merge(api_keys::routes())
        .merge(budget::routes())
        .merge(documents::routes())
        .merge(search::routes())
        .merge(jobs::routes());
    Routes::new().merge(for_visitors).merge(for_members).merge(health::routes()).merge(certificate::routes())
}
