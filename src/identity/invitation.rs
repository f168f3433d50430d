//! Invitations: how somebody becomes a member of a workspace without the appliance's operator.
//!
//! An invitation is a link with a token of 256 random bits, of which only the hash is kept. It is good for seven days, for
//! one use, and for one address: a second invitation to an address takes the place of the first. Rows that have run out
//! are removed when the workspace makes the next one, so there are never more than [`INVITATIONS_MAX`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::{self, Accounts};
use super::audit::{Action, Note, record};
use super::pass::ManageMembers;
use super::{
    Account, Device, Email, Error, MemberRole, NewAccount, OpenedSession, Pass, api_key, custom_role,
    membership, session,
};
use crate::base::{
    AccountId, Actor, Call, InvitationId, Page, PageRequest, Secret, TenantId, Timestamp, TokenHash,
};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// How long an invitation is good for.
pub const INVITATION_LIFE: Duration = Duration::from_hours(7 * 24);
/// The most open invitations of a tenant.
pub const INVITATIONS_MAX: usize = 100;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Invitation {
    email: Email,
    role: MemberRole,
    token: TokenHash,
    invited_by: Actor,
    created: Timestamp,
    expires: Timestamp,
}

static BY_TOKEN: Index<Invitations, TokenHash> =
    Index::unique("identity.invitation.by_token", |_, invitation: &Invitation| Some(invitation.token));

tables! {
    /// Who is invited to what.
    pub(super) Invitations = "identity.invitation": (TenantId, InvitationId) => Invitation, [BY_TOKEN];
}

/// An invitation as the workspace's managers see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct InvitationView {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// As what.
    pub role: MemberRole,
    /// What people call the role.
    pub role_name: String,
    /// Who made it: a person's or key's name, or `console`.
    pub invited_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// An invitation to be made.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Who is to join.
    pub email: Email,
    /// As what.
    pub role: MemberRole,
}

/// An invitation that was just made, with the token that nobody sees again.
#[derive(Debug, Clone)]
pub struct CreatedInvitation {
    /// The invitation.
    pub invitation: InvitationView,
    /// What the link ends with.
    pub token: Secret,
}

/// What somebody with the link is told of the invitation.
#[derive(Debug, Clone)]
pub struct Invited {
    /// To which tenant.
    pub tenant: TenantId,
    /// Who.
    pub email: Email,
    /// What people call the role.
    pub role_name: String,
    /// Whether the address has an account, whose owner signs in instead of choosing a password.
    pub account_exists: bool,
}

type Key = (TenantId, InvitationId);

/// Invites an address to the pass's workspace, in place of an invitation that it has.
///
/// # Errors
/// [`Error::RoleUnknown`], [`Error::BeyondOwnRights`], [`Error::AlreadyMember`], [`Error::TooMany`].
pub fn create(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    new: &NewInvitation,
) -> Result<CreatedInvitation, Error> {
    let tenant = pass.workspace()?;
    custom_role::may_give(tx, pass, tenant, new.role)?;
    let member = account::find(tx, new.email.as_str())?;
    if let Some(member) = member
        && membership::role(tx, member.id, tenant)?.is_some()
    {
        return Err(Error::AlreadyMember);
    }
    let mut open = 0;
    for (key, row) in of_tenant(tx, tenant)? {
        if row.expires <= call.now || row.email.folded() == new.email.folded() {
            tx.remove::<Invitations>(&key)?;
        } else {
            open += 1;
        }
    }
    if open >= INVITATIONS_MAX {
        return Err(Error::TooMany { what: "open invitations", count_max: INVITATIONS_MAX });
    }
    let token = Secret::random();
    let invitation = Invitation {
        email: new.email.clone(),
        role: new.role,
        token: TokenHash::of(token.expose()),
        invited_by: call.actor,
        created: call.now,
        expires: call.now.plus(INVITATION_LIFE),
    };
    let id = InvitationId::new(call.now);
    tx.insert::<Invitations>(&(tenant, id), &invitation)?;
    record(tx, call, told(Action::MemberInvited, tenant, id, &invitation))?;
    Ok(CreatedInvitation { invitation: view(tx, tenant, id, invitation)?, token })
}

