//! API keys: how a program acts in one tenant, with permissions of its own and until a date.
//!
//! A key has nothing that its maker lacked, and never what is left to people ([`super::Permission::is_for_keys`]); what
//! its maker loses later, it keeps.
//!
//! The secret is `fdk_` and 43 characters of URL-safe base64 (256 random bits). The prefix is there for scanners that
//! look for leaked secrets; the first four characters after it are kept readable, so that people can tell keys apart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::audit::{Action, Note, record};
use super::pass::ManageApiKeys;
use super::{Error, Pass, Permission, Permissions, Revocations, Revoked, Role, account};
use crate::base::{Actor, ApiKeyId, Call, Page, PageRequest, Secret, TenantId, Timestamp, TokenHash};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// What every key's secret begins with.
pub const API_KEY_PREFIX: &str = "fdk_";
/// The most keys of a tenant.
pub const API_KEYS_MAX: usize = 100;
const HINT_CHARS: usize = API_KEY_PREFIX.len() + 4;
const USE_WRITTEN_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ApiKey {
    name: String,
    /// Of keys from before there were permissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(default)]
    permissions: Permissions,
    token: TokenHash,
    hint: String,
    created: Timestamp,
    created_by: Actor,
    expires: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

impl ApiKey {
    /// What the key may do.
    pub(super) fn permissions(&self) -> Permissions {
        match self.role {
            Some(role) => role.permissions().iter().filter(|permission| permission.is_for_keys()).collect(),
            None => self.permissions,
        }
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(super) fn use_is_due(&self, now: Timestamp) -> bool {
        self.last_used.is_none_or(|last| now.since(last) >= USE_WRITTEN_EVERY)
    }
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
}

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ApiKeyView {
    /// Its id.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    #[schema(value_type = Vec<Permission>)]
    pub permissions: Permissions,
    /// How its secret begins.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKeyView {
    fn of(id: ApiKeyId, key: ApiKey) -> Self {
        Self {
            id,
            permissions: key.permissions(),
            name: key.name,
            hint: key.hint,
            created_at: key.created,
            expires_at: key.expires,
            last_used_at: key.last_used,
        }
    }
}

/// A key that was just made, with the secret that nobody sees again.
#[derive(Debug, Clone)]
pub struct CreatedApiKey {
    /// The key.
    pub key: ApiKeyView,
    /// What the program sends as `Authorization: Bearer`.
    pub secret: Secret,
}

static BY_TOKEN: Index<ApiKeys, TokenHash> =
    Index::unique("identity.api_key.by_token", |_, key: &ApiKey| Some(key.token));

tables! {
    /// The keys of all tenants.
    pub(super) ApiKeys = "identity.api_key": (TenantId, ApiKeyId) => ApiKey, [BY_TOKEN];
}

/// A key with where it lies.
pub(super) type Row = ((TenantId, ApiKeyId), ApiKey);

/// Makes a key for the tenant of the pass.
///
/// # Errors
/// [`Error::BadName`], [`Error::PermissionsEmpty`], [`Error::ApiKeyPermission`], [`Error::BeyondOwnRights`],
/// [`Error::ExpiryPassed`] or [`Error::TooMany`].
pub fn create(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageApiKeys>,
    new: &NewApiKey,
) -> Result<CreatedApiKey, Error> {
    let tenant = pass.workspace()?;
    let name = account::parse_name(&new.name)?;
    if new.permissions.is_empty() {
        return Err(Error::PermissionsEmpty);
    }
    if let Some(permission) = new.permissions.iter().find(|permission| !permission.is_for_keys()) {
        return Err(Error::ApiKeyPermission { permission });
    }
    if !pass.authority().covers(new.permissions) {
        return Err(Error::BeyondOwnRights);
    }
    if new.expires.is_some_and(|expires| expires <= call.now) {
        return Err(Error::ExpiryPassed);
    }
    if tx.keys::<ApiKeys>(&Scan::prefix(&tenant, API_KEYS_MAX))?.len() >= API_KEYS_MAX {
        return Err(Error::TooMany { what: "API keys", count_max: API_KEYS_MAX });
    }
    let secret = Secret::new(format!("{API_KEY_PREFIX}{}", Secret::random().expose()));
    let key = ApiKey {
        name,
        role: None,
        permissions: new.permissions,
        token: TokenHash::of(secret.expose()),
        hint: secret.expose().chars().take(HINT_CHARS).collect(),
        created: call.now,
        created_by: call.actor,
        expires: new.expires,
        last_used: None,
    };
    let id = ApiKeyId::new(call.now);
    tx.insert::<ApiKeys>(&(tenant, id), &key)?;
    let note = Note::new(Action::ApiKeyCreated).of_tenant(tenant).about(id);
    let note = note.with("permissions", key.permissions);
    record(tx, call, key.expires.map_or(note.clone(), |expires| note.with("expires_at", expires)))?;
    Ok(CreatedApiKey { key: ApiKeyView::of(id, key), secret })
}

/// The keys of the pass's tenant, oldest first.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    pass: Pass<ManageApiKeys>,
    request: &PageRequest,
) -> Result<Page<ApiKeyView>, Error> {
    let page = tx.page::<ApiKeys>(Scan::prefix(&pass.workspace()?, 0), request)?;
    Ok(page.map(|((_, id), key)| ApiKeyView::of(id, key)))
}

/// Makes a key of the pass's tenant useless at once.
///
/// # Errors
/// [`Error::NotFound`] when the tenant has no such key.
pub fn revoke(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageApiKeys>,
    id: ApiKeyId,
) -> Result<(), Error> {
    let key = (pass.workspace()?, id);
    if !tx.remove::<ApiKeys>(&key)? {
        return Err(Error::NotFound);
    }
    Revocations::tell(tx, Revoked::ApiKey(id));
    let note = Note::new(Action::ApiKeyRevoked).of_tenant(key.0).about(id);
    Ok(record(tx, call, note)?)
}

/// What a key of the tenant is called, as long as there is one.
pub(super) fn name(tx: &impl Read, tenant: TenantId, id: ApiKeyId) -> Result<Option<String>, Error> {
    Ok(tx.get::<ApiKeys>(&(tenant, id))?.map(|key| key.name))
}

/// The key of this secret, expired or not.
pub(super) fn find(tx: &impl Read, secret: &TokenHash) -> Result<Option<Row>, Error> {
    Ok(BY_TOKEN.get(tx, secret)?)
}

/// Whether the key still works.
pub(super) fn is_valid(
    tx: &impl Read,
    tenant: TenantId,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(tx.get::<ApiKeys>(&(tenant, id))?.is_some_and(|key| !key.has_expired(now)))
}

/// Notes that it was used; nothing if it was revoked meanwhile.
pub(super) fn note_use(
    tx: &mut WriteTx<'_>,
    key: &(TenantId, ApiKeyId),
    now: Timestamp,
) -> Result<(), Error> {
    if tx.get::<ApiKeys>(key)?.is_some_and(|row| row.use_is_due(now)) {
        tx.update::<ApiKeys>(key, |row| row.last_used = Some(now))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key as it was written before there were permissions.
    #[derive(Serialize)]
    struct Before {
        name: String,
        role: Role,
        token: TokenHash,
        hint: String,
        created: Timestamp,
        created_by: Actor,
        expires: Option<Timestamp>,
        last_used: Option<Timestamp>,
    }

    #[test]
    fn a_key_from_before_permissions_may_what_its_role_may_but_nothing_that_is_left_to_people() {
        for role in Role::ALL {
            let before = Before {
                name: "CI".into(),
                role,
                token: TokenHash::of("x"),
                hint: "fdk_abcd".into(),
                created: Timestamp::from_millis(1),
                created_by: Actor::Console,
                expires: None,
                last_used: None,
            };
            let row = rmp_serde::to_vec_named(&before).unwrap();
            let key: ApiKey = rmp_serde::from_slice(&row).unwrap();
            for permission in Permission::ALL {
                let may = role.allows(*permission) && permission.is_for_keys();
                assert_eq!(key.permissions().has(*permission), may, "{role:?} {permission:?}");
            }
            let again: ApiKey = rmp_serde::from_slice(&rmp_serde::to_vec_named(&key).unwrap()).unwrap();
            assert_eq!(again.permissions(), key.permissions());
        }
    }
}
