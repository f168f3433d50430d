//! What people change of their own account: the password, by the old one or by a link, and the second factor.
//!
//! Whoever is signed in and wants to change what one signs in with says the password again, counted and throttled like a
//! sign-in: a browser that was left open is not enough. Each such change gives the session a new token and ends the others.

use super::account::Accounts;
use super::audit::{self, Action, Note};
use super::notice::{self, News};
use super::sign_in::{SignIn, address_of, by, refuse, settle_password};
use super::strength::Person;
use super::{
    Account, Error, OpenedSession, PasswordHash, Verdict, account, challenge, mfa, password_reset, session,
};
use crate::base::{AccountId, Call, Secret, SessionId, TokenHash};
use crate::store::{Read as _, WriteTx};

/// A signed-in person who changes something.
#[derive(Debug, Clone, Copy)]
pub struct Own {
    /// Whose account.
    pub account: AccountId,
    /// By which session.
    pub session: SessionId,
}

/// New recovery codes, which are shown this once.
#[derive(Debug, Clone)]
pub struct RecoveryCodes {
    /// As people keep them.
    pub codes: Vec<Secret>,
    /// The session's new token, where the second factor was turned on.
    pub session: Option<OpenedSession>,
}

impl SignIn {
    /// Changes the password; `workspaces` are the names of the person's.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`]; what is wrong with the new one; [`Error::Throttled`]; [`Error::PasswordsBusy`];
    /// [`Error::SessionEnded`].
    pub async fn change_password(
        &self,
        call: &Call,
        own: Own,
        current: Secret,
        new: Secret,
        workspaces: Vec<String>,
    ) -> Result<OpenedSession, Error> {
        let before = self.own_account(own)?;
        self.prove(call, &before, current).await?;
        let person = Person { name: before.name.clone(), email: before.email.clone(), workspaces };
        let hash = self.passwords.hash_new(new, person).await?;
        let call = call.clone();
        self.system
            .write(move |tx| {
                // Somebody else may have changed it meanwhile.
                settle_password(tx, &before, None)?.ok_or(Error::PasswordWrong)?;
                set_password(tx, own.account, &hash)?;
                audit::record(tx, &call, Note::new(Action::PasswordChanged).about(own.account))?;
                notice::tell(tx, &call, own.account, News::Password)?;
                session::renew(tx, call.now, own.account, own.session)
            })
            .await
    }

    /// Sets the password by a link, which is used up; every session of the account ends. The link is looked at first, so that
    /// nobody without it costs a password's hash.
    ///
    /// # Errors
    /// [`Error::ResetLinkEnded`]; what is wrong with the password; [`Error::PasswordsBusy`].
    pub async fn reset_password(&self, call: &Call, token: &Secret, new: Secret) -> Result<(), Error> {
        let token = TokenHash::of(token.expose());
        let account = self.system.read(|tx| {
            let account = password_reset::check(tx, call.now, &token)?;
            account::load(tx, account)?.ok_or(Error::ResetLinkEnded)
        })?;
        let person = Person { name: account.name, email: account.email, workspaces: Vec::new() };
        let hash = self.passwords.hash_new(new, person).await?;
        let call = call.clone();
        self.system
            .write(move |tx| {
                let account = password_reset::check(tx, call.now, &token)?;
                set_password(tx, account, &hash)?;
                session::end_all(tx, account)?;
                audit::record(tx, &by(&call, account), Note::new(Action::PasswordReset).about(account))?;
                notice::tell(tx, &call, account, News::Password)?;
                Ok(())
            })
            .await
    }

    /// Begins the enrolment of a second factor.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`], [`Error::MfaEnabledAlready`], [`Error::Throttled`], [`Error::PasswordsBusy`].
    pub async fn begin_mfa(&self, call: &Call, own: Own, password: Secret) -> Result<mfa::Enrolment, Error> {
        let account = self.own_account(own)?;
        self.prove(call, &account, password).await?;
        let (sealer, now) = (self.sealer.clone(), call.now);
        self.system.write(move |tx| mfa::begin(tx, &sealer, now, &account)).await
    }

    /// Turns the second factor on with its first code.
    ///
    /// # Errors
    /// [`Error::CodeWrong`], [`Error::MfaEnrolmentEnded`], [`Error::SessionEnded`].
    pub async fn confirm_mfa(&self, call: &Call, own: Own, code: Secret) -> Result<RecoveryCodes, Error> {
        let account = self.own_account(own)?;
        let (sealer, call) = (self.sealer.clone(), call.clone());
        let confirmed = self.system.write(move |tx| {
            let Some(codes) = mfa::confirm(tx, &sealer, &call, &account, &code)? else {
                return Ok::<_, Error>(None);
            };
            let session = session::renew(tx, call.now, own.account, own.session)?;
            Ok(Some(RecoveryCodes { codes, session: Some(session) }))
        });
        confirmed.await?.ok_or(Error::CodeWrong)
    }

