//! Sign-in sessions: a random token in a cookie, and a row under its hash.
//!
//! A session ends 8 hours after the sign-in, after 30 minutes without use, when it is ended, or when the account opens more
//! than [`SESSIONS_MAX`] (the one that would end first goes). Its use is written at most once a minute, so that reading
//! stays cheap. A row that has ended opens nothing; an hourly job removes it, and what else of signing in has run out:
//! challenges, links to reset a password, enrolments of a second factor.
//!
//! When a person's rights change (a new password, a second factor turned on or off) the session goes on under a new token and
//! the others end: whoever had an old one has it no longer. Open connections of a session that ends are told at once.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::device::{self, Device};
use super::{Error, Revocations, Revoked, challenge, mfa, password_reset};
use crate::base::{AccountId, Secret, SessionId, Timestamp, TokenHash};
use crate::jobs::{Failure, Job, Lane, Work, Worker};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// From sign-in to the end, however much it is used.
pub const SESSION_LIFE: Duration = Duration::from_hours(8);
/// Without use to the end.
pub const SESSION_IDLE: Duration = Duration::from_mins(30);
/// The most sessions of one account.
pub const SESSIONS_MAX: usize = 50;
/// Use is written at most this often.
pub(super) const USE_WRITTEN_EVERY: Duration = Duration::from_mins(1);
const FORGOTTEN_ROWS_MAX: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) account: AccountId,
    created: Timestamp,
    last_used: Timestamp,
    #[serde(default)]
    device: Device,
}

impl Session {
    fn ends(&self) -> Timestamp {
        self.created.plus(SESSION_LIFE).min(self.last_used.plus(SESSION_IDLE))
    }

    pub(super) fn use_is_due(&self, now: Timestamp) -> bool {
        now.since(self.last_used) >= USE_WRITTEN_EVERY
    }
}

/// A session that was just opened, with the token that nobody sees again.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    /// Its id.
    pub id: SessionId,
    /// What the cookie holds.
    pub token: Secret,
    /// When it ends at the latest: the cookie's expiry.
    pub expires: Timestamp,
    /// Whether the person has signed in before, and never from a device like this one; see
    /// [`is_new_device`](super::is_new_device).
    pub new_device: bool,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub last_used_at: Timestamp,
    /// When it ends unless it is used again.
    pub expires_at: Timestamp,
    /// The network address that it was opened from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

static BY_ACCOUNT: Index<Sessions, (AccountId, SessionId)> =
    Index::unique("identity.session.by_account", |_, session: &Session| Some((session.account, session.id)));
static BY_END: Index<Sessions, Timestamp> =
    Index::many("identity.session.by_end", |_, session: &Session| Some(session.ends()));

tables! {
    /// Who is signed in.
    pub(super) Sessions = "identity.session": TokenHash => Session, [BY_ACCOUNT, BY_END];
}

/// Signs `account` in under a new token, and remembers the device.
///
/// # Errors
/// When the store fails.
pub fn open(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    account: AccountId,
    device: &Device,
) -> Result<OpenedSession, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, SESSIONS_MAX + 1))?;
    if rows.len() >= SESSIONS_MAX {
        let first_to_end = rows.iter().min_by_key(|(_, session)| session.ends());
        if let Some((token, _)) = first_to_end {
            Revocations::tell(tx, Revoked::Account(account));
            tx.remove::<Sessions>(token)?;
        }
    }
    let new_device = device::is_new_device(tx, account, device)?;
    let token = Secret::random();
    let session =
        Session { id: SessionId::new(now), account, created: now, last_used: now, device: device.clone() };
    tx.insert::<Sessions>(&TokenHash::of(token.expose()), &session)?;
    device::remember(tx, account, session.id, now, device)?;
    Ok(OpenedSession { id: session.id, token, expires: now.plus(SESSION_LIFE), new_device })
}

/// The session under a new token, all others of the account ended: for a change of its owner's rights. It ends when it would
/// have ended.
///
/// # Errors
/// [`Error::SessionEnded`] when it has ended.
pub fn renew(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    account: AccountId,
    id: SessionId,
) -> Result<OpenedSession, Error> {
    let (old, session) = BY_ACCOUNT.get(tx, &(account, id))?.ok_or(Error::SessionEnded)?;
    end_others(tx, account, Some(id))?;
    tx.remove::<Sessions>(&old)?;
    let token = Secret::random();
    let renewed = Session { last_used: now, ..session };
    tx.insert::<Sessions>(&TokenHash::of(token.expose()), &renewed)?;
    Ok(OpenedSession { id, token, expires: renewed.created.plus(SESSION_LIFE), new_device: false })
}

