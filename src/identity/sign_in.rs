//! Signing in with address and password, and a code where the account has a second factor: throttled, in the same time
//! whether the account exists or not, and always under a new token.
//!
//! A right password opens a session, or a [`challenge`] when there is a second factor. Which of the two is decided in the
//! transaction that opens it, so that a second factor that is turned on meanwhile counts. Every sign-in and every refusal is
//! in the audit trail; of an address that belongs to nobody nothing is written down, since people type passwords there.

use std::net::{IpAddr, Ipv4Addr};

use super::account::{self, Accounts};
use super::audit::{self, Action, Note};
use super::challenge::{self, OpenedChallenge};
use super::email::fold;
use super::throttle::{self, Throttle};
use super::{
    Account, Device, Error, OpenedSession, PasswordHash, Passwords, Verdict, device, mfa, notice, session,
};
use crate::base::{AccountId, Actor, Call, Sealer, Secret, TokenHash};
use crate::store::{Keyspace, Read as _, WriteTx};

/// No address is longer (RFC 5321 allows 254 bytes); what is, is nobody's, and is not kept to count by.
const TYPED_EMAIL_CHARS_MAX: usize = 254;

/// What a person types, and where from.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The address, in any spelling.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// What the person types it on.
    pub device: Device,
    /// The token of the session that the browser had, which ends.
    pub replaces: Option<Secret>,
}

/// A code for a challenge, and where from.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The token of the challenge.
    pub challenge: Secret,
    /// Six digits, or a recovery code.
    pub code: Secret,
    /// What the person types it on.
    pub device: Device,
    /// The token of the session that the browser had, which ends.
    pub replaces: Option<Secret>,
}

/// Who has signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub account: Account,
    /// Its new session.
    pub session: OpenedSession,
}

/// What a right password leads to.
#[derive(Debug, Clone)]
pub enum Admission {
    /// The person is signed in.
    SignedIn(Box<SignedIn>),
    /// A code is asked for.
    CodeAsked(OpenedChallenge),
}

/// Signs people in, and lets them change what they sign in with (`own_account`).
#[derive(Debug)]
pub struct SignIn {
    pub(super) system: Keyspace,
    pub(super) passwords: Passwords,
    pub(super) sealer: Sealer,
    pub(super) throttle: Throttle,
    pub(super) codes: Throttle,
    resets: Throttle,
}

