//! The API: one file per room, and [`routes()`] that puts them together.
//!
//! A handler extracts, gets its pass, makes one call and shows a view. It is described by its own attribute, from which
//! the OpenAPI document is made, and names its permission in its doc comment. It decides nothing: who may do what stands
//! in `identity`, what happens in the room that is called.
//!
//! Every route has a row in the rights matrix, `tests/it/rights.rs`; a route without one fails that test. Owns no table,
//! no job and no event. Limits are those of `http`.

mod accounts;
mod api_keys;
mod appliance;
mod audit;
mod backups;
mod budget;
mod carrying;
mod certificate;
mod conversations;
mod documents;
mod egress;
mod erasure;
mod health;
mod identity;
mod images;
mod invitations;
mod jobs;
mod list;
mod members;
mod mfa;
mod passwords;
mod provider_keys;
mod replays;
mod routes;
mod search;
mod sessions;
mod tenants;
mod widget;
mod workspace_use;

pub(super) use list::List;
pub(super) use routes::routes;

use super::Routes;
