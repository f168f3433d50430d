//! Signing in with address and password: throttled, in the same time whether the account exists or not, and always
//! under a new token.

use std::net::IpAddr;

use super::account::{self, Accounts};
use super::email::fold;
use super::{Account, Error, OpenedSession, PasswordHash, Passwords, Throttle, Verdict, session};
use crate::base::{AccountId, Call, Secret, Timestamp, TokenHash};
use crate::store::{Keyspace, Read as _, WriteTx};

/// What a person types, and where from.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The address, in any spelling.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The caller's network address, for throttling.
    pub from: IpAddr,
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

/// Signs people in.
#[derive(Debug)]
pub struct SignIn {
    system: Keyspace,
    passwords: Passwords,
    throttle: Throttle,
}

impl SignIn {
    /// Over the system keyspace.
    #[must_use]
    pub fn new(system: Keyspace, passwords: Passwords) -> Self {
        Self { system, passwords, throttle: Throttle::new() }
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`Error::SignInFailed`], [`Error::Throttled`], [`Error::PasswordsBusy`].
    pub async fn sign_in(&self, call: &Call, credentials: Credentials) -> Result<SignedIn, Error> {
        let Credentials { email, password, from, replaces } = credentials;
        let folded = fold(&email);
        self.throttle.attempt(&folded, from, call.now)?;
        let outcome = self.try_sign_in(call, &email, password, replaces).await;
        match &outcome {
            Ok(_) => self.throttle.give_back(&folded, from, true),
            Err(Error::SignInFailed) => {}
            // Nobody guessed anything when the appliance could not look.
            Err(_) => self.throttle.give_back(&folded, from, false),
        }
        outcome
    }

    /// Whether a signed-in person is who signed in: asks for the password again, before what cannot be undone. Throttled
    /// like signing in.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`], [`Error::Throttled`], [`Error::PasswordsBusy`].
    pub async fn confirm(
        &self,
        now: Timestamp,
        account: AccountId,
        password: Secret,
        from: IpAddr,
    ) -> Result<(), Error> {
        let account = self.system.read(|tx| account::load(tx, account))?.ok_or(Error::SessionEnded)?;
        let folded = account.email.folded();
        self.throttle.attempt(&folded, from, now)?;
        let verdict = self.passwords.verify(password, Some(account.password_hash)).await;
        match verdict {
            Ok(Verdict::Right | Verdict::RightRehashed(_)) => {
                self.throttle.give_back(&folded, from, true);
                Ok(())
            }
            Ok(Verdict::Wrong) => Err(Error::PasswordWrong),
            Err(error) => {
                self.throttle.give_back(&folded, from, false);
                Err(error)
            }
        }
    }

    async fn try_sign_in(
        &self,
        call: &Call,
        email: &str,
        password: Secret,
        replaces: Option<Secret>,
    ) -> Result<SignedIn, Error> {
        let account = self.system.read(|tx| account::find(tx, email))?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let verdict = self.passwords.verify(password, hash).await?;
        let (account, renewed) = match (account, verdict) {
            (Some(account), Verdict::Right) => (account, None),
            (Some(account), Verdict::RightRehashed(renewed)) => (account, Some(renewed)),
            (None, _) | (_, Verdict::Wrong) => return Err(Error::SignInFailed),
        };
        let now = call.now;
        self.system
            .write(move |tx| {
                let account = settle_password(tx, &account, renewed.as_ref())?;
                if let Some(token) = &replaces {
                    session::end_token(tx, &TokenHash::of(token.expose()))?;
                }
                let session = session::open(tx, now, account.id)?;
                Ok(SignedIn { account, session })
            })
            .await
    }
}

/// The account, unless its password was changed while the old one was being compared; keeps a renewed hash.
fn settle_password(
    tx: &mut WriteTx<'_>,
    compared: &Account,
    renewed: Option<&PasswordHash>,
) -> Result<Account, Error> {
    let account =
        tx.get::<Accounts>(&compared.id)?.filter(|found| found.password_hash == compared.password_hash);
    match (account, renewed) {
        (None, _) => Err(Error::SignInFailed),
        (Some(account), None) => Ok(account),
        (Some(account), Some(renewed)) => {
            Ok(tx.update::<Accounts>(&account.id, |account| account.password_hash = renewed.clone())?)
        }
    }
}