/// The open invitations of the pass's workspace, oldest first. A page may hold fewer rows than asked for.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    now: Timestamp,
    pass: Pass<ManageMembers>,
    request: &PageRequest,
) -> Result<Page<InvitationView>, Error> {
    let tenant = pass.workspace()?;
    let page = tx.page::<Invitations>(Scan::prefix(&tenant, 0), request)?;
    let mut items = Vec::with_capacity(page.items.len());
    for ((_, id), row) in page.items.into_iter().filter(|(_, row)| now < row.expires) {
        items.push(view(tx, tenant, id, row)?);
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Takes an invitation of the pass's workspace back.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    id: InvitationId,
) -> Result<(), Error> {
    let key = (pass.workspace()?, id);
    let row = tx.get::<Invitations>(&key)?.ok_or(Error::NotFound)?;
    take_back(tx, call, key, &row)
}

/// Takes back what somebody who is no longer a member has invited.
pub(super) fn revoke_all_of(
    tx: &mut WriteTx<'_>,
    call: &Call,
    tenant: TenantId,
    account: AccountId,
) -> Result<(), Error> {
    let rows = of_tenant(tx, tenant)?;
    let theirs = rows.iter().filter(|(_, row)| row.invited_by == Actor::Account(account));
    for (key, row) in theirs {
        take_back(tx, call, *key, row)?;
    }
    Ok(())
}

fn take_back(tx: &mut WriteTx<'_>, call: &Call, key: Key, row: &Invitation) -> Result<(), Error> {
    tx.remove::<Invitations>(&key)?;
    Ok(record(tx, call, told(Action::InvitationRevoked, key.0, key.1, row))?)
}

/// Whether an open invitation of the tenant offers the role.
pub(super) fn is_offered(
    tx: &impl Read,
    now: Timestamp,
    tenant: TenantId,
    role: MemberRole,
) -> Result<bool, Error> {
    Ok(of_tenant(tx, tenant)?.iter().any(|(_, row)| row.role == role && now < row.expires))
}

/// What the invitation of this token is.
///
/// # Errors
/// [`Error::InvitationUnknown`].
pub fn look(tx: &impl Read, now: Timestamp, token: &Secret) -> Result<Invited, Error> {
    let ((tenant, _), row) = open(tx, now, token)?;
    Ok(Invited {
        tenant,
        role_name: custom_role::name(tx, tenant, row.role)?,
        account_exists: account::find(tx, row.email.as_str())?.is_some(),
        email: row.email,
    })
}

/// Makes a signed-in person a member, and uses the invitation up.
///
/// # Errors
/// [`Error::InvitationUnknown`], [`Error::InvitationForOther`], [`Error::AlreadyMember`], [`Error::TooMany`].
pub fn join(
    tx: &mut WriteTx<'_>,
    call: &Call,
    token: &Secret,
    account: AccountId,
) -> Result<TenantId, Error> {
    let (key, row) = open(tx, call.now, token)?;
    let person = tx.get::<Accounts>(&account)?.ok_or(Error::SessionEnded)?;
    if person.email.folded() != row.email.folded() {
        return Err(Error::InvitationForOther);
    }
    if membership::role(tx, account, key.0)?.is_some() {
        return Err(Error::AlreadyMember);
    }
    use_up(tx, call, key, &row, account)
}

/// Makes an account for the invited address, a member, and signs it in; uses the invitation up. `new` has the invitation's
/// address.
///
/// # Errors
/// [`Error::InvitationUnknown`], [`Error::AccountExists`], [`Error::BadName`], [`Error::TooMany`].
pub fn join_newly(
    tx: &mut WriteTx<'_>,
    call: &Call,
    token: &Secret,
    new: &NewAccount,
    device: &Device,
) -> Result<(Account, OpenedSession), Error> {
    let (key, row) = open(tx, call.now, token)?;
    if account::find(tx, row.email.as_str())?.is_some() {
        return Err(Error::AccountExists);
    }
    let account = account::add(tx, call, new, false)?;
    let call = Call { actor: Actor::Account(account.id), ..call.clone() };
    use_up(tx, &call, key, &row, account.id)?;
    let session = session::open(tx, call.now, account.id, device)?;
    Ok((account, session))
}

fn use_up(
    tx: &mut WriteTx<'_>,
    call: &Call,
    key: Key,
    row: &Invitation,
    account: AccountId,
) -> Result<TenantId, Error> {
    tx.remove::<Invitations>(&key)?;
    membership::admit(tx, call, account, key.0, row.role)?;
    Ok(key.0)
}

fn open(tx: &impl Read, now: Timestamp, token: &Secret) -> Result<(Key, Invitation), Error> {
    let found = BY_TOKEN.get(tx, &TokenHash::of(token.expose()))?;
    found.filter(|(_, row)| now < row.expires).ok_or(Error::InvitationUnknown)
}

fn of_tenant(tx: &impl Read, tenant: TenantId) -> Result<Vec<(Key, Invitation)>, Error> {
    Ok(tx.scan::<Invitations>(&Scan::prefix(&tenant, INVITATIONS_MAX + 1))?)
}

/// Whom an invitation is for, as long as it is open.
pub(super) fn email_of(tx: &impl Read, tenant: TenantId, id: InvitationId) -> Result<Option<String>, Error> {
    Ok(tx.get::<Invitations>(&(tenant, id))?.map(|row| row.email.as_str().to_owned()))
}

fn told(action: Action, tenant: TenantId, id: InvitationId, row: &Invitation) -> Note {
    let note = Note::new(action).of_tenant(tenant).about(id);
    note.with("role", row.role)
}

fn view(
    tx: &impl Read,
    tenant: TenantId,
    id: InvitationId,
    row: Invitation,
) -> Result<InvitationView, Error> {
    let name = match row.invited_by {
        Actor::Account(account) => account::load(tx, account)?.map(|account| account.name),
        Actor::ApiKey(key) => api_key::name(tx, tenant, key)?,
        Actor::Nobody | Actor::Visitor(_) | Actor::Console | Actor::Appliance => None,
    };
    Ok(InvitationView {
        id,
        role_name: custom_role::name(tx, tenant, row.role)?,
        invited_by: name.unwrap_or_else(|| row.invited_by.to_string()),
        email: row.email,
        role: row.role,
        created_at: row.created,
        expires_at: row.expires,
    })
}
