//! What a signed-in person sees of themselves, and which of their workspaces a call is about.

use serde::Serialize;

use super::Error;
use super::tenant::{Tenant, by_slug, load};
use crate::base::{AccountId, TenantId};
use crate::identity::{
    self, AccountView, MemberRole, Permission, Permissions, Policy, Principal, account, custom_role,
    membership,
};
use crate::store::Read;

/// A signed-in person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// The account.
    pub account: AccountView,
    /// Where the person is a member, oldest workspace first.
    pub workspaces: Vec<MyWorkspace>,
    /// Whether the person runs the appliance.
    pub operator: bool,
}

/// A workspace that a person is a member of.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MyWorkspace {
    /// Its id.
    pub id: TenantId,
    /// Its short name.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The person's role there.
    pub role: MemberRole,
    /// What people call the role.
    pub role_name: String,
    /// What it permits.
    #[schema(value_type = Vec<Permission>)]
    pub permissions: Permissions,
}

/// The account with its workspaces.
///
/// # Errors
/// [`identity::Error::SessionEnded`] when the account is gone.
pub fn me(tx: &impl Read, account: AccountId) -> Result<Me, Error> {
    let account = account::load(tx, account)?.ok_or(identity::Error::SessionEnded)?;
    let mut workspaces = Vec::new();
    for (tenant, role) in membership::of_account(tx, account.id)? {
        if let Some(tenant) = load(tx, tenant)? {
            let resolved = custom_role::resolve(tx, tenant.id, role)?;
            let (role_name, permissions) = resolved.unwrap_or_else(|| (role.to_string(), Permissions::NONE));
            let Tenant { id, slug, name, .. } = tenant;
            workspaces.push(MyWorkspace { id, slug, name, role, role_name, permissions });
        }
    }
    Ok(Me { account: AccountView::from(&account), workspaces, operator: account.operator })
}

/// [`Policy::choose_workspace`] by slug. A workspace that does not exist and one that the principal is not a member of
/// give the same answer.
///
/// # Errors
/// [`Error::NotFound`].
pub fn choose_workspace(
    policy: &Policy,
    principal: Principal,
    slug: Option<&str>,
) -> Result<Principal, Error> {
    let asked = match slug {
        None => None,
        Some(slug) => Some(policy.system().read(|tx| by_slug(tx, slug))?.ok_or(Error::NotFound)?.id),
    };
    policy.choose_workspace(principal, asked).map_err(|error| match error {
        identity::Error::NotFound => Error::NotFound,
        other => other.into(),
    })
}
