//! The roll of tenants whose keyspaces may be entered.
//!
//! What a tenant is called and looks like is the tenants room's; that it exists must be known here, where keyspaces are
//! opened: a keyspace is made when it is opened, so a token that outlived its tenant would bring the folder back.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::{TenantId, Timestamp};
use crate::store::{Read, WriteTx, tables};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    since: Timestamp,
}

tables! {
    /// The tenants that exist.
    pub(super) TenantRoll = "identity.tenant_roll": TenantId => Entry;
}

/// Puts a new tenant on the roll, in the transaction that creates it.
///
/// # Errors
/// When it is there already, or the store fails.
pub fn enrol(tx: &mut WriteTx<'_>, now: Timestamp, tenant: TenantId) -> Result<(), Error> {
    Ok(tx.insert::<TenantRoll>(&tenant, &Entry { since: now })?)
}

/// Whether the tenant exists.
///
/// # Errors
/// When the store fails.
pub fn has(tx: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.get::<TenantRoll>(&tenant)?.is_some())
}