/// Where a call counts as coming from; the console has no address of its own.
pub(super) fn address_of(call: &Call) -> IpAddr {
    call.address.unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// The call as one of this account, which has just proved who it is.
pub(super) fn by(call: &Call, account: AccountId) -> Call {
    Call { actor: Actor::Account(account), ..call.clone() }
}

/// Writes down that somebody was refused.
pub(super) fn refuse(
    tx: &mut WriteTx<'_>,
    call: &Call,
    account: Option<AccountId>,
    wrong: &str,
) -> Result<(), Error> {
    let note = Note::new(Action::SignInRefused).with("wrong", wrong);
    let note = match account {
        Some(account) => note.about(account),
        None => note,
    };
    Ok(audit::record(tx, call, note)?)
}

impl SignIn {
    /// Over the system keyspace.
    #[must_use]
    pub fn new(system: Keyspace, passwords: Passwords, sealer: Sealer) -> Self {
        Self {
            system,
            passwords,
            sealer,
            throttle: Throttle::new(throttle::PASSWORDS),
            codes: Throttle::new(throttle::CODES),
            resets: Throttle::new(throttle::RESETS),
        }
    }

    /// Takes an address and a password.
    ///
    /// # Errors
    /// [`Error::SignInFailed`], [`Error::Throttled`], [`Error::PasswordsBusy`].
    pub async fn sign_in(&self, call: &Call, credentials: Credentials) -> Result<Admission, Error> {
        let Credentials { email, password, device, replaces } = credentials;
        let email: String = email.trim().chars().take(TYPED_EMAIL_CHARS_MAX).collect();
        let folded = fold(&email);
        let from = address_of(call);
        self.throttle.attempt(&folded, from, call.now)?;
        let outcome = self.try_sign_in(call, &email, password, device, replaces).await;
        match &outcome {
            Ok(_) => self.throttle.give_back(&folded, from, true),
            Err(Error::SignInFailed) => {}
            // Nobody guessed anything when the appliance could not look.
            Err(_) => self.throttle.give_back(&folded, from, false),
        }
        outcome
    }

    async fn try_sign_in(
        &self,
        call: &Call,
        email: &str,
        password: Secret,
        device: Device,
        replaces: Option<Secret>,
    ) -> Result<Admission, Error> {
        let account = self.system.read(|tx| account::find(tx, email))?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let verdict = self.passwords.verify(password, hash).await?;
        let call = call.clone();
        let (account, renewed) = match (account, verdict) {
            (Some(account), Verdict::Right) => (account, None),
            (Some(account), Verdict::RightRehashed(renewed)) => (account, Some(renewed)),
            (account, _) => {
                let account = account.map(|account| account.id);
                self.system.write(move |tx| refuse(tx, &call, account, "password")).await?;
                return Err(Error::SignInFailed);
            }
        };
        self.system
            .write(move |tx| {
                let account = settle_password(tx, &account, renewed.as_ref())?.ok_or(Error::SignInFailed)?;
                if mfa::is_enabled(tx, account.id)? {
                    return Ok(Admission::CodeAsked(challenge::open(tx, call.now, account.id)?));
                }
                let signed_in = enter(tx, &call, account, &device, replaces.as_ref(), "password")?;
                Ok(Admission::SignedIn(Box::new(signed_in)))
            })
            .await
    }

    /// Takes the code of a challenge.
    ///
    /// # Errors
    /// [`Error::ChallengeEnded`], [`Error::CodeWrong`], [`Error::Throttled`].
    pub async fn answer(&self, call: &Call, answer: Answer) -> Result<SignedIn, Error> {
        let Answer { challenge, code, device, replaces } = answer;
        let token = TokenHash::of(challenge.expose());
        let found = self.system.read(|tx| challenge::find(tx, &token, call.now))?;
        let asked = found.ok_or(Error::ChallengeEnded)?.account;
        let (name, from) = (asked.to_string(), address_of(call));
        self.codes.attempt(&name, from, call.now)?;
        let (sealer, call) = (self.sealer.clone(), call.clone());
        let outcome = self
            .system
            .write(move |tx| {
                let found = challenge::find(tx, &token, call.now)?.ok_or(Error::ChallengeEnded)?;
                let account = account::load(tx, found.account)?.ok_or(Error::ChallengeEnded)?;
                let own = by(&call, account.id);
                let Some(factor) = mfa::accept(tx, &sealer, &own, &account, &code)? else {
                    challenge::fail(tx, &token)?;
                    refuse(tx, &call, Some(account.id), "code")?;
                    return Ok(None);
                };
                challenge::end(tx, &token)?;
                enter(tx, &call, account, &device, replaces.as_ref(), factor.as_str()).map(Some)
            })
            .await;
        match &outcome {
            Ok(Some(_)) => self.codes.give_back(&name, from, true),
            Ok(None) => {}
            Err(_) => self.codes.give_back(&name, from, false),
        }
        outcome?.ok_or(Error::CodeWrong)
    }

    /// Counts a wish for a link to reset the password of an address.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub fn reset_is_asked(&self, call: &Call, email: &str) -> Result<(), Error> {
        let email: String = email.trim().chars().take(TYPED_EMAIL_CHARS_MAX).collect();
        self.resets.attempt(&fold(&email), address_of(call), call.now)
    }
}

/// Opens the session of whoever has proved everything that the account asks for.
fn enter(
    tx: &mut WriteTx<'_>,
    call: &Call,
    account: Account,
    device: &Device,
    replaces: Option<&Secret>,
    with: &str,
) -> Result<SignedIn, Error> {
    if let Some(token) = replaces {
        session::end_token(tx, &TokenHash::of(token.expose()))?;
    }
    if device::is_new_device(tx, account.id, device)? {
        notice::new_sign_in(tx, call, &account, device)?;
    }
    let session = session::open(tx, call.now, account.id, device)?;
    let note = Note::new(Action::SignedIn).about(account.id).with("session", session.id).with("with", with);
    audit::record(tx, &by(call, account.id), note)?;
    Ok(SignedIn { account, session })
}

/// The account, unless its password was changed while the old one was being compared; keeps a renewed hash.
pub(super) fn settle_password(
    tx: &mut WriteTx<'_>,
    compared: &Account,
    renewed: Option<&PasswordHash>,
) -> Result<Option<Account>, Error> {
    let account =
        tx.get::<Accounts>(&compared.id)?.filter(|found| found.password_hash == compared.password_hash);
    match (account, renewed) {
        (Some(account), Some(renewed)) => {
            let renew = |account: &mut Account| account.password_hash = renewed.clone();
            Ok(Some(tx.update::<Accounts>(&account.id, renew)?))
        }
        (account, _) => Ok(account),
    }
}
