//! The API: one file per room, and [`routes()`] that puts them together.
//!
//! A handler extracts, gets its pass, makes one call and shows a view. It is described by its own attribute, from which
//! the OpenAPI document is made, and names its permission in its doc comment. It decides nothing: who may do what stands
//! in `identity`, what happens in the room that is called.
//!
//! Every route has a row in the rights matrix, `tests/it/rights.rs`; a route without one fails that test. Owns no table,
//! no job and no event. Limits are those of `http`.

mod api_keys;
mod backups;
mod budget;
mod certificate;
mod conversations;
mod documents;
mod egress;
mod health;
mod identity;
mod images;
mod jobs;
mod list;
mod provider_keys;
mod replays;
mod routes;
mod search;
mod tenants;
mod widget;

pub(super) use list::List;
pub(super) use routes::routes;

use super::Routes;
