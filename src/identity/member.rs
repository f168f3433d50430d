//! The members of a workspace as its managers see and change them.
//!
//! Nobody gives more than they have, and nobody touches who has more than they: a member is changed or removed only by
//! somebody who has all that member's rights. Only an owner makes or unmakes owners, and the last owner stays.

use serde::Serialize;

use super::account::{self, Accounts};
use super::audit::{Action, Note, record};
use super::membership::{self, Membership, Memberships};
use super::pass::{ManageMembers, ReadMembers};
use super::{Email, Error, MemberRole, Pass, Revocations, Revoked, custom_role, invitation, mfa};
use crate::base::{AccountId, Call, Page, PageRequest, TenantId, Timestamp};
use crate::store::{Read, Scan, WriteTx};

/// A member as people see them.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MemberView {
    /// The account.
    pub account_id: AccountId,
    /// What the person is called.
    pub name: String,
    /// The e-mail address.
    pub email: Email,
    /// The role.
    pub role: MemberRole,
    /// What people call the role.
    pub role_name: String,
    /// Whether the person has a second factor.
    pub mfa: bool,
    /// Since when.
    pub joined_at: Timestamp,
}

/// The members of the pass's workspace, oldest account first.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    pass: Pass<ReadMembers>,
    request: &PageRequest,
) -> Result<Page<MemberView>, Error> {
    let tenant = pass.workspace()?;
    let page = tx.page::<Memberships>(Scan::prefix(&tenant, 0), request)?;
    let mut items = Vec::with_capacity(page.items.len());
    for ((_, account), membership) in page.items {
        items.push(view(tx, tenant, account, &membership)?);
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Gives a member of the pass's workspace another role; counts from the next request on.
///
/// # Errors
/// [`Error::NotFound`], [`Error::RoleUnknown`], [`Error::BeyondOwnRights`], [`Error::LastOwner`].
pub fn change_role(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    account: AccountId,
    role: MemberRole,
) -> Result<MemberView, Error> {
    let tenant = pass.workspace()?;
    let before = touchable(tx, pass, tenant, account)?;
    custom_role::may_give(tx, pass, tenant, role)?;
    if before.role == role {
        return view(tx, tenant, account, &before);
    }
    if before.role.is_owner() {
        keep_an_owner(tx, tenant)?;
    }
    let after = tx.update::<Memberships>(&(tenant, account), |membership| membership.role = role)?;
    Revocations::tell(tx, Revoked::Account(account));
    let note = Note::new(Action::MemberRoleChanged).of_tenant(tenant).about(account);
    record(tx, call, note.with("role", role).with("role_before", before.role))?;
    view(tx, tenant, account, &after)
}

/// Removes a member of the pass's workspace, and takes back the invitations that the person has made; the account stays.
///
/// # Errors
/// [`Error::NotFound`], [`Error::BeyondOwnRights`], [`Error::LastOwner`].
pub fn remove(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    account: AccountId,
) -> Result<(), Error> {
    let tenant = pass.workspace()?;
    let before = touchable(tx, pass, tenant, account)?;
    if before.role.is_owner() {
        keep_an_owner(tx, tenant)?;
    }
    tx.remove::<Memberships>(&(tenant, account))?;
    Revocations::tell(tx, Revoked::Account(account));
    invitation::revoke_all_of(tx, call, tenant, account)?;
    let note = Note::new(Action::MemberRemoved).of_tenant(tenant).about(account);
    Ok(record(tx, call, note.with("role_before", before.role))?)
}

/// The membership, if the holder of the pass may change it.
fn touchable(
    tx: &impl Read,
    pass: Pass<ManageMembers>,
    tenant: TenantId,
    account: AccountId,
) -> Result<Membership, Error> {
    let membership = tx.get::<Memberships>(&(tenant, account))?.ok_or(Error::NotFound)?;
    let theirs = custom_role::permissions(tx, tenant, membership.role)?;
    let owner = membership.role.is_owner() && !pass.authority().is_owner();
    if owner || !pass.authority().covers(theirs) { Err(Error::BeyondOwnRights) } else { Ok(membership) }
}

/// Refuses while there is only one owner, whose role is about to go.
fn keep_an_owner(tx: &impl Read, tenant: TenantId) -> Result<(), Error> {
    let owners = membership::roles_held(tx, tenant)?.into_iter().filter(|role| role.is_owner()).count();
    if owners > 1 { Ok(()) } else { Err(Error::LastOwner) }
}

fn view(
    tx: &impl Read,
    tenant: TenantId,
    account: AccountId,
    membership: &Membership,
) -> Result<MemberView, Error> {
    let person: account::Account = tx.require::<Accounts>(&account)?;
    Ok(MemberView {
        account_id: account,
        name: person.name,
        email: person.email,
        role: membership.role,
        role_name: custom_role::name(tx, tenant, membership.role)?,
        mfa: mfa::is_enabled(tx, account)?,
        joined_at: membership.created,
    })
}
