//! Who asks, once the credential has been checked.
//!
//! A principal says who somebody is and in which tenant, and by itself permits nothing: the keyspace and the passes are
//! had from [`Policy`](super::Policy). It holds ids, a role and what that permits, never a secret, and is worth no more than its credential:
//! a connection that stays open has it checked again ([`Policy::recheck`](super::Policy::recheck)).

use super::{MemberRole, Permissions};
use crate::base::{AccountId, Actor, ApiKeyId, SessionId, TenantId, VisitorId};

/// An authenticated principal. [`Policy`](super::Policy) makes those of sessions and keys, `contacts` those of visitors, and
/// the command line is the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// No credential was given.
    Nobody,
    /// A signed-in person, in a workspace.
    Member {
        /// Who.
        account: AccountId,
        /// By which sign-in.
        session: SessionId,
        /// In which tenant.
        tenant: TenantId,
        /// As what.
        role: MemberRole,
        /// What the role permits.
        permissions: Permissions,
        /// Whether the person also runs the appliance.
        operator: bool,
    },
    /// A signed-in person who has not chosen a workspace.
    Account {
        /// Who.
        account: AccountId,
        /// By which sign-in.
        session: SessionId,
        /// Whether the person runs the appliance.
        operator: bool,
    },
    /// A signed-in person whose workspace demands a second factor, which the person has not set up yet. May do that, and
    /// nothing else.
    MfaMissing {
        /// Who.
        account: AccountId,
        /// By which sign-in.
        session: SessionId,
        /// Whether the person runs the appliance.
        operator: bool,
    },
    /// A program.
    ApiKey {
        /// With which key.
        id: ApiKeyId,
        /// Of which tenant.
        tenant: TenantId,
        /// What it may do.
        permissions: Permissions,
    },
    /// A visitor of a tenant's chat.
    Visitor {
        /// Of which tenant.
        tenant: TenantId,
        /// Who.
        visitor: VisitorId,
    },
    /// The administrator at the machine's own command line.
    Console {
        /// The tenant that the command is about, if it is about one.
        tenant: Option<TenantId>,
    },
}

impl Principal {
    /// Who is written down as having acted.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match *self {
            Self::Nobody => Actor::Nobody,
            Self::Member { account, .. }
            | Self::Account { account, .. }
            | Self::MfaMissing { account, .. } => Actor::Account(account),
            Self::ApiKey { id, .. } => Actor::ApiKey(id),
            Self::Visitor { visitor, .. } => Actor::Visitor(visitor),
            Self::Console { .. } => Actor::Console,
        }
    }

    /// The tenant it acts in.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match *self {
            Self::Nobody | Self::Account { .. } | Self::MfaMissing { .. } => None,
            Self::Member { tenant, .. } | Self::ApiKey { tenant, .. } | Self::Visitor { tenant, .. } => {
                Some(tenant)
            }
            Self::Console { tenant } => tenant,
        }
    }

    /// The account and the sign-in session of a signed-in person.
    #[must_use]
    pub fn signed_in(&self) -> Option<(AccountId, SessionId)> {
        match *self {
            Self::Member { account, session, .. }
            | Self::Account { account, session, .. }
            | Self::MfaMissing { account, session, .. } => Some((account, session)),
            Self::Nobody | Self::ApiKey { .. } | Self::Visitor { .. } | Self::Console { .. } => None,
        }
    }
}
