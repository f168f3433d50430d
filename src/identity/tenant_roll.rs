//! The roll of tenants whose keyspaces may be entered.
//!
//! What a tenant is called and looks like is the tenants room's; that it exists must be known here, where keyspaces are
//! opened: a keyspace is made when it is opened, so a token that outlived its tenant would bring the folder back.

use serde::{Deserialize, Serialize};

use super::{Error, Revocations, Revoked};
use crate::base::{TenantId, Timestamp};
use crate::store::{Read, Scan, WriteTx, tables};

/// The most tenants that one start reads.
const TENANTS_MAX: usize = 1_000_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    since: Timestamp,
    /// Its members must have a second factor.
    #[serde(default)]
    pub(super) mfa_required: bool,
    /// Nobody but the operator may enter.
    #[serde(default)]
    pub(super) suspended: bool,
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
    Ok(tx.insert::<TenantRoll>(&tenant, &Entry { since: now, mfa_required: false, suspended: false })?)
}

/// Whether the tenant exists.
///
/// # Errors
/// When the store fails.
pub fn has(tx: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.get::<TenantRoll>(&tenant)?.is_some())
}

/// Takes the tenant off the roll, in the transaction that erases it; whether it was there. Nobody enters it from then on.
///
/// # Errors
/// When the store fails.
pub fn strike(tx: &mut WriteTx<'_>, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.remove::<TenantRoll>(&tenant)?)
}

/// The tenants that are suspended, for the start.
///
/// # Errors
/// When the store fails.
pub fn suspended(tx: &impl Read) -> Result<Vec<TenantId>, Error> {
    let rows = tx.scan::<TenantRoll>(&Scan::all(TENANTS_MAX))?;
    Ok(rows.into_iter().filter(|(_, entry)| entry.suspended).map(|(tenant, _)| tenant).collect())
}

/// Whether members of the tenant must have a second factor; false when there is no such tenant.
///
/// # Errors
/// When the store fails.
pub fn requires_mfa(tx: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.get::<TenantRoll>(&tenant)?.is_some_and(|entry| entry.mfa_required))
}

/// Whether the tenant is suspended; false when there is no such tenant.
///
/// # Errors
/// When the store fails.
pub fn is_suspended(tx: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.get::<TenantRoll>(&tenant)?.is_some_and(|entry| entry.suspended))
}

/// Says whether members of the tenant must have a second factor.
///
/// # Errors
/// When there is no such tenant, or the store fails.
pub fn require_mfa(tx: &mut WriteTx<'_>, tenant: TenantId, required: bool) -> Result<(), Error> {
    tx.update::<TenantRoll>(&tenant, |entry| entry.mfa_required = required)?;
    Revocations::tell(tx, Revoked::Tenant(tenant));
    Ok(())
}

/// Suspends the tenant, or lets it go on.
///
/// # Errors
/// When there is no such tenant, or the store fails.
pub fn suspend(tx: &mut WriteTx<'_>, tenant: TenantId, suspended: bool) -> Result<(), Error> {
    tx.update::<TenantRoll>(&tenant, |entry| entry.suspended = suspended)?;
    Revocations::tell(tx, Revoked::Tenant(tenant));
    Ok(())
}
