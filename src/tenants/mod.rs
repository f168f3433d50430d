//! Tenants: who has a workspace on this appliance, and how it looks to customers. Code says tenant, people read workspace.
//!
//! What everybody must find without opening a tenant's keyspace lies in the system's: the name, the slug of its addresses and
//! its branding. The room also composes what needs both an account and a workspace: the first setup ([`set_up()`]), what a
//! signed-in person sees of themselves ([`me()`]), and choosing a workspace by its slug ([`choose_workspace`]).
//!
//! The operator suspends, limits ([`operate`]) and erases ([`erase`]) them.
//!
//! One file carries a tenant from one appliance to another ([`Carrier`]).
//!
//! Tables, in the system keyspace: `tenants.tenant`, `tenants.erasure`, `tenants.arrival`. Job: `tenants.finish_erasure` (lane upkeep). Owns no event.
//!
//! Limits: 4 exports and imports at a time; slugs of 2 to 48 characters; [`branding::SUGGESTIONS_MAX`] suggestions of [`branding::SUGGESTION_CHARS_MAX`]
//! characters; the other texts as in [`branding`].

pub mod branding;
mod carried;
mod create;
pub mod erase;
mod error;
mod export;
mod import;
mod invited;
mod me;
pub mod operate;
mod set_up;
mod tenant;
#[cfg(test)]
mod tests;

pub use branding::{UncitedChoice, WorkspaceChange};
pub use carried::{Carrier, LeftOut};
pub use create::{NewTenant, create};
pub use erase::{Eraser, FinishErasure, Proof};
pub use error::{Error, Rule};
pub use export::Pieces;
pub use import::{Imported, NotImported, discard_arrivals};
pub use invited::{
    Acceptance, Accepted, InvitedView, accept_invitation, look_at_invitation, mail_invitation,
};
pub use me::{Me, MyWorkspace, choose_workspace, me, workspaces_of};
pub use operate::{TenantChange, TenantView};
pub use set_up::{NewOwner, SetUp, found, set_up};
pub use tenant::{Tenant, UncitedClaims, WorkspaceView, by_slug, list, load, of_pass};
