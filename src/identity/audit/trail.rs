//! Writing entries, each under the hash of all before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Entry, Note};
use crate::base::{Call, TenantId};
use crate::identity::Error;
use crate::store::{self, Index, KeyspaceId, Read, WriteTx, tables};

/// An entry as it lies in the database: the bytes of its JSON, which the hash is of, and what they are looked up by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    #[serde(with = "serde_bytes")]
    pub(super) entry: Vec<u8>,
    pub(super) hash: [u8; 32],
    pub(super) tenant: Option<TenantId>,
}

/// Where a trail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The place of the newest entry; 0 when there is none.
    pub sequence: u64,
    /// Its hash; zeros when there is none.
    pub hash: [u8; 32],
}

impl Head {
    /// The hash in 64 hexadecimal digits.
    #[must_use]
    pub fn hash_text(&self) -> String {
        super::export::hex(&self.hash)
    }
}

pub(super) static BY_TENANT: Index<Trail, (TenantId, u64)> =
    Index::unique("identity.audit.by_tenant", |sequence, link: &Link| Some((link.tenant?, *sequence)));

tables! {
    /// The entries of this keyspace.
    pub(super) Trail = "identity.audit": u64 => Link, [BY_TENANT];
    /// Where they end.
    pub(super) Heads = "identity.audit_head": () => Head;
}

/// The hash of an entry that follows `before`.
pub(super) fn hash(before: &[u8; 32], entry: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(entry).finalize().into()
}

/// Where the trail of this keyspace ends.
///
/// # Errors
/// When the store fails.
pub fn head(tx: &impl Read) -> Result<Head, Error> {
    Ok(tx.get::<Heads>(&())?.unwrap_or_default())
}

/// Writes down what happens in this transaction.
///
/// # Errors
/// When the store fails.
pub fn record(tx: &mut WriteTx<'_>, call: &Call, note: Note) -> Result<(), store::Error> {
    let before = tx.get::<Heads>(&())?.unwrap_or_default();
    let tenant = match tx.keyspace() {
        KeyspaceId::System => note.tenant,
        KeyspaceId::Tenant(tenant) => Some(tenant),
    };
    let entry = Entry {
        sequence: before.sequence.saturating_add(1),
        at: call.now,
        actor: call.actor,
        action: note.action,
        tenant,
        subject: note.subject,
        details: note.details,
        address: call.address,
        request: call.request.clone(),
    };
    let bytes = serde_json::to_vec(&entry)
        .map_err(|error| store::Error::Damaged { table: "identity.audit", reason: error.to_string() })?;
    let hash = hash(&before.hash, &bytes);
    tx.insert::<Trail>(&entry.sequence, &Link { entry: bytes, hash, tenant })?;
    tx.put::<Heads>(&(), &Head { sequence: entry.sequence, hash })?;
    Ok(())
}