    /// Turns the second factor off.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`], [`Error::CodeWrong`], [`Error::MfaNotEnabled`], [`Error::Throttled`],
    /// [`Error::PasswordsBusy`], [`Error::SessionEnded`].
    pub async fn disable_mfa(
        &self,
        call: &Call,
        own: Own,
        password: Secret,
        code: Secret,
    ) -> Result<OpenedSession, Error> {
        let account = self.own_account(own)?;
        self.prove(call, &account, password).await?;
        let on = call.clone();
        self.with_code(call, account, code, move |tx| {
            mfa::remove(tx, &on, own.account)?;
            challenge::end_all(tx, own.account)?;
            session::renew(tx, on.now, own.account, own.session)
        })
        .await
    }

    /// Makes new recovery codes; those before are worth nothing any more.
    ///
    /// # Errors
    /// As [`SignIn::disable_mfa`].
    pub async fn renew_recovery_codes(
        &self,
        call: &Call,
        own: Own,
        password: Secret,
        code: Secret,
    ) -> Result<RecoveryCodes, Error> {
        let account = self.own_account(own)?;
        self.prove(call, &account, password).await?;
        let (sealer, on) = (self.sealer.clone(), call.clone());
        let renew = move |tx: &mut WriteTx<'_>| mfa::renew_codes(tx, &sealer, &on, own.account);
        let codes = self.with_code(call, account, code, renew).await?;
        Ok(RecoveryCodes { codes, session: None })
    }

    fn own_account(&self, own: Own) -> Result<Account, Error> {
        self.system.read(|tx| account::load(tx, own.account))?.ok_or(Error::SessionEnded)
    }

    /// Whether a signed-in person knows the account's password, counted like a sign-in.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`], [`Error::Throttled`], [`Error::PasswordsBusy`].
    pub async fn prove_password(&self, call: &Call, own: Own, password: Secret) -> Result<(), Error> {
        let account = self.own_account(own)?;
        self.prove(call, &account, password).await
    }

    async fn prove(&self, call: &Call, account: &Account, password: Secret) -> Result<(), Error> {
        let (name, from) = (account.email.folded(), address_of(call));
        self.throttle.attempt(&name, from, call.now)?;
        match self.passwords.verify(password, Some(account.password_hash.clone())).await {
            Ok(Verdict::Right | Verdict::RightRehashed(_)) => {
                self.throttle.give_back(&name, from, true);
                Ok(())
            }
            Ok(Verdict::Wrong) => {
                let (call, account) = (call.clone(), account.id);
                self.system.write(move |tx| refuse(tx, &call, Some(account), "password")).await?;
                Err(Error::PasswordWrong)
            }
            Err(error) => {
                self.throttle.give_back(&name, from, false);
                Err(error)
            }
        }
    }

    /// Makes a change in the transaction that accepts the code.
    async fn with_code<T: Send + 'static>(
        &self,
        call: &Call,
        account: Account,
        code: Secret,
        change: impl Fn(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (name, from) = (account.id.to_string(), address_of(call));
        self.codes.attempt(&name, from, call.now)?;
        let (sealer, call) = (self.sealer.clone(), call.clone());
        let outcome = self
            .system
            .write(move |tx| match mfa::accept(tx, &sealer, &call, &account, &code)? {
                Some(_) => change(tx).map(Some),
                None => refuse(tx, &call, Some(account.id), "code").map(|()| None),
            })
            .await;
        match &outcome {
            Ok(Some(_)) => self.codes.give_back(&name, from, true),
            Ok(None) => {}
            Err(_) => self.codes.give_back(&name, from, false),
        }
        outcome?.ok_or(Error::CodeWrong)
    }
}

/// Sets the password, and ends everything that was begun with the old one but sessions.
fn set_password(tx: &mut WriteTx<'_>, account: AccountId, hash: &PasswordHash) -> Result<(), Error> {
    tx.require::<Accounts>(&account)?;
    tx.update::<Accounts>(&account, |account| account.password_hash = hash.clone())?;
    challenge::end_all(tx, account)?;
    password_reset::end_all(tx, account)
}