/// The session of this token, unless it has ended.
pub(super) fn find(tx: &impl Read, token: &TokenHash, now: Timestamp) -> Result<Option<Session>, Error> {
    Ok(tx.get::<Sessions>(token)?.filter(|session| now < session.ends()))
}

/// Whether the session has not ended.
pub(super) fn is_open(
    tx: &impl Read,
    account: AccountId,
    id: SessionId,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(BY_ACCOUNT.get(tx, &(account, id))?.is_some_and(|(_, session)| now < session.ends()))
}

/// Notes that it was used; nothing if it has ended meanwhile.
pub(super) fn note_use(tx: &mut WriteTx<'_>, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
    if let Some(session) = find(tx, token, now)?
        && session.use_is_due(now)
    {
        tx.update::<Sessions>(token, |session| session.last_used = now)?;
    }
    Ok(())
}

/// Ends one of the account's sessions; whether it was there.
///
/// # Errors
/// When the store fails.
pub fn end(tx: &mut WriteTx<'_>, account: AccountId, id: SessionId) -> Result<bool, Error> {
    let Some((token, _)) = BY_ACCOUNT.get(tx, &(account, id))? else { return Ok(false) };
    Revocations::tell(tx, Revoked::Account(account));
    Ok(tx.remove::<Sessions>(&token)?)
}

/// Ends the session of a token, whoever's it is: the one that a new sign-in takes the place of.
pub(super) fn end_token(tx: &mut WriteTx<'_>, token: &TokenHash) -> Result<bool, Error> {
    let Some(session) = tx.get::<Sessions>(token)? else { return Ok(false) };
    Revocations::tell(tx, Revoked::Account(session.account));
    Ok(tx.remove::<Sessions>(token)?)
}

/// Ends all of an account's sessions but `kept`; how many there were.
///
/// # Errors
/// When the store fails.
pub fn end_others(tx: &mut WriteTx<'_>, account: AccountId, kept: Option<SessionId>) -> Result<usize, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, SESSIONS_MAX + 1))?;
    let ended: Vec<_> = rows.into_iter().filter(|(_, session)| Some(session.id) != kept).collect();
    for (token, _) in &ended {
        tx.remove::<Sessions>(token)?;
    }
    if !ended.is_empty() {
        Revocations::tell(tx, Revoked::Account(account));
    }
    Ok(ended.len())
}

/// Ends all of an account's sessions; how many there were.
///
/// # Errors
/// When the store fails.
pub fn end_all(tx: &mut WriteTx<'_>, account: AccountId) -> Result<usize, Error> {
    end_others(tx, account, None)
}

/// The account's open sessions, oldest first; `current` is the one that asks.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    account: AccountId,
    current: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionView>, Error> {
    let rows = BY_ACCOUNT.scan(tx, &Scan::prefix(&account, SESSIONS_MAX + 1))?;
    let open = rows.into_iter().filter(|(_, session)| now < session.ends());
    Ok(open
        .map(|(_, session)| SessionView {
            id: session.id,
            created_at: session.created,
            last_used_at: session.last_used,
            expires_at: session.ends(),
            address: session.device.address,
            current: Some(session.id) == current,
            user_agent: session.device.user_agent,
        })
        .collect())
}

/// Removes rows of sessions and of what belongs to signing in that have ended, up to 500 of each kind; whether there may be
/// more.
pub(super) fn forget_ended(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<bool, Error> {
    let ended = BY_END.scan(tx, &Scan::between(&Timestamp::default(), &now, FORGOTTEN_ROWS_MAX))?;
    for (token, _) in &ended {
        tx.remove::<Sessions>(token)?;
    }
    let forgotten = [
        ended.len(),
        challenge::forget_ended(tx, now, FORGOTTEN_ROWS_MAX)?,
        password_reset::forget_ended(tx, now, FORGOTTEN_ROWS_MAX)?,
        mfa::forget_ended(tx, now, FORGOTTEN_ROWS_MAX)?,
    ];
    Ok(forgotten.into_iter().any(|rows| rows >= FORGOTTEN_ROWS_MAX))
}

/// Removes the rows of sessions that have ended. Queue it in the system keyspace at each start; a second one is not kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ForgetSessions {}

impl Job for ForgetSessions {
    const NAME: &'static str = "identity.forget_sessions";
    const LANE: Lane = Lane::Upkeep;
    const EVERY: Option<Duration> = Some(Duration::from_hours(1));

    fn dedup_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

/// Does [`ForgetSessions`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionSweeper;

impl Worker<ForgetSessions> for SessionSweeper {
    async fn run(&self, work: Work<ForgetSessions>) -> Result<(), Failure> {
        let now = work.now;
        while !work.stopping.is_cancelled() {
            if !work.keyspace.write(move |tx| forget_ended(tx, now)).await? {
                break;
            }
        }
        Ok(())
    }
}
