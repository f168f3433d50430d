//! Memberships: an account's role in a tenant.

use serde::{Deserialize, Serialize};

use super::account::{self, Accounts};
use super::audit::{Action, Note, record};
use super::pass::ManageTenants;
use super::{Account, Error, MemberRole, Pass, Role, custom_role, tenant_roll};
use crate::base::{AccountId, Call, MembershipId, TenantId, Timestamp};
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
    pub role: MemberRole,
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
    let (key, role) = ((tenant, account), MemberRole::BuiltIn(role));
    let Some(before) = tx.get::<Memberships>(&key)? else { return admit(tx, call, account, tenant, role) };
    let after = tx.update::<Memberships>(&key, |membership| membership.role = role)?;
    if before.role != role {
        let note = Note::new(Action::MemberRoleChanged).of_tenant(tenant).about(account);
        record(tx, call, note.with("role", role).with("role_before", before.role))?;
    }
    Ok(after)
}

/// Makes an account a member of a tenant that has just arrived, in the role that it came with.
///
/// # Errors
/// [`Error::RoleUnknown`]; [`Error::TooMany`]; [`Error::Quota`].
pub fn take_in(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _: Pass<ManageTenants>,
    account: AccountId,
    tenant: TenantId,
    role: MemberRole,
) -> Result<Membership, Error> {
    custom_role::resolve(tx, tenant, role)?.ok_or(Error::RoleUnknown)?;
    admit(tx, call, account, tenant, role)
}

/// Makes an account that is not a member yet a member.
pub(super) fn admit(
    tx: &mut WriteTx<'_>,
    call: &Call,
    account: AccountId,
    tenant: TenantId,
    role: MemberRole,
) -> Result<Membership, Error> {
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
    tx.insert::<Memberships>(&(tenant, account), &membership)?;
    let note = Note::new(Action::MemberJoined).of_tenant(tenant).about(account);
    record(tx, call, note.with("role", role))?;
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
pub fn role(tx: &impl Read, account: AccountId, tenant: TenantId) -> Result<Option<MemberRole>, Error> {
    Ok(tx.get::<Memberships>(&(tenant, account))?.map(|membership| membership.role))
}

/// The tenants of an account with its role in each, oldest tenant first; at most [`MEMBERSHIPS_MAX`].
///
/// # Errors
/// When the store fails.
pub fn of_account(tx: &impl Read, account: AccountId) -> Result<Vec<(TenantId, MemberRole)>, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, MEMBERSHIPS_MAX))?;
    Ok(rows.into_iter().map(|((tenant, _), membership)| (tenant, membership.role)).collect())
}

/// The members of a tenant, oldest account first; at most [`MEMBERS_MAX`].
///
/// # Errors
/// When the store fails.
pub fn people(tx: &impl Read, tenant: TenantId) -> Result<Vec<(Account, MemberRole)>, Error> {
    let rows = tx.scan::<Memberships>(&Scan::prefix(&tenant, MEMBERS_MAX))?.into_iter();
    rows.map(|((_, account), membership)| Ok((tx.require::<Accounts>(&account)?, membership.role))).collect()
}

/// The role of each member of a tenant.
pub(super) fn roles_held(tx: &impl Read, tenant: TenantId) -> Result<Vec<MemberRole>, Error> {
    let rows = tx.scan::<Memberships>(&Scan::prefix(&tenant, MEMBERS_MAX))?;
    Ok(rows.into_iter().map(|(_, membership)| membership.role).collect())
}
