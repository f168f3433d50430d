//! What a signed-in person sees of themselves, and which of their workspaces a call is about.

use serde::Serialize;

use super::Error;
use super::tenant::{Tenant, by_slug, load};
use crate::base::{AccountId, SessionId, TenantId};
use crate::identity::{
    self, AccountView, MemberRole, MfaView, Permission, Permissions, Policy, Principal, SignInView, account,
    custom_role, device, membership, mfa, tenant_roll,
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
    /// The second factor.
    pub mfa: MfaView,
    /// The sign-in before this one; nothing when this is the first. Whoever does not know it changes the password.
    #[schema(required)]
    pub last_sign_in: Option<SignInView>,
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
    /// Whether its members must have a second factor.
    pub mfa_required: bool,
    /// Whether it is suspended, so that nobody but the operator may enter.
    pub suspended: bool,
}

/// The account with its workspaces, as it is seen in `session`.
///
/// # Errors
/// [`identity::Error::SessionEnded`] when the account is gone.
pub fn me(tx: &impl Read, account: AccountId, session: Option<SessionId>) -> Result<Me, Error> {
    let account = account::load(tx, account)?.ok_or(identity::Error::SessionEnded)?;
    Ok(Me {
        workspaces: workspaces_of(tx, account.id)?,
        operator: account.operator,
        mfa: mfa::view(tx, account.id)?,
        last_sign_in: device::sign_in_before(tx, account.id, session)?,
        account: AccountView::from(&account),
    })
}

/// The workspaces that a person is a member of, oldest first.
///
/// # Errors
/// When the store fails.
pub fn workspaces_of(tx: &impl Read, account: AccountId) -> Result<Vec<MyWorkspace>, Error> {
    let mut workspaces = Vec::new();
    for (tenant, role) in membership::of_account(tx, account)? {
        if let Some(tenant) = load(tx, tenant)? {
            let resolved = custom_role::resolve(tx, tenant.id, role)?;
            let (role_name, permissions) = resolved.unwrap_or_else(|| (role.to_string(), Permissions::NONE));
            let mfa_required = tenant_roll::requires_mfa(tx, tenant.id)?;
            let suspended = tenant_roll::is_suspended(tx, tenant.id)?;
            let Tenant { id, slug, name, .. } = tenant;
            workspaces.push(MyWorkspace {
                id,
                slug,
                name,
                role,
                role_name,
                permissions,
                mfa_required,
                suspended,
            });
        }
    }
    Ok(workspaces)
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
