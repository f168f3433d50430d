//! The one place that turns a credential into a principal, and a principal into a keyspace and a pass.
//!
//! What a principal may not know to exist is not found; what it knows and may not do is forbidden. A visitor is never told
//! that there are API keys or documents behind the chat.

use std::sync::Arc;

use super::pass::{Authority, ManageTenants, Pass, Reach, Right};
use super::permission::Permissions;
use super::{Error, Principal, account, api_key, custom_role, membership, mfa, session, tenant_roll};
use crate::base::{AccountId, TenantId, Timestamp, TokenHash};
use crate::store::{self, Keyspace, Read, ReadTx, Store};

/// Decides who may do what.
#[derive(Debug, Clone)]
pub struct Policy {
    store: Arc<Store>,
}

impl Policy {
    /// Over the appliance's store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// The system keyspace, for operations on what lies there: accounts, sessions, keys, tenants.
    #[must_use]
    pub fn system(&self) -> &Keyspace {
        self.store.system()
    }

    /// The person whose session has this token, with no workspace chosen yet. Notes the use, at most once a minute.
    ///
    /// # Errors
    /// [`Error::SessionEnded`].
    pub async fn authenticate_session(&self, token: &str, now: Timestamp) -> Result<Principal, Error> {
        let token = TokenHash::of(token);
        let (session, operator) = self.system().read(|tx| {
            let session = session::find(tx, &token, now)?.ok_or(Error::SessionEnded)?;
            let account = account::load(tx, session.account)?.ok_or(Error::SessionEnded)?;
            Ok::<_, Error>((session, account.operator))
        })?;
        if session.use_is_due(now) {
            let noted = self.system().write(move |tx| session::note_use(tx, &token, now)).await;
            warn_unnoted(noted);
        }
        Ok(Principal::Account { account: session.account, session: session.id, operator })
    }

    /// The program whose key has this secret. Notes the use, at most once a minute.
    ///
    /// # Errors
    /// [`Error::ApiKeyUnknown`] or [`Error::ApiKeyExpired`].
    pub async fn authenticate_api_key(&self, secret: &str, now: Timestamp) -> Result<Principal, Error> {
        let secret = TokenHash::of(secret);
        let (key, row) = self.system().read(|tx| api_key::find(tx, &secret))?.ok_or(Error::ApiKeyUnknown)?;
        if row.has_expired(now) {
            return Err(Error::ApiKeyExpired);
        }
        if row.use_is_due(now) {
            let noted = self.system().write(move |tx| api_key::note_use(tx, &key, now)).await;
            warn_unnoted(noted);
        }
        let (tenant, id) = key;
        Ok(Principal::ApiKey { id, tenant, permissions: row.permissions() })
    }

    /// Puts a signed-in person into the workspace that is asked for, or into the only one; with several and none asked
    /// for, the principal stays as it is. A key or visitor may name its own workspace and no other.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not a member there, whether or not there is such a workspace.
    pub fn choose_workspace(
        &self,
        principal: Principal,
        asked: Option<TenantId>,
    ) -> Result<Principal, Error> {
        let (account, session, operator) = match principal {
            Principal::Account { account, session, operator }
            | Principal::MfaMissing { account, session, operator }
            | Principal::Member { account, session, operator, .. } => (account, session, operator),
            Principal::Console { .. } => {
                return Ok(Principal::Console { tenant: asked.or(principal.tenant()) });
            }
            Principal::Nobody | Principal::ApiKey { .. } | Principal::Visitor { .. } => {
                let own = asked.is_none() || principal == Principal::Nobody || asked == principal.tenant();
                return if own { Ok(principal) } else { Err(Error::NotFound) };
            }
        };
        self.system().read(|tx| {
            let found = match asked {
                Some(tenant) => {
                    Some((tenant, membership::role(tx, account, tenant)?.ok_or(Error::NotFound)?))
                }
                None => match membership::of_account(tx, account)?.as_slice() {
                    [only] => Some(*only),
                    _ => None,
                },
            };
            let Some((tenant, role)) = found else {
                return Ok(Principal::Account { account, session, operator });
            };
            if mfa_is_missing(tx, account, tenant)? {
                return Ok(Principal::MfaMissing { account, session, operator });
            }
            let permissions = custom_role::permissions(tx, tenant, role)?;
            Ok(Principal::Member { account, session, tenant, role, permissions, operator })
        })
    }

    /// Opens the keyspace of the tenant that the principal acts in. A suspended one is entered only by the operator and the
    /// console.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::WorkspaceNotChosen`], [`Error::NotFound`] when the tenant is gone,
    /// [`Error::WorkspaceSuspended`], or the store's.
    pub async fn enter(&self, principal: &Principal) -> Result<Keyspace, Error> {
        let tenant = match principal {
            Principal::Nobody => return Err(Error::NotSignedIn),
            Principal::MfaMissing { .. } => return Err(Error::MfaRequired),
            other => other.tenant().ok_or(Error::WorkspaceNotChosen)?,
        };
        self.system().read(|tx| {
            if !tenant_roll::has(tx, tenant)? {
                return Err(Error::NotFound);
            }
            not_suspended(tx, principal, tenant)
        })?;
        self.open(tenant).await
    }

