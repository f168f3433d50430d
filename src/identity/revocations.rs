//! Tells open connections at once that somebody's rights have shrunk.
//!
//! A connection that stays open has its credential looked at again from time to time ([`super::Policy::recheck`]); what is
//! told here makes it look now. Nothing is decided by the telling: a connection that hears of itself asks the policy. Told in
//! the transaction of the change, heard once it is on disk. Who listens too slowly hears that it has missed something, and
//! looks too.

use tokio::sync::broadcast;

use super::Principal;
use crate::base::{AccountId, ApiKeyId, TenantId};
use crate::store::WriteTx;

/// What a listener may fall behind before it is told to look, whatever it missed.
const BACKLOG_MAX: usize = 256;

/// Whose rights have shrunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// A person's: a session ended, a role was taken.
    Account(AccountId),
    /// A program's.
    ApiKey(ApiKeyId),
    /// Everybody's in a tenant.
    Tenant(TenantId),
}

impl Revoked {
    fn concerns(self, principal: &Principal) -> bool {
        match self {
            Self::Account(account) => principal.signed_in().is_some_and(|(own, _)| own == account),
            Self::ApiKey(key) => matches!(principal, Principal::ApiKey { id, .. } if *id == key),
            Self::Tenant(tenant) => principal.tenant() == Some(tenant),
        }
    }
}

/// Where it is told; clones tell and hear the same.
#[derive(Debug, Clone)]
pub struct Revocations {
    sender: broadcast::Sender<Revoked>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new()
    }
}

impl Revocations {
    /// With nobody listening.
    #[must_use]
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG_MAX) }
    }

    /// Tells it once the change is on disk. Without an appliance around the store there is nobody to tell.
    pub fn tell(tx: &mut WriteTx<'_>, revoked: Revoked) {
        if let Some(revocations) = tx.extension::<Self>() {
            tx.after_commit(move || {
                // Nobody listens: nothing is open.
                let _ = revocations.sender.send(revoked);
            });
        }
    }

    /// Listens for what concerns `principal`.
    #[must_use]
    pub fn of(&self, principal: Principal) -> RevocationsOf {
        RevocationsOf { receiver: self.sender.subscribe(), principal }
    }
}

/// What a connection hears.
#[derive(Debug)]
pub struct RevocationsOf {
    receiver: broadcast::Receiver<Revoked>,
    principal: Principal,
}

impl RevocationsOf {
    /// Waits until the credential should be looked at again. Cancel safe.
    pub async fn next(&mut self) {
        loop {
            match self.receiver.recv().await {
                Ok(revoked) if !revoked.concerns(&self.principal) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
