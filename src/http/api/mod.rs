//! The API, one file per room. A handler extracts, gets its pass, makes one call and shows a view.

mod api_keys;
mod certificate;
mod conversations;
mod documents;
mod health;
mod identity;
mod jobs;
mod list;
mod routes;
mod search;
mod tenants;
mod widget;

pub(super) use list::List;
pub(super) use routes::routes;

use super::Routes;
