//! What can be permitted, and sets of it.
//!
//! A set lies in memory as bits and in rows as a list of names, so that permissions may come, go and change places without
//! a migration. A name in a row that this program does not know permits nothing; a name in a request that is not known
//! is refused, because whoever sent it meant something by it.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;

macro_rules! permissions {
    ($($name:ident = $text:literal: $words:literal;)*) => {
        /// One thing that may be permitted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Permission {
            $(#[doc = $words] $name,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in requests, answers and rows.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it permits, in a sentence for people.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

permissions! {
    ReadConversations = "read_conversations": "Read every conversation of the workspace.";
    TakePart = "take_part": "Write into conversations and end them.";
    ReadKnowledge = "read_knowledge": "See documents and search them.";
    WriteKnowledge = "write_knowledge": "Add, replace and delete documents.";
    ReadWorkspace = "read_workspace": "See the workspace's settings.";
    ManageWorkspace = "manage_workspace": "Change the workspace's settings.";
    ManageApiKeys = "manage_api_keys": "Create, list and revoke API keys.";
    ManageJobs = "manage_jobs": "See and retry background jobs.";
    ReadMembers = "read_members": "See who is a member, and as what.";
    ManageMembers = "manage_members": "Invite and remove members, change their roles, and make roles.";
    ReadAudit = "read_audit": "Read and export the workspace's audit trail.";
    ExportWorkspace = "export_workspace": "Take the whole workspace out as one file.";
    EraseWorkspace = "erase_workspace": "Erase the whole workspace.";
    ManageTenants = "manage_tenants": "Create, list, suspend, import and erase workspaces, and set their quotas.";
    ManageAppliance = "manage_appliance": "Run the appliance: backups, its state, its metrics, its audit trail.";
}

impl Permission {
    /// Whether it is about the appliance as a whole, so that the operator has it and no role does.
    #[must_use]
    pub fn is_of_appliance(self) -> bool {
        matches!(self, Self::ManageTenants | Self::ManageAppliance)
    }

    /// Whether a program with an API key may have it. What hands the whole workspace out, ends it, or decides about people is
    /// left to people.
    #[must_use]
    pub fn is_for_keys(self) -> bool {
        !self.is_of_appliance()
            && !matches!(self, Self::ManageMembers | Self::ExportWorkspace | Self::EraseWorkspace)
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.name() == name)
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Everything that can be permitted in a workspace.
    #[must_use]
    pub fn of_workspace() -> Self {
        Permission::ALL.iter().copied().filter(|permission| !permission.is_of_appliance()).collect()
    }

    /// The set of these names, as a request gives them.
    ///
    /// # Errors
    /// [`Error::PermissionsEmpty`]; [`Error::PermissionUnknown`] for a name that no role in a workspace can have.
    pub fn parse(names: &[String]) -> Result<Self, Error> {
        if names.is_empty() {
            return Err(Error::PermissionsEmpty);
        }
        let known = |name: &String| {
            Permission::named(name)
                .filter(|permission| !permission.is_of_appliance())
                .ok_or_else(|| Error::PermissionUnknown { name: name.clone() })
        };
        names.iter().map(known).collect()
    }

    /// Whether it holds `permission`.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether it holds all of `other`.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// What both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What it holds, always in the same order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The names, with commas between them: how the audit trail writes a set.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Permission::name).collect();
        f.write_str(&names.join(", "))
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Permission::name).collect::<Vec<_>>())
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Stored)
    }
}

/// Reads a row's list of names.
struct Stored;

impl<'de> Visitor<'de> for Stored {
    type Value = Permissions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of permissions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Permissions, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = names.next_element::<String>()? {
            found.extend(Permission::named(&name));
        }
        Ok(found.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Fault as _;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = Permissions> {
        proptest::sample::subsequence(Permission::ALL.to_vec(), 0..=Permission::ALL.len())
            .prop_map(|permissions| permissions.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_set_is_what_was_put_in_and_survives_rows_and_json(set in set()) {
            let back: Permissions = set.iter().collect();
            prop_assert_eq!(back, set);
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<Permissions>(&json).unwrap(), set);
            let row = rmp_serde::to_vec_named(&set).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<Permissions>(&row).unwrap(), set);
        }

        #[test]
        fn one_set_covers_another_exactly_when_it_has_all_of_it(one in set(), other in set()) {
            prop_assert_eq!(one.covers(other), other.iter().all(|permission| one.has(permission)));
            let both = one.and(other);
            prop_assert!(one.covers(both) && other.covers(both));
            prop_assert_eq!(one.covers(other), both == other);
            for permission in Permission::ALL {
                prop_assert_eq!(both.has(*permission), one.has(*permission) && other.has(*permission));
            }
        }

        #[test]
        fn a_row_may_name_what_this_program_does_not_know_and_a_request_may_not(
            set in set(), unknown in "[a-z_]{1,20}", place in 0..16_usize,
        ) {
            prop_assume!(Permission::named(&unknown).is_none());
            let mut names: Vec<String> = set.iter().map(|permission| permission.name().to_owned()).collect();
            names.insert(place.min(names.len()), unknown.clone());
            let row = rmp_serde::to_vec_named(&names).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<Permissions>(&row).unwrap(), set);
            let refused = Permissions::parse(&names).unwrap_err();
            prop_assert_eq!(refused.field(), Some("/permissions"));
            let first = names.iter().find(|name| {
                Permission::named(name).is_none_or(Permission::is_of_appliance)
            });
            prop_assert!(refused.public().contains(first.unwrap()));
        }
    }

    #[test]
    fn names_are_those_that_serde_writes_and_requests_may_not_name_the_appliances() {
        for permission in Permission::ALL {
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.name());
            let parsed = Permissions::parse(&[permission.name().to_owned()]);
            assert_eq!(parsed.is_ok(), Permissions::of_workspace().has(*permission));
        }
        assert!(matches!(Permissions::parse(&[]), Err(Error::PermissionsEmpty)));
    }
}
