//! The one-time setup link: how the first account comes about without a default password.
//!
//! While there is no account, each start issues a new link and forgets the one before; it is good for 24 hours and for one
//! account. Only its hash is stored. Two people who redeem it at the same moment are two changes of one keyspace, which
//! its writer puts one after the other: the second finds an account.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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

/// Whether the link could be redeemed now; compares in constant time.
///
/// # Errors
/// [`Error::SetUpAlready`], [`Error::SetupLinkUnknown`] or [`Error::SetupLinkExpired`].
pub fn check(tx: &impl Read, now: Timestamp, token: &Secret) -> Result<(), Error> {
    if !is_needed(tx)? {
        return Err(Error::SetUpAlready);
    }
    let link = tx.get::<SetupLinks>(&())?.filter(|link| link.token.matches(token.expose()));
    let link = link.ok_or(Error::SetupLinkUnknown)?;
    if link.expires <= now { Err(Error::SetupLinkExpired) } else { Ok(()) }
}

/// Makes the first account, the operator's, and uses the link up.
///
/// # Errors
/// As [`check`], and [`Error::BadName`].
pub fn redeem(
    tx: &mut WriteTx<'_>,
    call: &Call,
    token: &Secret,
    owner: &NewAccount,
) -> Result<Account, Error> {
    check(tx, call.now, token)?;
    let account = account::add(tx, call.now, owner, true)?;
    tx.remove::<SetupLinks>(&())?;
    Ok(account)
}
