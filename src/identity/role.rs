//! Roles: names for sets of permissions. Four are built in; a workspace can make others ([`super::custom_role`]).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::permission::{Permission, Permissions};
use crate::base::RoleId;

/// A role that every workspace has, weakest first.
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

    /// What the role has.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        Permission::ALL.iter().copied().filter(|permission| self.allows(*permission)).collect()
    }

    /// Its id in requests, answers and rows.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Agent => "Agent",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }
}

/// The role that a member holds: one that is built in, or one of the workspace's own. Written as text in answers and rows
/// alike: `agent`, `rol_01h455vb4pex5vsknk084sn02q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberRole {
    /// One that every workspace has.
    BuiltIn(Role),
    /// One that this workspace has made.
    Custom(RoleId),
}

impl MemberRole {
    /// Whether it is the owner's.
    #[must_use]
    pub fn is_owner(self) -> bool {
        self == Self::BuiltIn(Role::Owner)
    }

    fn parse(text: &str) -> Option<Self> {
        let built_in = Role::ALL.into_iter().find(|role| role.id() == text).map(Self::BuiltIn);
        built_in.or_else(|| RoleId::parse(text).ok().map(Self::Custom))
    }
}

impl From<Role> for MemberRole {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => f.write_str(role.id()),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

impl Serialize for MemberRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemberRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "not a role: viewer, agent, admin, owner or the id of a role of this workspace",
            )
        })
    }
}

impl utoipa::PartialSchema for MemberRole {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(viewer|agent|admin|owner|rol_[0-7][0-9a-hjkmnp-tv-z]{25})$"))
            .into()
    }
}

impl utoipa::ToSchema for MemberRole {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn a_role_is_text_everywhere_and_a_row_from_before_custom_roles_reads() {
        let custom = MemberRole::Custom(RoleId::new(Timestamp::from_millis(1)));
        for role in Role::ALL.map(MemberRole::BuiltIn).into_iter().chain([custom]) {
            let row = rmp_serde::to_vec_named(&role).unwrap();
            assert_eq!(rmp_serde::from_slice::<MemberRole>(&row).unwrap(), role);
            assert_eq!(rmp_serde::from_slice::<String>(&row).unwrap(), role.to_string());
        }
        let old = rmp_serde::to_vec_named(&Role::Agent).unwrap();
        assert_eq!(rmp_serde::from_slice::<MemberRole>(&old).unwrap(), Role::Agent.into());
        assert!(serde_json::from_str::<MemberRole>("\"operator\"").is_err());
    }

    #[test]
    fn each_role_has_what_the_weaker_one_has_and_none_has_the_appliance() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[1].permissions().covers(pair[0].permissions()));
            assert_ne!(pair[1].permissions(), pair[0].permissions());
        }
        assert_eq!(Role::Owner.permissions(), Permissions::of_workspace());
    }
}
