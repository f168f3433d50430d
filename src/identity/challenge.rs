//! The second half of a sign-in: the password was right, and a code is asked for.
//!
//! A challenge is a random token, good for [`CHALLENGE_LIFE`] and [`TRIES_MAX`] codes; only its hash is stored. It opens
//! nothing by itself. It ends with the right code, with the last wrong one, with time, and when the password or the second
//! factor changes. An account keeps [`CHALLENGES_MAX`]; the oldest goes. The hourly job of the sessions removes what has ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::{AccountId, Secret, Timestamp, TokenHash};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// How long a code may be given.
pub const CHALLENGE_LIFE: Duration = Duration::from_mins(5);
/// How many codes may be tried.
pub const TRIES_MAX: u8 = 5;
/// The most challenges of one account at a time.
pub const CHALLENGES_MAX: usize = 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Challenge {
    pub(super) account: AccountId,
    expires: Timestamp,
    tries_left: u8,
}

/// A challenge that was just made, with the token that nobody sees again.
#[derive(Debug, Clone)]
pub struct OpenedChallenge {
    /// What the code is sent with.
    pub token: Secret,
    /// Until when.
    pub expires: Timestamp,
}

static BY_ACCOUNT: Index<Challenges, AccountId> =
    Index::many("identity.challenge.by_account", |_, challenge: &Challenge| Some(challenge.account));
static BY_END: Index<Challenges, Timestamp> =
    Index::many("identity.challenge.by_end", |_, challenge: &Challenge| Some(challenge.expires));

tables! {
    /// Who is half signed in.
    pub(super) Challenges = "identity.challenge": TokenHash => Challenge, [BY_ACCOUNT, BY_END];
}

/// Asks the account, whose password was right, for a code.
pub(super) fn open(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    account: AccountId,
) -> Result<OpenedChallenge, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, CHALLENGES_MAX + 1))?;
    if rows.len() >= CHALLENGES_MAX
        && let Some((oldest, _)) = rows.iter().min_by_key(|(_, challenge)| challenge.expires)
    {
        tx.remove::<Challenges>(oldest)?;
    }
    let token = Secret::random();
    let expires = now.plus(CHALLENGE_LIFE);
    let challenge = Challenge { account, expires, tries_left: TRIES_MAX };
    tx.insert::<Challenges>(&TokenHash::of(token.expose()), &challenge)?;
    Ok(OpenedChallenge { token, expires })
}

/// The challenge of this token, unless it has ended.
pub(super) fn find(tx: &impl Read, token: &TokenHash, now: Timestamp) -> Result<Option<Challenge>, Error> {
    Ok(tx.get::<Challenges>(token)?.filter(|challenge| now < challenge.expires))
}

/// Counts a wrong code; whether that was the last that could be tried.
pub(super) fn fail(tx: &mut WriteTx<'_>, token: &TokenHash) -> Result<bool, Error> {
    let left = tx.update::<Challenges>(token, |challenge| {
        challenge.tries_left = challenge.tries_left.saturating_sub(1);
    })?;
    if left.tries_left > 0 {
        return Ok(false);
    }
    end(tx, token)?;
    Ok(true)
}

/// Ends it.
pub(super) fn end(tx: &mut WriteTx<'_>, token: &TokenHash) -> Result<(), Error> {
    tx.remove::<Challenges>(token)?;
    Ok(())
}

/// Ends all of an account's.
pub(super) fn end_all(tx: &mut WriteTx<'_>, account: AccountId) -> Result<(), Error> {
    for (token, _) in BY_ACCOUNT.scan(tx, &Scan::prefix(&account, CHALLENGES_MAX + 1))? {
        tx.remove::<Challenges>(&token)?;
    }
    Ok(())
}

/// Removes up to `rows_max` rows that have ended; how many.
pub(super) fn forget_ended(tx: &mut WriteTx<'_>, now: Timestamp, rows_max: usize) -> Result<usize, Error> {
    let ended = BY_END.scan(tx, &Scan::between(&Timestamp::default(), &now, rows_max))?;
    for (token, _) in &ended {
        tx.remove::<Challenges>(token)?;
    }
    Ok(ended.len())
}
