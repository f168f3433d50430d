//! The audit trail: what happened to accounts, rights and data, in an order that cannot be changed unnoticed.
//!
//! Each keyspace has a trail of its own, written in the transaction of what it tells of: so there is an entry exactly when
//! the thing happened. What lies in the system keyspace (accounts, members, keys, tenants) is told in the system's trail,
//! with the tenant that it concerns; what lies in a tenant's is told in the tenant's. An entry is kept as the bytes of its
//! JSON, and under SHA-256 of the hash before it and those bytes; the newest place and hash are kept apart. So a changed,
//! missing, added or cut-off entry is found, and named. Who can rewrite the whole file can rewrite the whole chain: that is
//! found only against a hash that was noted elsewhere, as each backup does.
//!
//! Entries hold ids, and names that the desk itself uses; never a secret and never what a customer wrote.

mod action;
mod entry;
mod of_tenant;
#[cfg(test)]
mod tests;
mod trail;

pub use action::Action;
pub use entry::{Entry, Note};
pub use of_tenant::each_of_tenant;
pub use trail::{Head, head, record};
