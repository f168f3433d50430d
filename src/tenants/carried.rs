//! What the file holds that carries a tenant, and who writes and reads it.
//!
//! It is an archive ([`crate::archive`]): first `workspace.json`, what the system keyspace knows of the tenant; then its keyspace
//! as rows; then its files by their hashes; at last, as information, what the appliance's audit trail told of it. Nothing in it
//! is derived: the indexes are made anew from the rows where it arrives.
//!
//! What is sealed with the appliance's key opens nowhere else, so the tables of sealed rows are left out, and named in the
//! manifest. Nobody's password leaves: members are listed by e-mail, name and role, and who has an account there becomes a
//! member again. API keys, sign-ins and visitors' tokens are the old appliance's, and end there.
//!
//! No row holds the tenant's id except entries of its audit trail, which tell what was true when they were written; so a copy
//! may have another id.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;
use super::tenant::Tenant;
use crate::identity::MemberRole;
use crate::identity::custom_role::CarriedRole;
use crate::jobs::Wakeups;
use crate::quotas::OwnQuotas;
use crate::store::Store;

/// Exports and imports at a time: each has a thread.
const CARRYING_MAX: usize = 4;
/// Where the tenant's facts lie in the file.
pub(super) const FACTS: &str = "workspace.json";
/// The most bytes of them.
pub(super) const FACTS_BYTES_MAX: u64 = 4 << 20;
/// Where the rows of its keyspace lie.
pub(super) const KEYSPACE: &str = "keyspace.redb";
/// Where the entries of the appliance's trail lie.
pub(super) const TRAIL: &str = "information/audit";
/// The table that they are rows of.
pub(super) const TRAIL_TABLE: &str = "audit";

/// Tables that stay behind, and what that means for people.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// Their names.
    pub tables: &'static [&'static str],
    /// What is not in the file, and how it is had again.
    pub sentence: &'static str,
}

/// What is always left behind.
pub(super) const ALWAYS_LEFT_OUT: [&str; 3] = [
    "Passwords and accounts: members are listed by e-mail; who has an account on the other appliance becomes a member there.",
    "API keys: make new ones.",
    "Visitors' tokens: a visitor's next visit begins a new conversation.",
];

/// A member as the file lists one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: MemberRole,
}

/// What the system keyspace knows of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) tenant: Tenant,
    pub(super) mfa_required: bool,
    pub(super) quotas: OwnQuotas,
    #[serde(default)]
    pub(super) roles: Vec<CarriedRole>,
    pub(super) members: Vec<Member>,
}

/// Writes and reads the files that carry tenants. Cheap to clone.
#[derive(Clone)]
pub struct Carrier {
    pub(super) store: Arc<Store>,
    pub(super) wakeups: Arc<Wakeups>,
    pub(super) left_out: Arc<[LeftOut]>,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Carrier(..)")
    }
}

impl Carrier {
    /// Over the appliance's store. `left_out` names the tables whose rows open on no other appliance.
    #[must_use]
    pub fn new(store: Arc<Store>, wakeups: Arc<Wakeups>, left_out: Vec<LeftOut>) -> Self {
        let places = Arc::new(Semaphore::new(CARRYING_MAX));
        Self { store, wakeups, left_out: left_out.into(), places }
    }

    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.places.clone().try_acquire_owned().map_err(|_| Error::CarryingMany)
    }

    pub(super) fn leaves_out(&self, table: &str) -> bool {
        self.left_out.iter().any(|one| one.tables.contains(&table))
    }
}