    /// Opens the keyspace of any tenant, suspended or not, for the operator's own business with it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tenant, or the store's.
    pub async fn enter_any(&self, _: Pass<ManageTenants>, tenant: TenantId) -> Result<Keyspace, Error> {
        if !self.system().read(|tx| tenant_roll::has(tx, tenant))? {
            return Err(Error::NotFound);
        }
        self.open(tenant).await
    }

    async fn open(&self, tenant: TenantId) -> Result<Keyspace, Error> {
        match self.store.tenant_async(tenant).await {
            // Erased between the look at the roll and this.
            Err(store::Error::Erased) => Err(Error::NotFound),
            opened => Ok(opened?),
        }
    }

    /// Whether a principal of a connection that stays open may still act: its session has not ended, it is still a member
    /// in the same role with the same permissions, its key is good, and its tenant is neither gone nor suspended. Does not
    /// count as use. A visitor's token cannot be withdrawn, only run out.
    ///
    /// # Errors
    /// [`Error::SessionEnded`], [`Error::ApiKeyUnknown`], [`Error::NotFound`] or [`Error::WorkspaceSuspended`].
    pub fn recheck(&self, principal: &Principal, now: Timestamp) -> Result<(), Error> {
        self.system().read(|tx| {
            if let Some(tenant) = principal.tenant() {
                if !tenant_roll::has(tx, tenant)? {
                    return Err(Error::NotFound);
                }
                not_suspended(tx, principal, tenant)?;
            }
            credential_holds(tx, principal, now)
        })
    }

    /// The pass for `R`, if the principal has the right.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::WorkspaceNotChosen`], [`Error::Forbidden`], and [`Error::NotFound`] for visitors.
    pub fn pass<R: Right>(principal: &Principal) -> Result<Pass<R>, Error> {
        let of_appliance = R::PERMISSION.is_of_appliance();
        let of_workspace = |tenant: TenantId, permissions: Permissions, owner: bool, operator: bool| {
            let allowed = if of_appliance { operator } else { permissions.has(R::PERMISSION) };
            let authority = Authority::new(permissions, owner);
            if allowed { Ok(Pass::mint(Some(tenant), Reach::All, authority)) } else { Err(Error::Forbidden) }
        };
        match *principal {
            Principal::Nobody => Err(Error::NotSignedIn),
            Principal::MfaMissing { .. } => Err(Error::MfaRequired),
            Principal::Member { tenant, role, permissions, operator, .. } => {
                of_workspace(tenant, permissions, role.is_owner(), operator)
            }
            Principal::ApiKey { tenant, permissions, .. } => of_workspace(tenant, permissions, false, false),
            Principal::Account { operator: true, .. } if of_appliance => {
                Ok(Pass::mint(None, Reach::All, Authority::none()))
            }
            Principal::Account { .. } if of_appliance => Err(Error::Forbidden),
            Principal::Account { .. } => Err(Error::WorkspaceNotChosen),
            Principal::Visitor { tenant, visitor } if R::VISITORS => {
                Ok(Pass::mint(Some(tenant), Reach::Visitor(visitor), Authority::none()))
            }
            Principal::Visitor { .. } => Err(Error::NotFound),
            Principal::Console { tenant } => Ok(Pass::mint(tenant, Reach::All, Authority::full())),
        }
    }
}

/// Whether the tenant demands a second factor that the account has not.
fn mfa_is_missing(tx: &impl Read, account: AccountId, tenant: TenantId) -> Result<bool, Error> {
    Ok(tenant_roll::requires_mfa(tx, tenant)? && !mfa::is_enabled(tx, account)?)
}

/// The session has not ended, the role and what it permits are the same, or the key is good.
fn credential_holds(tx: &ReadTx, principal: &Principal, now: Timestamp) -> Result<(), Error> {
    match *principal {
        Principal::Account { account, session, .. } | Principal::MfaMissing { account, session, .. }
            if !session::is_open(tx, account, session, now)? =>
        {
            Err(Error::SessionEnded)
        }
        Principal::Member { account, session, tenant, role, permissions, .. }
            if !session::is_open(tx, account, session, now)?
                || membership::role(tx, account, tenant)? != Some(role)
                || custom_role::permissions(tx, tenant, role)? != permissions
                || mfa_is_missing(tx, account, tenant)? =>
        {
            Err(Error::SessionEnded)
        }
        Principal::ApiKey { id, tenant, .. } if !api_key::is_valid(tx, tenant, id, now)? => {
            Err(Error::ApiKeyUnknown)
        }
        _ => Ok(()),
    }
}

/// A suspended tenant is closed to everybody but the operator and the console.
fn not_suspended(tx: &impl Read, principal: &Principal, tenant: TenantId) -> Result<(), Error> {
    let exempt = matches!(principal, Principal::Console { .. } | Principal::Member { operator: true, .. });
    if exempt || !tenant_roll::is_suspended(tx, tenant)? {
        return Ok(());
    }
    Err(Error::WorkspaceSuspended { to_visitor: matches!(principal, Principal::Visitor { .. }) })
}

/// A use that cannot be written down is no reason to turn somebody away.
fn warn_unnoted(noted: Result<(), Error>) {
    if let Err(error) = noted {
        tracing::warn!(?error, "the use of a credential could not be written down");
    }
}
