//! The audit trail: what happened to accounts, rights and data, in an order that cannot be changed unnoticed.
//!
//! Each keyspace has a trail of its own, written in the transaction of what it tells of: so there is an entry exactly when
//! the thing happened. What lies in the system keyspace (accounts, members, keys, tenants) is told in the system's trail,
//! with the tenant that it concerns; what lies in a tenant's is told in the tenant's. An entry is kept as the bytes of its
//! JSON, and under SHA-256 of the hash before it and those bytes; the newest place and hash are kept apart. So a changed,
//! missing, added or cut-off entry is found, and named. Who can rewrite the whole file can rewrite the whole chain: that is
//! found only against a hash that was noted elsewhere, as each backup does.
//!
//! Entries hold ids and words that the desk itself uses; never a secret, and in the system's trail never a name that people chose or
//! an address, which must be gone when a workspace or an account is erased. What an id is called is looked up when the trail is read.

mod action;
mod chain;
mod entry;
mod export;
mod file;
mod list;
mod of_tenant;
#[cfg(test)]
mod tests;
mod trail;

pub use action::Action;
pub use chain::{Breach, Broken, Verified, verify};
pub use entry::{Entry, Note};
pub use export::{Export, note_export_of_appliance, note_export_of_workspace};
pub use file::{BrokenLine, LineBreach, VerifiedFile, verify_file};
pub use list::{ActorView, EntryView, Filter, TrailKind, list_of_appliance, list_of_workspace};
pub use of_tenant::each_of_tenant;
pub use trail::{Head, head, record};
