//! Letters to people about their own account: what they did not do themselves, they should hear of.
//!
//! Posted in the transaction of what happened, to the address that the account has; without mail, or beyond its limits, nothing
//! is, and that undoes nothing.

use super::account::{self, Account};
use super::{Device, Error, device};
use crate::base::{AccountId, Call};
use crate::notify::mail::{self, Circumstances, MfaChange};
use crate::store::WriteTx;

/// What somebody hears of.
#[derive(Debug, Clone, Copy)]
pub(super) enum News {
    /// The password is another one.
    Password,
    /// The second factor was turned on or off, or has new recovery codes.
    Mfa(MfaChange),
}

/// Tells of a sign-in from a device that was not seen before.
pub(super) fn new_sign_in(
    tx: &mut WriteTx<'_>,
    call: &Call,
    account: &Account,
    device: &Device,
) -> Result<(), Error> {
    let address = device.address.map(|address| address.to_string()).unwrap_or_default();
    let user_agent = device.user_agent.as_deref().unwrap_or_default();
    let how = Circumstances { at: call.now, address: &address, user_agent };
    mail::new_sign_in(tx, call.now, account.email.as_str(), &how)?;
    Ok(())
}

/// Tells of a change of the account.
pub(super) fn tell(tx: &mut WriteTx<'_>, call: &Call, id: AccountId, news: News) -> Result<(), Error> {
    let Some(account) = account::load(tx, id)? else { return Ok(()) };
    let address = call.address.map(|address| address.to_string()).unwrap_or_default();
    let user_agent = device::user_agent_at(tx, id, call.address)?.unwrap_or_default();
    let how = Circumstances { at: call.now, address: &address, user_agent: &user_agent };
    let to = account.email.as_str();
    match news {
        News::Password => mail::password_changed(tx, call.now, to, &how)?,
        News::Mfa(change) => mail::mfa_changed(tx, call.now, to, change, &how)?,
    };
    Ok(())
}
