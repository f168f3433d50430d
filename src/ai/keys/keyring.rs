//! Which key a provider is asked with, and the keys as people set and see them.
//!
//! The keyspace that an operation is given is the one it works in, so a workspace can neither read nor set another's.

use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::row::{self, KeyView, ProviderKey};
use crate::base::{Call, Sealer, Secret, TenantId};
use crate::identity::Pass;
use crate::identity::audit::{Action, Note, record};
use crate::identity::pass::{ManageTenants, ManageWorkspace};
use crate::store::{Keyspace, Read as _, Scan};

/// Keys for providers that the settings no longer have, which are listed.
const LEFT_ROWS_MAX: usize = 1_000;

/// A provider of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProvider {
    /// Its name there.
    pub name: String,
    /// Whether they give it a key.
    pub key_in_settings: bool,
}

/// Whose a sealed key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// This tenant's: nobody else's calls are made with it.
    Tenant(TenantId),
    /// The appliance's: for every tenant without one.
    Appliance,
}

/// A key that is to be used in place of the settings'.
#[derive(Debug, Clone)]
pub struct Found {
    /// The key.
    pub key: Secret,
    /// Whose it is.
    pub whose: Whose,
}

/// Where the key is from that a provider is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The workspace's own.
    Workspace,
    /// Kept by the appliance for all workspaces.
    Appliance,
    /// The settings'.
    Settings,
    /// There is none.
    None,
}

/// A provider and its key as people see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProviderKeyView {
    /// What the settings call the provider.
    pub provider: String,
    /// Whether they still have it; a key without its provider is of no use.
    pub configured: bool,
    /// Where the key is from that the provider is asked with.
    pub source: KeySource,
    /// The key that was set here, if one was.
    #[schema(required)]
    pub key: Option<KeyView>,
}

/// Keeps the keys of all providers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keyring {
    sealer: Sealer,
    system: Keyspace,
    providers: Arc<[KnownProvider]>,
}

impl Keyring {
    /// For the providers of the settings. The appliance's own keys are in `system`.
    #[must_use]
    pub fn new(sealer: Sealer, system: Keyspace, providers: Vec<KnownProvider>) -> Self {
        Self { sealer, system, providers: providers.into() }
    }

    /// The key for a call on behalf of the tenant of `keyspace`; nothing where the settings' own is to be used.
    ///
    /// # Errors
    /// [`Error::DoesNotOpen`], and then no other key may be tried in its place; or when the store fails.
    pub fn find(&self, keyspace: &Keyspace, provider: &str) -> Result<Option<Found>, Error> {
        if let Some(tenant) = keyspace.tenant()
            && let Some(key) = self.opened(keyspace, provider)?
        {
            return Ok(Some(Found { key, whose: Whose::Tenant(tenant) }));
        }
        let key = self.opened(&self.system, provider)?;
        Ok(key.map(|key| Found { key, whose: Whose::Appliance }))
    }

    fn opened(&self, keyspace: &Keyspace, provider: &str) -> Result<Option<Secret>, Error> {
        let row = keyspace.read(|tx| row::load(tx, provider))?;
        row.map(|row| row.open(&self.sealer, keyspace.id(), provider)).transpose()
    }

