//! The quotas that hold, and asking whether one more fits.

use std::fmt;

use parking_lot::Mutex;
use serde::Serialize;

use super::Error;
use super::own::own;
use crate::base::{TenantId, counted};
use crate::store::{Keyspace, KeyspaceId, Read, WriteTx};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// People with a membership.
    Members,
    /// Documents.
    Documents,
    /// Bytes of files that somebody needs.
    StorageBytes,
    /// Conversations begun in a month.
    ConversationsPerMonth,
}

impl Quota {
    /// What is told when it is reached, and what can be done.
    pub(super) fn refusal(self, limit: u64) -> String {
        let (may, make_room) = match self {
            Self::Members => (counted(limit, "member", "members"), "Remove one first"),
            Self::Documents => (counted(limit, "document", "documents"), "Delete some that are not needed"),
            Self::StorageBytes => (size(limit), "Delete documents that are not needed, or add a smaller one"),
            Self::ConversationsPerMonth => (
                counted(limit, "conversation a month", "conversations a month"),
                "It goes on when the next month begins",
            ),
        };
        format!(
            "This workspace may have {may}, and has no room for more. {make_room}, or ask whoever runs the appliance for more."
        )
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 {
        format!("{} MiB of files", bytes >> 20)
    } else {
        counted(bytes, "byte of files", "bytes of files")
    }
}

/// The quotas that hold; nothing is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Quotas {
    /// Members.
    #[schema(required)]
    pub members: Option<u64>,
    /// Documents.
    #[schema(required)]
    pub documents: Option<u64>,
    /// Bytes of documents, their texts, and pictures.
    #[schema(required)]
    pub storage_bytes: Option<u64>,
    /// Conversations begun in a month of UTC.
    #[schema(required)]
    pub conversations_per_month: Option<u64>,
}

impl Quotas {
    /// The limit of one.
    #[must_use]
    pub fn of(&self, quota: Quota) -> Option<u64> {
        match quota {
            Quota::Members => self.members,
            Quota::Documents => self.documents,
            Quota::StorageBytes => self.storage_bytes,
            Quota::ConversationsPerMonth => self.conversations_per_month,
        }
    }
}

/// The appliance's quotas and where the tenants' own lie: put at hand of every transaction by `app`.
#[derive(Default)]
pub struct QuotaBook {
    default: Quotas,
    system: Mutex<Option<Keyspace>>,
}

impl fmt::Debug for QuotaBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuotaBook").field("default", &self.default).finish_non_exhaustive()
    }
}

impl QuotaBook {
    /// With the quotas of tenants that have none of their own.
    #[must_use]
    pub fn new(default: Quotas) -> Self {
        Self { default, system: Mutex::default() }
    }

    /// The quotas of tenants that have none of their own.
    #[must_use]
    pub fn default_quotas(&self) -> &Quotas {
        &self.default
    }

    /// Where tenants' own quotas are read. Until this is called, transactions of tenants know only the appliance's.
    pub fn read_in(&self, system: Keyspace) {
        *self.system.lock() = Some(system);
    }

    /// Lets go of the system keyspace, which otherwise keeps itself open: its transactions hold this.
    pub fn forget(&self) {
        *self.system.lock() = None;
    }
}

/// The quotas that hold for a tenant, by the system keyspace.
///
/// # Errors
/// When the store fails.
pub fn limits(tx: &impl Read, default: &Quotas, tenant: TenantId) -> Result<Quotas, Error> {
    Ok(own(tx, tenant)?.over(default))
}

/// Whether the tenant may have `count` of it, within the transaction that makes it so many. In the system keyspace `tenant` says
/// whose transaction it is; a tenant's own says so itself.
///
/// # Errors
/// [`Error::Reached`], or when the store fails.
pub fn admit(tx: &WriteTx<'_>, quota: Quota, tenant: Option<TenantId>, count: u64) -> Result<(), Error> {
    // Without a book there are no quotas: so it is in tests of single rooms.
    let Some(book) = tx.extension::<QuotaBook>() else { return Ok(()) };
    let limits = match (tx.keyspace(), tenant) {
        (KeyspaceId::System, Some(tenant)) => limits(tx, &book.default, tenant)?,
        (KeyspaceId::System, None) => return Ok(()),
        (KeyspaceId::Tenant(tenant), _) => match book.system.lock().clone() {
            Some(system) => system.read(|tx| limits(tx, &book.default, tenant))?,
            None => book.default,
        },
    };
    match limits.of(quota) {
        Some(limit) if count > limit => Err(Error::Reached { quota, limit }),
        _ => Ok(()),
    }
}
