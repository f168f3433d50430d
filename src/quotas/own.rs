//! What the operator has set for one tenant.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Error, Quotas};
use crate::base::TenantId;
use crate::store::{Read, WriteTx, tables};

/// The largest number of a quota: bytes of an exbibyte.
pub const LIMIT_MAX: u64 = 1 << 60;

/// A tenant's own quotas: `null` follows the appliance, 0 is for no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnQuotas {
    /// Members.
    pub members: Option<u64>,
    /// Documents.
    pub documents: Option<u64>,
    /// Bytes of documents, their texts, and pictures.
    pub storage_bytes: Option<u64>,
    /// Conversations begun in a month of UTC.
    pub conversations_per_month: Option<u64>,
}

/// What is to change; what is left out stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaChange {
    /// Members; `null` follows the appliance, 0 is for no limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub members: Option<Option<u64>>,
    /// Documents.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub documents: Option<Option<u64>>,
    /// Bytes of documents, their texts, and pictures.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub storage_bytes: Option<Option<u64>>,
    /// Conversations begun in a month of UTC.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub conversations_per_month: Option<Option<u64>>,
}

/// Reads `null` as a choice, which a field that is left out is not.
#[allow(clippy::option_option, reason = "left out, null and a number are three different wishes")]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::<u64>::deserialize(deserializer).map(Some)
}

/// Reads an object or `null`: a list of the fields in their order, which serde takes as well, is refused.
///
/// # Errors
/// What the deserializer says.
pub fn read_change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<QuotaChange>, D::Error> {
    struct Object;
    impl<'de> Visitor<'de> for Object {
        type Value = Option<QuotaChange>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object or null")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
            QuotaChange::deserialize(MapAccessDeserializer::new(fields)).map(Some)
        }
    }
    deserializer.deserialize_any(Object)
}

tables! {
    /// What was set, by tenant.
    Own = "quotas.own": TenantId => OwnQuotas;
}

impl OwnQuotas {
    fn changed(mut self, change: &QuotaChange) -> Result<Self, Error> {
        let fields = [
            ("/quotas/members", &mut self.members, change.members),
            ("/quotas/documents", &mut self.documents, change.documents),
            ("/quotas/storage_bytes", &mut self.storage_bytes, change.storage_bytes),
            (
                "/quotas/conversations_per_month",
                &mut self.conversations_per_month,
                change.conversations_per_month,
            ),
        ];
        for (pointer, field, wish) in fields {
            let Some(wish) = wish else { continue };
            if wish.is_some_and(|limit| limit > LIMIT_MAX) {
                return Err(Error::LimitTooLarge { pointer });
            }
            *field = wish;
        }
        Ok(self)
    }

    /// This over the appliance's.
    #[must_use]
    pub fn over(&self, default: &Quotas) -> Quotas {
        let one = |own: Option<u64>, default: Option<u64>| match own {
            Some(0) => None,
            Some(limit) => Some(limit),
            None => default,
        };
        Quotas {
            members: one(self.members, default.members),
            documents: one(self.documents, default.documents),
            storage_bytes: one(self.storage_bytes, default.storage_bytes),
            conversations_per_month: one(self.conversations_per_month, default.conversations_per_month),
        }
    }
}

/// What was set for the tenant, in the system keyspace.
///
/// # Errors
/// When the store fails.
pub fn own(tx: &impl Read, tenant: TenantId) -> Result<OwnQuotas, Error> {
    Ok(tx.get::<Own>(&tenant)?.unwrap_or_default())
}

/// Changes what is set for the tenant; as it is now.
///
/// # Errors
/// [`Error::LimitTooLarge`], or when the store fails.
pub fn change(tx: &mut WriteTx<'_>, tenant: TenantId, change: &QuotaChange) -> Result<OwnQuotas, Error> {
    let changed = own(tx, tenant)?.changed(change)?;
    tx.put::<Own>(&tenant, &changed)?;
    Ok(changed)
}

/// Sets all of a tenant that comes from elsewhere.
///
/// # Errors
/// When the store fails.
pub fn keep(tx: &mut WriteTx<'_>, tenant: TenantId, quotas: &OwnQuotas) -> Result<(), Error> {
    Ok(tx.put::<Own>(&tenant, quotas)?)
}

/// Forgets a tenant; whether anything was set.
///
/// # Errors
/// When the store fails.
pub fn forget(tx: &mut WriteTx<'_>, tenant: TenantId) -> Result<bool, Error> {
    Ok(tx.remove::<Own>(&tenant)?)
}
