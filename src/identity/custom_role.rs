//! Roles that a workspace makes for itself: a name and a set of permissions, held by any number of its members.
//!
//! Nobody gives more than they have: whoever makes or changes a role has all that is in it, before and after. A role that
//! somebody holds, or is invited to, cannot be deleted.

use serde::{Deserialize, Serialize};

use super::audit::{Action, Note, record};
use super::pass::{ManageMembers, ManageTenants};
use super::role::MemberRole;
use super::{Error, Pass, Permissions, Revocations, Revoked, Role, account, invitation, membership};
use crate::base::{Call, RoleId, TenantId, Timestamp};
use crate::store::{Read, Scan, WriteTx, tables};

/// The most roles that a workspace makes for itself.
pub const ROLES_MAX: usize = 50;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CustomRole {
    name: String,
    permissions: Permissions,
    created: Timestamp,
}

tables! {
    /// The roles that tenants have made.
    pub(super) CustomRoles = "identity.role": (TenantId, RoleId) => CustomRole;
}

/// A role as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RoleView {
    /// Its id: `viewer`, `agent`, `admin`, `owner`, or that of a role of this workspace.
    pub id: MemberRole,
    /// What people call it.
    pub name: String,
    /// Whether every workspace has it, and nobody can change it.
    pub built_in: bool,
    /// What it permits.
    #[schema(value_type = Vec<super::Permission>)]
    pub permissions: Permissions,
    /// How many members hold it.
    pub members: usize,
}

/// A role to be made.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// What people are to call it.
    pub name: String,
    /// What it is to permit.
    pub permissions: Permissions,
}

/// What is to change about a role; what is nothing stays.
#[derive(Debug, Clone, Default)]
pub struct RoleChange {
    /// Another name.
    pub name: Option<String>,
    /// Other permissions.
    pub permissions: Option<Permissions>,
}

/// A role as it is carried to another appliance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedRole {
    id: RoleId,
    name: String,
    permissions: Permissions,
}

/// The roles that a tenant has made, to be carried to another appliance.
///
/// # Errors
/// When the store fails.
pub fn carry(tx: &impl Read, tenant: TenantId) -> Result<Vec<CarriedRole>, Error> {
    let roles = own(tx, tenant)?.into_iter();
    Ok(roles
        .map(|(id, CustomRole { name, permissions, .. })| CarriedRole { id, name, permissions })
        .collect())
}

/// Gives a tenant that has just arrived the roles that came with it.
///
/// # Errors
/// [`Error::TooMany`], [`Error::BadName`], [`Error::RoleNameTaken`]; when the store fails.
pub fn settle(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    _: Pass<ManageTenants>,
    tenant: TenantId,
    carried: &[CarriedRole],
) -> Result<(), Error> {
    if carried.len() > ROLES_MAX {
        return Err(Error::TooMany { what: "roles", count_max: ROLES_MAX });
    }
    for CarriedRole { id, name, permissions } in carried {
        let name = free_name(tx, tenant, None, name)?;
        let permissions = permissions.and(Permissions::of_workspace());
        tx.insert::<CustomRoles>(&(tenant, *id), &CustomRole { name, permissions, created: now })?;
    }
    Ok(())
}

/// The roles of the pass's workspace: those that are built in, then its own, oldest first.
///
/// # Errors
/// When the store fails.
pub fn list(tx: &impl Read, pass: Pass<ManageMembers>) -> Result<Vec<RoleView>, Error> {
    let tenant = pass.workspace()?;
    let held = membership::roles_held(tx, tenant)?;
    let members = |id: MemberRole| held.iter().filter(|role| **role == id).count();
    let built_in = Role::ALL.into_iter().map(|role| {
        let id = MemberRole::BuiltIn(role);
        let (name, permissions) = (role.name().to_owned(), role.permissions());
        RoleView { id, name, built_in: true, permissions, members: members(id) }
    });
    let custom = own(tx, tenant)?.into_iter().map(|(id, role)| {
        let id = MemberRole::Custom(id);
        RoleView { id, name: role.name, built_in: false, permissions: role.permissions, members: members(id) }
    });
    Ok(built_in.chain(custom).collect())
}

/// Makes a role of the pass's workspace.
///
/// # Errors
/// [`Error::BadName`], [`Error::RoleNameTaken`], [`Error::PermissionsEmpty`], [`Error::BeyondOwnRights`], [`Error::TooMany`].
pub fn create(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    new: &NewRole,
) -> Result<RoleView, Error> {
    let tenant = pass.workspace()?;
    if own(tx, tenant)?.len() >= ROLES_MAX {
        return Err(Error::TooMany { what: "roles", count_max: ROLES_MAX });
    }
    let name = free_name(tx, tenant, None, &new.name)?;
    may_hand_on(pass, new.permissions)?;
    let id = RoleId::new(call.now);
    let role = CustomRole { name, permissions: new.permissions, created: call.now };
    tx.insert::<CustomRoles>(&(tenant, id), &role)?;
    record(tx, call, told(Action::RoleCreated, tenant, id, &role))?;
    view(tx, tenant, id, role)
}

