//! Links that set a new password: for who has forgotten the old one, and for accounts that an administrator makes.
//!
//! A link is a random token, good once and for [`RESET_LIFE`]; only its hash is stored. It is mailed, where mail is set up, or
//! printed by a command. It changes the password and nothing else: the second factor stays, since whoever reads a mailbox must
//! not thereby have both. An account keeps [`RESETS_MAX`] links; the oldest goes, so that nobody can end another's link by
//! asking for one. The hourly job of the sessions removes what has ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Note};
use super::{Email, Error, account};
use crate::base::{AccountId, Call, Secret, Timestamp, TokenHash};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// How long a link is good for.
pub const RESET_LIFE: Duration = Duration::from_mins(30);
/// The most links of one account at a time.
pub const RESETS_MAX: usize = 5;
/// Under no token's hash: see [`issue`].
const NOBODYS: TokenHash = TokenHash([0; 32]);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reset {
    account: Option<AccountId>,
    expires: Timestamp,
}

/// A link that was just made, and whom it is for.
#[derive(Debug, Clone)]
pub struct IssuedReset {
    /// The token that nobody sees again.
    pub token: Secret,
    /// What the person is called.
    pub name: String,
    /// Where the letter goes: the account's own address. Never the one that was typed, which may be another that folds to the
    /// same.
    pub email: Email,
}

static BY_ACCOUNT: Index<Resets, AccountId> =
    Index::many("identity.password_reset.by_account", |_, reset: &Reset| reset.account);
static BY_END: Index<Resets, Timestamp> =
    Index::many("identity.password_reset.by_end", |_, reset: &Reset| Some(reset.expires));

tables! {
    /// Links that have not been used.
    pub(super) Resets = "identity.password_reset": TokenHash => Reset, [BY_ACCOUNT, BY_END];
}

/// A new link for the account with this address, in any spelling; nothing when there is none. Either way something is
/// written, so that the answer takes as long.
///
/// # Errors
/// When the store fails.
pub fn issue(tx: &mut WriteTx<'_>, call: &Call, email: &str) -> Result<Option<IssuedReset>, Error> {
    let Some(account) = account::find(tx, email)? else {
        let reset = Reset { account: None, expires: call.now.plus(RESET_LIFE) };
        tx.put::<Resets>(&NOBODYS, &reset)?;
        return Ok(None);
    };
    let token = issue_for(tx, call, account.id)?;
    Ok(Some(IssuedReset { token, name: account.name, email: account.email }))
}

/// The token of a new link for an account that is there.
pub(super) fn issue_for(tx: &mut WriteTx<'_>, call: &Call, account: AccountId) -> Result<Secret, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, RESETS_MAX + 1))?;
    if rows.len() >= RESETS_MAX
        && let Some((oldest, _)) = rows.iter().min_by_key(|(_, reset)| reset.expires)
    {
        tx.remove::<Resets>(oldest)?;
    }
    let token = Secret::random();
    let reset = Reset { account: Some(account), expires: call.now.plus(RESET_LIFE) };
    tx.insert::<Resets>(&TokenHash::of(token.expose()), &reset)?;
    audit::record(tx, call, Note::new(Action::PasswordResetIssued).about(account))?;
    Ok(token)
}

/// Whose password the link of this token sets.
pub(super) fn check(tx: &impl Read, now: Timestamp, token: &TokenHash) -> Result<AccountId, Error> {
    let reset = tx.get::<Resets>(token)?.filter(|reset| now < reset.expires);
    reset.and_then(|reset| reset.account).ok_or(Error::ResetLinkEnded)
}

/// Ends all of an account's links.
pub(super) fn end_all(tx: &mut WriteTx<'_>, account: AccountId) -> Result<(), Error> {
    for (token, _) in BY_ACCOUNT.scan(tx, &Scan::prefix(&account, RESETS_MAX + 1))? {
        tx.remove::<Resets>(&token)?;
    }
    Ok(())
}

/// Removes up to `rows_max` links that have ended; how many.
pub(super) fn forget_ended(tx: &mut WriteTx<'_>, now: Timestamp, rows_max: usize) -> Result<usize, Error> {
    let ended = BY_END.scan(tx, &Scan::between(&Timestamp::default(), &now, rows_max))?;
    for (token, _) in &ended {
        tx.remove::<Resets>(token)?;
    }
    Ok(ended.len())
}
