//! Roles, and the permissions they stand for.

use serde::{Deserialize, Serialize};

/// What a role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read every conversation of the tenant.
    ReadConversations,
    /// Write into conversations and end them.
    TakePart,
    /// See documents and search them.
    ReadKnowledge,
    /// Add, replace and delete documents.
    WriteKnowledge,
    /// See the workspace's settings.
    ReadWorkspace,
    /// Change the workspace's settings.
    ManageWorkspace,
    /// Create, list and revoke API keys.
    ManageApiKeys,
    /// See and retry background jobs.
    ManageJobs,
    /// See who is a member, and as what.
    ReadMembers,
    /// Invite and remove members, change their roles, and make roles.
    ManageMembers,
    /// Read and export the workspace's audit trail.
    ReadAudit,
    /// Take the whole workspace out as one file.
    ExportWorkspace,
    /// Erase the whole workspace.
    EraseWorkspace,
    /// Create, list, suspend, import and erase tenants, and set their quotas.
    ManageTenants,
    /// Run the appliance: backups, its state, its metrics, its audit trail.
    ManageAppliance,
}

impl Permission {
    /// Whether it is about the appliance as a whole, so that the operator has it and no role does.
    #[must_use]
    pub fn is_of_appliance(self) -> bool {
        matches!(self, Self::ManageTenants | Self::ManageAppliance)
    }
}

/// A member's role in a tenant, weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Answers customers.
    Agent,
    /// Runs the workspace.
    Admin,
    /// Owns it.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Agent, Self::Admin, Self::Owner];

    /// Whether the role has the permission.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::ReadConversations | Permission::ReadKnowledge | Permission::ReadWorkspace => true,
            Permission::TakePart | Permission::ReadMembers => self >= Self::Agent,
            Permission::WriteKnowledge
            | Permission::ManageWorkspace
            | Permission::ManageApiKeys
            | Permission::ManageJobs
            | Permission::ManageMembers
            | Permission::ReadAudit => self >= Self::Admin,
            Permission::ExportWorkspace | Permission::EraseWorkspace => self == Self::Owner,
            Permission::ManageTenants | Permission::ManageAppliance => false,
        }
    }
}