/// Changes a role of the pass's workspace; who holds it has other rights from the next request on.
///
/// # Errors
/// [`Error::RoleBuiltIn`], [`Error::NotFound`], and those of [`create`].
pub fn change(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    id: MemberRole,
    change: &RoleChange,
) -> Result<RoleView, Error> {
    let tenant = pass.workspace()?;
    let id = changeable(id)?;
    let before = tx.get::<CustomRoles>(&(tenant, id))?.ok_or(Error::NotFound)?;
    may_hand_on(pass, before.permissions)?;
    let mut role = before.clone();
    if let Some(name) = &change.name {
        role.name = free_name(tx, tenant, Some(id), name)?;
    }
    if let Some(permissions) = change.permissions {
        may_hand_on(pass, permissions)?;
        role.permissions = permissions;
    }
    if role.name != before.name || role.permissions != before.permissions {
        tx.put::<CustomRoles>(&(tenant, id), &role)?;
        Revocations::tell(tx, Revoked::Tenant(tenant));
        let note = told(Action::RoleChanged, tenant, id, &role);
        record(tx, call, note.with("permissions_before", before.permissions))?;
    }
    view(tx, tenant, id, role)
}

/// Deletes a role of the pass's workspace that nobody holds.
///
/// # Errors
/// [`Error::RoleBuiltIn`], [`Error::NotFound`], [`Error::BeyondOwnRights`], [`Error::RoleInUse`].
pub fn delete(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    id: MemberRole,
) -> Result<(), Error> {
    let tenant = pass.workspace()?;
    let id = changeable(id)?;
    let role = tx.get::<CustomRoles>(&(tenant, id))?.ok_or(Error::NotFound)?;
    may_hand_on(pass, role.permissions)?;
    let held = MemberRole::Custom(id);
    if membership::roles_held(tx, tenant)?.contains(&held)
        || invitation::is_offered(tx, call.now, tenant, held)?
    {
        return Err(Error::RoleInUse);
    }
    tx.remove::<CustomRoles>(&(tenant, id))?;
    Ok(record(tx, call, told(Action::RoleDeleted, tenant, id, &role))?)
}

/// What a role of the tenant is called and permits; nothing when the tenant has no such role.
///
/// # Errors
/// When the store fails.
pub fn resolve(
    tx: &impl Read,
    tenant: TenantId,
    role: MemberRole,
) -> Result<Option<(String, Permissions)>, Error> {
    match role {
        MemberRole::BuiltIn(role) => Ok(Some((role.name().to_owned(), role.permissions()))),
        MemberRole::Custom(id) => {
            Ok(tx.get::<CustomRoles>(&(tenant, id))?.map(|role| (role.name, role.permissions)))
        }
    }
}

/// What the holder of a role may do: nothing, should the role be gone. Reads a row for a custom role only.
pub(super) fn permissions(tx: &impl Read, tenant: TenantId, role: MemberRole) -> Result<Permissions, Error> {
    match role {
        MemberRole::BuiltIn(role) => Ok(role.permissions()),
        MemberRole::Custom(_) => {
            Ok(resolve(tx, tenant, role)?.map_or(Permissions::NONE, |(_, permissions)| permissions))
        }
    }
}

/// The role's name for people.
pub(super) fn name(tx: &impl Read, tenant: TenantId, role: MemberRole) -> Result<String, Error> {
    Ok(resolve(tx, tenant, role)?.map_or_else(|| role.to_string(), |(name, _)| name))
}

/// Whether the holder of the pass may give a role to somebody: one who is no owner makes no owner, and nobody gives more
/// than they have.
pub(super) fn may_give(
    tx: &impl Read,
    pass: Pass<ManageMembers>,
    tenant: TenantId,
    role: MemberRole,
) -> Result<(), Error> {
    let (_, permissions) = resolve(tx, tenant, role)?.ok_or(Error::RoleUnknown)?;
    if role.is_owner() && !pass.authority().is_owner() {
        return Err(Error::BeyondOwnRights);
    }
    if pass.authority().covers(permissions) { Ok(()) } else { Err(Error::BeyondOwnRights) }
}

fn may_hand_on(pass: Pass<ManageMembers>, permissions: Permissions) -> Result<(), Error> {
    if permissions.is_empty() {
        return Err(Error::PermissionsEmpty);
    }
    if pass.authority().covers(permissions) { Ok(()) } else { Err(Error::BeyondOwnRights) }
}

fn changeable(id: MemberRole) -> Result<RoleId, Error> {
    match id {
        MemberRole::BuiltIn(_) => Err(Error::RoleBuiltIn),
        MemberRole::Custom(id) => Ok(id),
    }
}

fn own(tx: &impl Read, tenant: TenantId) -> Result<Vec<(RoleId, CustomRole)>, Error> {
    let rows = tx.scan::<CustomRoles>(&Scan::prefix(&tenant, ROLES_MAX))?;
    Ok(rows.into_iter().map(|((_, id), role)| (id, role)).collect())
}

/// The name, checked, unless another role of the workspace is called so in any spelling.
fn free_name(tx: &impl Read, tenant: TenantId, except: Option<RoleId>, name: &str) -> Result<String, Error> {
    let name = account::parse_name(name)?;
    let folded = name.to_lowercase();
    let built_in = Role::ALL.iter().any(|role| role.id() == folded);
    let others = own(tx, tenant)?;
    let mut others = others.iter().filter(|(id, _)| Some(*id) != except);
    let taken = built_in || others.any(|(_, role)| role.name.to_lowercase() == folded);
    if taken { Err(Error::RoleNameTaken) } else { Ok(name) }
}

fn told(action: Action, tenant: TenantId, id: RoleId, role: &CustomRole) -> Note {
    let note = Note::new(action).of_tenant(tenant).about(id);
    note.with("permissions", role.permissions)
}

fn view(tx: &impl Read, tenant: TenantId, id: RoleId, role: CustomRole) -> Result<RoleView, Error> {
    let id = MemberRole::Custom(id);
    let members = membership::roles_held(tx, tenant)?.into_iter().filter(|held| *held == id).count();
    Ok(RoleView { id, name: role.name, built_in: false, permissions: role.permissions, members })
}
