//! Accepting an invitation: with a new account, or as the person who is signed in; all of it or nothing.

use serde::Serialize;

use super::tenant::{load, required};
use super::{Error, Me, me};
use crate::base::{AccountId, Call, Secret, Timestamp};
use crate::identity::pass::ManageMembers;
use crate::identity::{
    Device, Email, InvitationView, NewAccount, OpenedSession, Pass, Passwords, Person, account, invitation,
};
use crate::notify::mail;
use crate::store::{Keyspace, Read, WriteTx};

/// An invitation as whoever has its link sees it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct InvitedView {
    /// What people call the workspace.
    pub workspace_name: String,
    /// Who is invited.
    pub email: Email,
    /// What people call the role.
    pub role_name: String,
    /// Whether the address has an account, whose owner signs in instead of choosing a password.
    pub account_exists: bool,
}

/// How somebody accepts.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// From the link.
    pub token: Secret,
    /// What the person is called; for a new account.
    pub name: Option<String>,
    /// The password to sign in with; for a new account.
    pub password: Option<Secret>,
    /// Who is signed in, if somebody is.
    pub signed_in: Option<AccountId>,
}

/// How it was accepted.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// By the person who was signed in.
    Joined(Me),
    /// With a new account, which is signed in now.
    WithNewAccount(Me, OpenedSession),
}

/// What the invitation of a link is to.
///
/// # Errors
/// [`crate::identity::Error::InvitationUnknown`].
pub fn look_at_invitation(tx: &impl Read, now: Timestamp, token: &Secret) -> Result<InvitedView, Error> {
    let invited = invitation::look(tx, now, token)?;
    let tenant = load(tx, invited.tenant)?.ok_or(crate::identity::Error::InvitationUnknown)?;
    Ok(InvitedView {
        workspace_name: tenant.name,
        email: invited.email,
        role_name: invited.role_name,
        account_exists: invited.account_exists,
    })
}

/// Accepts an invitation. It is looked at first, so that nobody without one costs a password's hash.
///
/// # Errors
/// [`invitation::join`]'s and [`invitation::join_newly`]'s; a field's, at `/name` or `/password`; the store's.
pub async fn accept_invitation(
    system: &Keyspace,
    passwords: &Passwords,
    call: &Call,
    device: Device,
    acceptance: Acceptance,
) -> Result<Accepted, Error> {
    let Acceptance { token, name, password, signed_in } = acceptance;
    let (call, now) = (call.clone(), call.now);
    if let Some(account) = signed_in {
        let joined = system.write(move |tx| {
            invitation::join(tx, &call, &token, account)?;
            me(tx, account, None)
        });
        return Ok(Accepted::Joined(joined.await?));
    }
    let (invited, workspace) = system.read(|tx| {
        let invited = invitation::look(tx, now, &token)?;
        let workspace = load(tx, invited.tenant)?.map(|tenant| tenant.name);
        Ok::<_, Error>((invited, workspace))
    })?;
    if invited.account_exists {
        return Err(crate::identity::Error::AccountExists.into());
    }
    let name = account::parse_name(&name.unwrap_or_default())?;
    let password = password.unwrap_or_else(|| Secret::new(String::new()));
    let workspaces = workspace.into_iter().collect();
    let person = Person { name: name.clone(), email: invited.email.clone(), workspaces };
    let password_hash = passwords.hash_new(password, person).await?;
    let new = NewAccount { name, email: invited.email, password_hash };
    let joined = system.write(move |tx| {
        let (account, session) = invitation::join_newly(tx, &call, &token, &new, &device)?;
        Ok(Accepted::WithNewAccount(me(tx, account.id, Some(session.id))?, session))
    });
    joined.await
}

/// Sends an invitation's link to whom it is for; whether a letter is on its way.
///
/// # Errors
/// [`Error::NotFound`] when the pass is for no workspace; the store's.
pub fn mail_invitation(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageMembers>,
    invitation: &InvitationView,
    link: &str,
) -> Result<bool, Error> {
    let tenant = required(tx, pass)?;
    let letter = mail::Invitation {
        tenant: tenant.id,
        workspace: &tenant.name,
        inviter: &invitation.invited_by,
        role: &invitation.role_name,
        link,
        days: invitation::INVITATION_LIFE.as_secs() / 86_400,
    };
    Ok(mail::invitation(tx, call.now, invitation.email.as_str(), &letter)?.is_queued())
}
