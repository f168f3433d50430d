//! A key as it lies in a keyspace: sealed, and bound to where it lies.

use serde::{Deserialize, Serialize};

use super::{Error, Rule};
use crate::base::{Actor, Call, Sealed, Sealer, Secret, Timestamp};
use crate::store::{KeyspaceId, Read, Scan, WriteTx, tables};

/// The most characters of a key; vendors' have less than 200, tokens of gateways some thousand.
pub const KEY_BYTES_MAX: usize = 4_096;
/// Keys that are sealed anew at a time: more than a site has providers.
const KEYS_MAX: usize = 10_000;
/// So much of a key is shown.
const SHOWN_CHARS: usize = 4;
/// Of a shorter key nothing is shown: it would be too much of it.
const SHOWN_FROM_CHARS: usize = 16;

/// A sealed key and what people may know of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ProviderKey {
    sealed: Sealed,
    last_four: String,
    set_at: Timestamp,
    set_by: Actor,
}

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct KeyView {
    /// Its last four characters; empty for a key that is too short to show any.
    pub last_four: String,
    /// Since when.
    pub set_at: Timestamp,
    /// Who set it: the id of an account or of an API key, or `console`.
    pub set_by: String,
}

tables! {
    /// By the provider's name in the settings.
    pub(super) Keys = "ai.key": String => ProviderKey;
}

/// The table that holds them: its rows open nowhere else.
pub const SEALED_TABLES: [&str; 1] = ["ai.key"];

/// What a key is bound to.
fn place(id: KeyspaceId, provider: &str) -> String {
    format!("ai.key/{id}/{provider}")
}

/// The key without blanks at its ends, which come with copying.
fn checked(key: &Secret) -> Result<Secret, Error> {
    let text = key.expose().trim();
    if text.is_empty() {
        return Err(Error::Key(Rule::Empty));
    }
    if text.len() > KEY_BYTES_MAX {
        return Err(Error::Key(Rule::TooLong(KEY_BYTES_MAX)));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Key(Rule::NotVisible));
    }
    Ok(Secret::new(text.to_owned()))
}

impl ProviderKey {
    /// Seals `key` for the row of `provider` in the keyspace `id`.
    pub(super) fn seal(
        sealer: &Sealer,
        id: KeyspaceId,
        provider: &str,
        call: &Call,
        key: &Secret,
    ) -> Result<Self, Error> {
        let key = checked(key)?;
        let text = key.expose();
        let shown = if text.len() < SHOWN_FROM_CHARS { text.len() } else { text.len() - SHOWN_CHARS };
        let sealed = sealer.seal(&place(id, provider), &key);
        Ok(Self {
            sealed: sealed.map_err(|_| Error::Key(Rule::TooLong(KEY_BYTES_MAX)))?,
            last_four: text.get(shown..).unwrap_or_default().to_owned(),
            set_at: call.now,
            set_by: call.actor,
        })
    }

    pub(super) fn open(&self, sealer: &Sealer, id: KeyspaceId, provider: &str) -> Result<Secret, Error> {
        let opened = sealer.open(&place(id, provider), &self.sealed);
        opened.map_err(|_| Error::DoesNotOpen { provider: provider.to_owned(), place: id })
    }

    pub(super) fn view(&self) -> KeyView {
        KeyView { last_four: self.last_four.clone(), set_at: self.set_at, set_by: self.set_by.to_string() }
    }
}

/// Seals the keys of this keyspace anew with the appliance's key in use; how many.
///
/// # Errors
/// [`Error::DoesNotOpen`], and then nothing is changed.
pub fn reseal(tx: &mut WriteTx<'_>, sealer: &Sealer) -> Result<usize, Error> {
    let id = tx.keyspace();
    let rows = tx.scan::<Keys>(&Scan::all(KEYS_MAX))?;
    for (provider, row) in &rows {
        let sealed = sealer.reseal(&place(id, provider), &row.sealed);
        let sealed = sealed.map_err(|_| Error::DoesNotOpen { provider: provider.clone(), place: id })?;
        tx.put::<Keys>(provider, &ProviderKey { sealed, ..row.clone() })?;
    }
    Ok(rows.len())
}

pub(super) fn load(tx: &impl Read, provider: &str) -> Result<Option<ProviderKey>, Error> {
    Ok(tx.get::<Keys>(&provider.to_owned())?)
}

pub(super) fn save(tx: &mut WriteTx<'_>, provider: &str, key: &ProviderKey) -> Result<(), Error> {
    Ok(tx.put::<Keys>(&provider.to_owned(), key)?)
}

/// Whether there was one.
pub(super) fn remove(tx: &mut WriteTx<'_>, provider: &str) -> Result<bool, Error> {
    Ok(tx.remove::<Keys>(&provider.to_owned())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{TenantId, Timestamp};

    #[test]
    fn a_copied_row_opens_nowhere_else_and_shows_nothing_of_the_key() {
        let (sealer, call) = (Sealer::new(&[7; 32]), Call::appliance(Timestamp::from_millis(1)));
        let one = KeyspaceId::Tenant(TenantId::new(Timestamp::from_millis(1)));
        let other = KeyspaceId::Tenant(TenantId::new(Timestamp::from_millis(2)));
        let secret = Secret::new(" sk-abcdefghijklmnop-wxyz\n".to_owned());
        let row = ProviderKey::seal(&sealer, one, "gpt", &call, &secret).unwrap();
        assert_eq!(row.open(&sealer, one, "gpt").unwrap().expose(), "sk-abcdefghijklmnop-wxyz");
        for (id, provider) in [(other, "gpt"), (KeyspaceId::System, "gpt"), (one, "claude")] {
            assert!(matches!(row.open(&sealer, id, provider), Err(Error::DoesNotOpen { .. })));
        }
        assert!(row.open(&Sealer::new(&[8; 32]), one, "gpt").is_err());
        assert_eq!(row.view().last_four, "wxyz");
        let kept = rmp_serde::to_vec_named(&row).unwrap();
        for text in [format!("{row:?}"), String::from_utf8_lossy(&kept).into_owned()] {
            assert!(!text.contains("sk-abc") && !text.contains("mnop"), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_and_a_short_one_shows_nothing() {
        let (sealer, call) = (Sealer::new(&[7; 32]), Call::appliance(Timestamp::from_millis(1)));
        let seal = |text: &str| {
            let secret = Secret::new(text.to_owned());
            ProviderKey::seal(&sealer, KeyspaceId::System, "gpt", &call, &secret)
        };
        assert!(matches!(seal(" \n"), Err(Error::Key(Rule::Empty))));
        assert!(matches!(seal("two words"), Err(Error::Key(Rule::NotVisible))));
        assert!(matches!(seal("schlüssel"), Err(Error::Key(Rule::NotVisible))));
        assert!(matches!(seal(&"x".repeat(KEY_BYTES_MAX + 1)), Err(Error::Key(Rule::TooLong(_)))));
        assert_eq!(seal("short-key").unwrap().view().last_four, "");
    }
}
