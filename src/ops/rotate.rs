//! A new key for the appliance: what is kept sealed is sealed anew, and the key before it is kept only to open what is left.
//!
//! The file with the new key is on disk before anything is sealed with it, so that a rotation that is cut off is finished by the
//! next one and nothing is lost meanwhile. What lives for minutes or a day (answers kept under an idempotency key, letters on their
//! way, second factors being turned on) is not sealed anew and opens with the key before. Visitors' tokens are signed with the key
//! in use: chats that are open begin anew.

use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::make::tenants;
use crate::ai;
use crate::base::{AccountId, Call, Sealer};
use crate::identity::audit::{Action, Note, record};
use crate::identity::pass::{ManageAppliance, ManageTenants};
use crate::identity::{self, Pass, Policy, mfa};
use crate::store::{DataDirectory, Keyspace};

/// Seeds of second factors that are sealed anew in one change.
const SEEDS_AT_A_TIME: usize = 500;

/// What was sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Rotated {
    /// Keys of model providers, the appliance's and the workspaces'.
    pub provider_keys: usize,
    /// Workspaces whose databases were gone through.
    pub workspaces: usize,
}

/// Gives the appliance a new key and seals anew what is kept.
///
/// # Errors
/// [`crate::store::Error::KeyHandedIn`]; what does not open, or the store's.
pub async fn rotate_key(
    directory: &DataDirectory,
    policy: &Policy,
    sealer: &Sealer,
    call: &Call,
    _: Pass<ManageAppliance>,
) -> Result<Rotated, Error> {
    let key = directory.rotate_key()?;
    sealer.rotate(&key.key, &key.before);
    let system = policy.system();
    let call = call.clone();
    let written = system.write(move |tx| record(tx, &call, Note::new(Action::KeyRotated)));
    written.await?;
    let mut rotated = Rotated { provider_keys: provider_keys(system, sealer).await?, workspaces: 0 };
    let mut after: Option<AccountId> = None;
    loop {
        let sealer = sealer.clone();
        let sealed = system.write(move |tx| mfa::reseal(tx, &sealer, after, SEEDS_AT_A_TIME));
        after = sealed.await.map_err(audit_fault)?;
        if after.is_none() {
            break;
        }
    }
    for tenant in system.read(tenants)? {
        let pass = Pass::<ManageTenants>::appliance("every workspace's keys are sealed anew");
        match policy.enter_any(pass, tenant).await {
            Ok(keyspace) => rotated.provider_keys += provider_keys(&keyspace, sealer).await?,
            // Erased meanwhile.
            Err(identity::Error::NotFound) => continue,
            Err(error) => return Err(audit_fault(error)),
        }
        rotated.workspaces += 1;
    }
    Ok(rotated)
}

async fn provider_keys(keyspace: &Keyspace, sealer: &Sealer) -> Result<usize, Error> {
    let sealer = sealer.clone();
    let sealed = keyspace.write(move |tx| ai::keys::reseal(tx, &sealer));
    sealed.await.map_err(|error| Error::Keys(Arc::new(error)))
}

fn audit_fault(error: identity::Error) -> Error {
    match error {
        identity::Error::Store(error) => error.into(),
        other => Error::Audit(Arc::new(other)),
    }
}
