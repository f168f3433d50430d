//! The one-time setup link: how the first account comes about without a default password.
//!
//! While there is no account, each start issues a new link and forgets the one before; it is good for 24 hours and for one
//! account. Only its hash is stored. Two people who redeem it at the same moment are two changes of one keyspace, which
//! its writer puts one after the other: the second finds an account. The console needs no link: whoever has the machine could
//! print one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::audit::{self, Action, Note};
use super::{Account, Error, NewAccount, account};
use crate::base::{Call, Secret, Timestamp, TokenHash};
use crate::store::{Read, WriteTx, tables};

/// How long a link is good for.
pub const SETUP_LINK_LIFE: Duration = Duration::from_hours(24);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    token: TokenHash,
    expires: Timestamp,
}

/// What allows the first account.
#[derive(Debug, Clone)]
pub enum Warrant {
    /// The token of the setup link.
    Link(Secret),
    /// The machine's own command line.
    Console,
}

tables! {
    /// The link that was issued last.
    pub(super) SetupLinks = "identity.setup_link": () => Link;
}

/// Whether nobody has set the appliance up yet.
///
/// # Errors
/// When the store fails.
pub fn is_needed(tx: &impl Read) -> Result<bool, Error> {
    Ok(!account::any(tx)?)
}

/// The token of a new link in place of any before it; nothing once there is an account.
///
/// # Errors
/// When the store fails.
pub fn issue(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<Option<Secret>, Error> {
    if !is_needed(tx)? {
        tx.remove::<SetupLinks>(&())?;
        return Ok(None);
    }
    let token = Secret::random();
    let link = Link { token: TokenHash::of(token.expose()), expires: now.plus(SETUP_LINK_LIFE) };
    tx.put::<SetupLinks>(&(), &link)?;
    Ok(Some(token))
}

/// Whether the warrant could be redeemed now; compares in constant time.
///
/// # Errors
/// [`Error::SetUpAlready`], [`Error::SetupLinkUnknown`] or [`Error::SetupLinkExpired`].
pub fn check(tx: &impl Read, now: Timestamp, warrant: &Warrant) -> Result<(), Error> {
    if !is_needed(tx)? {
        return Err(Error::SetUpAlready);
    }
    let Warrant::Link(token) = warrant else { return Ok(()) };
    let link = tx.get::<SetupLinks>(&())?.filter(|link| link.token.matches(token.expose()));
    let link = link.ok_or(Error::SetupLinkUnknown)?;
    if link.expires <= now { Err(Error::SetupLinkExpired) } else { Ok(()) }
}

/// Makes the first account, the operator's, and uses the link up if there is one.
///
/// # Errors
/// As [`check`], and [`Error::BadName`].
pub fn redeem(
    tx: &mut WriteTx<'_>,
    call: &Call,
    warrant: &Warrant,
    owner: &NewAccount,
) -> Result<Account, Error> {
    check(tx, call.now, warrant)?;
    let account = account::add(tx, call, owner, true)?;
    tx.remove::<SetupLinks>(&())?;
    audit::record(tx, call, Note::new(Action::ApplianceSetUp).about(account.id))?;
    Ok(account)
}