    /// The providers with the keys of the workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_workspace(
        &self,
        keyspace: &Keyspace,
        _: Pass<ManageWorkspace>,
    ) -> Result<Vec<ProviderKeyView>, Error> {
        let own = rows(keyspace).await?;
        let shared = rows(&self.system).await?;
        Ok(self.views(&own, KeySource::Workspace, |provider| {
            shared.iter().any(|(name, _)| name == provider).then_some(KeySource::Appliance)
        }))
    }

    /// The providers with the keys of the appliance.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_appliance(&self, _: Pass<ManageTenants>) -> Result<Vec<ProviderKeyView>, Error> {
        Ok(self.views(&rows(&self.system).await?, KeySource::Appliance, |_| None))
    }

    /// The providers of the settings in their order, then what is left of others.
    fn views(
        &self,
        own: &[(String, ProviderKey)],
        here: KeySource,
        beneath: impl Fn(&str) -> Option<KeySource>,
    ) -> Vec<ProviderKeyView> {
        let view = |provider: &str, configured: bool, in_settings: bool| {
            let key = own.iter().find(|(name, _)| name == provider).map(|(_, row)| row.view());
            let settings = if in_settings { KeySource::Settings } else { KeySource::None };
            let source = if key.is_some() { here } else { beneath(provider).unwrap_or(settings) };
            ProviderKeyView { provider: provider.to_owned(), configured, source, key }
        };
        let known = self.providers.iter().map(|one| view(&one.name, true, one.key_in_settings));
        let left = own.iter().filter(|(name, _)| !self.knows(name)).map(|(name, _)| view(name, false, false));
        known.chain(left).collect()
    }

    fn knows(&self, provider: &str) -> bool {
        self.providers.iter().any(|one| one.name == provider)
    }

    /// Sets the workspace's key for a provider, in place of the one before.
    ///
    /// # Errors
    /// [`Error::ProviderUnknown`], [`Error::Key`].
    pub async fn set_of_workspace(
        &self,
        keyspace: &Keyspace,
        call: &Call,
        _: Pass<ManageWorkspace>,
        provider: String,
        key: &Secret,
    ) -> Result<ProviderKeyView, Error> {
        self.set(keyspace, call, provider, key, KeySource::Workspace).await
    }

    /// Sets the appliance's key for a provider, in place of the one before.
    ///
    /// # Errors
    /// [`Error::ProviderUnknown`], [`Error::Key`].
    pub async fn set_of_appliance(
        &self,
        call: &Call,
        _: Pass<ManageTenants>,
        provider: String,
        key: &Secret,
    ) -> Result<ProviderKeyView, Error> {
        self.set(&self.system, call, provider, key, KeySource::Appliance).await
    }

    async fn set(
        &self,
        keyspace: &Keyspace,
        call: &Call,
        provider: String,
        key: &Secret,
        source: KeySource,
    ) -> Result<ProviderKeyView, Error> {
        if !self.knows(&provider) {
            return Err(Error::ProviderUnknown(provider));
        }
        let row = ProviderKey::seal(&self.sealer, keyspace.id(), &provider, call, key)?;
        let (name, kept, call) = (provider.clone(), row.clone(), call.clone());
        let set = keyspace.write(move |tx| {
            row::save(tx, &name, &kept)?;
            Ok::<_, Error>(record(tx, &call, Note::new(Action::ProviderKeySet).about(&name))?)
        });
        set.await?;
        Ok(ProviderKeyView { provider, configured: true, source, key: Some(row.view()) })
    }

    /// Removes the workspace's key for a provider; safe to repeat.
    ///
    /// # Errors
    /// [`Error::ProviderUnknown`] for what neither the settings nor the keys know.
    pub async fn remove_of_workspace(
        &self,
        keyspace: &Keyspace,
        call: &Call,
        _: Pass<ManageWorkspace>,
        provider: String,
    ) -> Result<(), Error> {
        self.remove(keyspace, call, provider).await
    }

    /// Removes the appliance's key for a provider; safe to repeat.
    ///
    /// # Errors
    /// [`Error::ProviderUnknown`] for what neither the settings nor the keys know.
    pub async fn remove_of_appliance(
        &self,
        call: &Call,
        _: Pass<ManageTenants>,
        provider: String,
    ) -> Result<(), Error> {
        self.remove(&self.system, call, provider).await
    }

    async fn remove(&self, keyspace: &Keyspace, call: &Call, provider: String) -> Result<(), Error> {
        let (name, call) = (provider.clone(), call.clone());
        let removed = keyspace.write(move |tx| {
            let was_there = row::remove(tx, &name)?;
            if was_there {
                record(tx, &call, Note::new(Action::ProviderKeyRemoved).about(&name))?;
            }
            Ok::<_, Error>(was_there)
        });
        let was_there = removed.await?;
        if was_there || self.knows(&provider) { Ok(()) } else { Err(Error::ProviderUnknown(provider)) }
    }
}

async fn rows(keyspace: &Keyspace) -> Result<Vec<(String, ProviderKey)>, Error> {
    Ok(keyspace.query(|tx| tx.scan::<row::Keys>(&Scan::all(LEFT_ROWS_MAX))).await?)
}
