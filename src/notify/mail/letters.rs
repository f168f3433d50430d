//! The letters that there are, one function each.

use super::chosen::Chosen;
use super::device::device;
use super::letter::{Letter, MfaChange, Words};
use super::post::{Posted, post};
use crate::base::{TenantId, Timestamp};
use crate::store::{self, WriteTx};

/// What an invitation says.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    /// Where to.
    pub tenant: TenantId,
    /// What people call it.
    pub workspace: &'a str,
    /// Who invites.
    pub inviter: &'a str,
    /// As what.
    pub role: &'a str,
    /// Where to accept it.
    pub link: &'a str,
    /// How long the link is good for.
    pub days: u64,
}

/// Where and with what something was done, as far as that is known.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// When.
    pub at: Timestamp,
    /// The network address.
    pub address: &'a str,
    /// The browser's `User-Agent`; empty for the appliance's own command line.
    pub user_agent: &'a str,
}

impl Circumstances<'_> {
    fn address(&self) -> Chosen {
        Chosen::new(if self.address.is_empty() { "the appliance itself" } else { self.address })
    }

    fn device(&self) -> Chosen {
        Chosen::new(&device(self.user_agent))
    }
}

/// The link for a new password, good for `minutes`.
///
/// # Errors
/// When the store fails.
pub fn password_reset(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    to: &str,
    link: &str,
    minutes: u64,
) -> Result<Posted, store::Error> {
    let words = Words::PasswordReset { link: link.to_owned(), minutes };
    post(tx, now, &Letter::new(to, words))
}

/// An invitation to a workspace. Counts among that workspace's letters.
///
/// # Errors
/// When the store fails.
pub fn invitation(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    to: &str,
    invitation: &Invitation<'_>,
) -> Result<Posted, store::Error> {
    let words = Words::Invitation {
        workspace: Chosen::new(invitation.workspace),
        inviter: Chosen::new(invitation.inviter),
        role: Chosen::new(invitation.role),
        link: invitation.link.to_owned(),
        days: invitation.days,
    };
    post(tx, now, &Letter::new(to, words).of(invitation.tenant))
}

/// Notice of a sign-in from a device that was not seen before.
///
/// # Errors
/// When the store fails.
pub fn new_sign_in(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    to: &str,
    how: &Circumstances<'_>,
) -> Result<Posted, store::Error> {
    let words = Words::NewSignIn { at: how.at, address_of: how.address(), device: how.device() };
    post(tx, now, &Letter::new(to, words))
}

/// Notice that the password was changed.
///
/// # Errors
/// When the store fails.
pub fn password_changed(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    to: &str,
    how: &Circumstances<'_>,
) -> Result<Posted, store::Error> {
    let words = Words::PasswordChanged { at: how.at, address_of: how.address(), device: how.device() };
    post(tx, now, &Letter::new(to, words))
}

/// Notice of what became of the second factor.
///
/// # Errors
/// When the store fails.
pub fn mfa_changed(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    to: &str,
    change: MfaChange,
    how: &Circumstances<'_>,
) -> Result<Posted, store::Error> {
    let words = Words::MfaChanged { change, at: how.at, address_of: how.address(), device: how.device() };
    post(tx, now, &Letter::new(to, words))
}
