//! A right is a value: the policy mints a [`Pass`], and the operation demands it.
//!
//! There is a marker type for each right. A pass also says how far it reaches: a member's or a key's over the whole tenant,
//! a visitor's only over what is that visitor's own. It is for one tenant, and names it: operations on what lies in the
//! system keyspace (API keys, the workspace's own settings) take the tenant from the pass and from nowhere else. Passes
//! cannot be made anywhere else, except for the appliance's own work, which must state its reason.
//!
//! A pass knows what else its holder may do ([`Authority`]), so that an operation that hands rights on can see to it that
//! nobody gives more than they have.

use std::marker::PhantomData;

use super::Error;
use super::permission::{Permission, Permissions};
use crate::base::{TenantId, VisitorId};

/// A right that operations can demand.
pub trait Right: 'static {
    /// The permission that grants it to members and API keys; nothing when it can only be a visitor's.
    const PERMISSION: Permission;
    /// Whether visitors have it, over what is their own.
    const VISITORS: bool = false;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $permission:ident $(, visitors: $visitors:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Right for $name {
            const PERMISSION: Permission = Permission::$permission;
            $(const VISITORS: bool = $visitors;)?
        }
    )*};
}

rights! {
    /// Read conversations.
    ReadConversations = ReadConversations, visitors: true;
    /// Open, write into and end conversations.
    TakePart = TakePart, visitors: true;
    /// See documents and search them.
    ReadKnowledge = ReadKnowledge;
    /// Add, replace and delete documents.
    WriteKnowledge = WriteKnowledge;
    /// See the workspace's settings.
    ReadWorkspace = ReadWorkspace;
    /// Change the workspace's settings.
    ManageWorkspace = ManageWorkspace;
    /// Create, list and revoke API keys.
    ManageApiKeys = ManageApiKeys;
    /// See and retry background jobs.
    ManageJobs = ManageJobs;
    /// See who is a member, and as what.
    ReadMembers = ReadMembers;
    /// Invite and remove members, change their roles, and make roles.
    ManageMembers = ManageMembers;
    /// Read and export the workspace's audit trail.
    ReadAudit = ReadAudit;
    /// Take the whole workspace out as one file.
    ExportWorkspace = ExportWorkspace;
    /// Erase the whole workspace.
    EraseWorkspace = EraseWorkspace;
    /// Create, list, suspend, import and erase tenants, and set their quotas: the appliance's operator only.
    ManageTenants = ManageTenants;
    /// Run the appliance: the operator only.
    ManageAppliance = ManageAppliance;
}

/// How far a pass reaches within its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything.
    All,
    /// What belongs to this visitor.
    Visitor(VisitorId),
}

/// What the holder of a pass may hand on to others: nobody gives more than they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    permissions: Permissions,
    owner: bool,
}

impl Authority {
    /// Somebody's with these permissions, in an owner's role or not.
    pub(super) fn new(permissions: Permissions, owner: bool) -> Self {
        Self { permissions, owner }
    }

    /// Nobody's, who hands nothing on.
    pub(super) fn none() -> Self {
        Self::new(Permissions::NONE, false)
    }

    /// The console's and the appliance's own.
    pub(super) fn full() -> Self {
        Self::new(Permissions::of_workspace(), true)
    }

    /// Whether all of `permissions` may be handed on.
    #[must_use]
    pub fn covers(&self, permissions: Permissions) -> bool {
        self.permissions.covers(permissions)
    }

    /// Whether owners may be made and unmade.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.owner
    }
}

/// Proof that the policy allowed `R`.
#[derive(Debug)]
pub struct Pass<R: Right> {
    tenant: Option<TenantId>,
    reach: Reach,
    authority: Authority,
    right: PhantomData<fn() -> R>,
}

impl<R: Right> Clone for Pass<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Right> Copy for Pass<R> {}

impl<R: Right> Pass<R> {
    /// Only the policy calls this.
    pub(super) fn mint(tenant: Option<TenantId>, reach: Reach, authority: Authority) -> Self {
        Self { tenant, reach, authority, right: PhantomData }
    }

    /// Any reach, for the tests of the rooms that demand passes.
    #[cfg(test)]
    #[must_use]
    pub fn for_test(reach: Reach) -> Self {
        Self::mint(None, reach, Authority::full())
    }

    /// Full reach for the appliance's own work; `reason` says why at the place of the call.
    #[must_use]
    pub fn appliance(reason: &'static str) -> Self {
        tracing::trace!(reason, "full access");
        Self::mint(None, Reach::All, Authority::full())
    }

    /// [`Pass::appliance`] for the work on one tenant.
    #[must_use]
    pub fn appliance_for(tenant: TenantId, reason: &'static str) -> Self {
        tracing::trace!(reason, %tenant, "full access");
        Self::mint(Some(tenant), Reach::All, Authority::full())
    }

    /// The tenant that it is for; nothing when it is for the appliance as a whole.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// The tenant that it is for.
    ///
    /// # Errors
    /// [`Error::WorkspaceNotChosen`] when it is for the appliance as a whole.
    pub fn workspace(&self) -> Result<TenantId, Error> {
        self.tenant.ok_or(Error::WorkspaceNotChosen)
    }

    /// What its holder may hand on.
    #[must_use]
    pub fn authority(&self) -> Authority {
        self.authority
    }

    /// How far it reaches.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether it reaches what belongs to `owner`.
    #[must_use]
    pub fn covers(&self, owner: VisitorId) -> bool {
        match self.reach {
            Reach::All => true,
            Reach::Visitor(visitor) => visitor == owner,
        }
    }
}
