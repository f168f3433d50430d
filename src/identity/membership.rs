//! Memberships: an account's role in a tenant.

use serde::{Deserialize, Serialize};

use super::account::{self, Accounts};
use super::pass::ManageTenants;
use super::{Account, Error, Pass, Role, tenant_roll};
use crate::base::{AccountId, Call, MembershipId, Page, PageRequest, TenantId, Timestamp};
use crate::quotas::{self, Quota};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// The most members of a tenant.
pub const MEMBERS_MAX: usize = 1_000;
/// The most tenants of an account.
pub const MEMBERSHIPS_MAX: usize = 100;

/// An account's role in a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// Its id.
    pub id: MembershipId,
    /// As what.
    pub role: Role,
    /// Since when.
    pub created: Timestamp,
}

static BY_ACCOUNT: Index<Memberships, (AccountId, TenantId)> =
    Index::unique("identity.membership.by_account", |(tenant, account), _: &Membership| {
        Some((*account, *tenant))
    });

tables! {
    /// Who is a member of what.
    pub(super) Memberships = "identity.membership": (TenantId, AccountId) => Membership, [BY_ACCOUNT];
}

/// Makes `account` a member of the tenant, or changes its role there.
///
/// # Errors
/// [`Error::NotFound`] when there is no such account or tenant; [`Error::TooMany`]; [`Error::Quota`].
pub fn grant(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _: Pass<ManageTenants>,
    account: AccountId,
    tenant: TenantId,
    role: Role,
) -> Result<Membership, Error> {
    if account::load(tx, account)?.is_none() || !tenant_roll::has(tx, tenant)? {
        return Err(Error::NotFound);
    }
    let key = (tenant, account);
    if tx.get::<Memberships>(&key)?.is_some() {
        return Ok(tx.update::<Memberships>(&key, |membership| membership.role = role)?);
    }
    let members = count(tx, tenant)?;
    if members >= MEMBERS_MAX {
        return Err(Error::TooMany { what: "members", count_max: MEMBERS_MAX });
    }
    let one_more = u64::try_from(members).unwrap_or(u64::MAX).saturating_add(1);
    quotas::admit(tx, Quota::Members, Some(tenant), one_more)?;
    if of_account(tx, account)?.len() >= MEMBERSHIPS_MAX {
        return Err(Error::TooMany { what: "workspaces of this account", count_max: MEMBERSHIPS_MAX });
    }
    let membership = Membership { id: MembershipId::new(call.now), role, created: call.now };
    tx.insert::<Memberships>(&key, &membership)?;
    Ok(membership)
}

/// How many members the tenant has: at most [`MEMBERS_MAX`] keys are looked at, so there is no count beside them that could be
/// wrong.
///
/// # Errors
/// When the store fails.
pub fn count(tx: &impl Read, tenant: TenantId) -> Result<usize, Error> {
    Ok(tx.keys::<Memberships>(&Scan::prefix(&tenant, MEMBERS_MAX))?.len())
}

/// The account's role in the tenant, if it is a member.
///
/// # Errors
/// When the store fails.
pub fn role(tx: &impl Read, account: AccountId, tenant: TenantId) -> Result<Option<Role>, Error> {
    Ok(tx.get::<Memberships>(&(tenant, account))?.map(|membership| membership.role))
}

/// The tenants of an account with its role in each, oldest tenant first; at most [`MEMBERSHIPS_MAX`].
///
/// # Errors
/// When the store fails.
pub fn of_account(tx: &impl Read, account: AccountId) -> Result<Vec<(TenantId, Role)>, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, MEMBERSHIPS_MAX))?;
    Ok(rows.into_iter().map(|((tenant, _), membership)| (tenant, membership.role)).collect())
}

/// The members of a tenant.
///
/// # Errors
/// When the store fails.
pub fn of_tenant(
    tx: &impl Read,
    tenant: TenantId,
    request: &PageRequest,
) -> Result<Page<(Account, Role)>, Error> {
    let page = tx.page::<Memberships>(Scan::prefix(&tenant, 0), request)?;
    let mut items = Vec::with_capacity(page.items.len());
    for ((_, account), membership) in page.items {
        items.push((tx.require::<Accounts>(&account)?, membership.role));
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}
