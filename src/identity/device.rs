//! Where people sign in from: what a session remembers of it, and whether it was seen before.
//!
//! The last [`SIGN_INS_MAX`] sign-ins of an account are kept when their sessions are gone: they say when and from where the
//! sign-in before this one was, and whether a device is new. A device is what its browser calls itself, in the network that
//! it came from (an IPv4 address's /24, an IPv6 address's /48): an address that changes within one provider's network is no
//! news, and what a browser says of itself can be imitated, so this is a notice and never a right.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::{AccountId, Call, SessionId, Timestamp};
use crate::store::{Read, WriteTx, tables};

/// The most characters that are kept of what a browser calls itself.
pub const USER_AGENT_CHARS_MAX: usize = 200;
/// The sign-ins of an account that are remembered.
pub const SIGN_INS_MAX: usize = 10;

/// Where a person signs in from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Device {
    /// The network address.
    pub(super) address: Option<IpAddr>,
    /// What the browser calls itself, cut to [`USER_AGENT_CHARS_MAX`].
    pub(super) user_agent: Option<String>,
}

impl Device {
    /// Of a call, with the header `User-Agent` as it was sent.
    #[must_use]
    pub fn of(call: &Call, user_agent: Option<&str>) -> Self {
        let kept = user_agent.map(|text| {
            text.chars().filter(|letter| !letter.is_control()).take(USER_AGENT_CHARS_MAX).collect::<String>()
        });
        Self { address: call.address, user_agent: kept.filter(|text| !text.is_empty()) }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.user_agent == other.user_agent && self.address.map(network_of) == other.address.map(network_of)
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() >> 8 << 8).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into(),
    }
}

/// A sign-in that was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SignInSeen {
    session: SessionId,
    at: Timestamp,
    device: Device,
}

/// A sign-in as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SignInView {
    /// When.
    pub at: Timestamp,
    /// From which network address.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
}

tables! {
    /// The last sign-ins of each account, oldest first.
    pub(super) SignIns = "identity.sign_in": AccountId => Vec<SignInSeen>;
}

/// What the browser called itself that signed in last from this address.
pub(super) fn user_agent_at(
    tx: &impl Read,
    account: AccountId,
    address: Option<IpAddr>,
) -> Result<Option<String>, Error> {
    let seen = tx.get::<SignIns>(&account)?.unwrap_or_default();
    let there = seen.into_iter().rev().find(|sign_in| sign_in.device.address == address);
    Ok(there.and_then(|sign_in| sign_in.device.user_agent))
}

/// Whether the account has signed in before, and never, as far as is remembered, from a device like this one.
///
/// # Errors
/// When the store fails.
pub fn is_new_device(tx: &impl Read, account: AccountId, device: &Device) -> Result<bool, Error> {
    let seen = tx.get::<SignIns>(&account)?.unwrap_or_default();
    Ok(!seen.is_empty() && !seen.iter().any(|sign_in| sign_in.device.is_like(device)))
}

/// Remembers a sign-in, and forgets the oldest when there are too many.
pub(super) fn remember(
    tx: &mut WriteTx<'_>,
    account: AccountId,
    session: SessionId,
    at: Timestamp,
    device: &Device,
) -> Result<(), Error> {
    let mut seen = tx.get::<SignIns>(&account)?.unwrap_or_default();
    let surplus = (seen.len() + 1).saturating_sub(SIGN_INS_MAX);
    seen.drain(..surplus);
    seen.push(SignInSeen { session, at, device: device.clone() });
    tx.put::<SignIns>(&account, &seen)?;
    Ok(())
}

/// The sign-in before that of `session`; the newest when there is no session, or it is forgotten.
///
/// # Errors
/// When the store fails.
pub fn sign_in_before(
    tx: &impl Read,
    account: AccountId,
    session: Option<SessionId>,
) -> Result<Option<SignInView>, Error> {
    let mut seen = tx.get::<SignIns>(&account)?.unwrap_or_default();
    if let Some(own) = seen.iter().position(|sign_in| Some(sign_in.session) == session) {
        seen.truncate(own);
    }
    Ok(seen.pop().map(|SignInSeen { at, device, .. }| SignInView {
        at,
        address: device.address,
        user_agent: device.user_agent,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(address: &str, user_agent: &str) -> Device {
        Device { address: Some(address.parse().unwrap()), user_agent: Some(user_agent.to_owned()) }
    }

    #[test]
    fn a_device_is_the_same_browser_in_the_same_network() {
        let known = device("192.0.2.7", "Firefox");
        assert!(known.is_like(&device("192.0.2.200", "Firefox")));
        assert!(known.is_like(&device("::ffff:192.0.2.9", "Firefox")));
        assert!(!known.is_like(&device("192.0.3.7", "Firefox")));
        assert!(!known.is_like(&device("192.0.2.7", "curl")));
        let at_home = device("2001:db8:1:2::3", "Firefox");
        assert!(at_home.is_like(&device("2001:db8:1:ffff::1", "Firefox")));
        assert!(!at_home.is_like(&device("2001:db8:2::1", "Firefox")));
    }

    #[test]
    fn what_a_browser_says_is_cut_and_printable() {
        let call = Call::appliance(Timestamp::from_millis(1));
        let long = Device::of(&call, Some(&format!("a\tb{}", "é".repeat(500))));
        let kept = long.user_agent.unwrap();
        assert_eq!(kept.chars().count(), USER_AGENT_CHARS_MAX);
        assert!(kept.starts_with("abé"));
        assert_eq!(Device::of(&call, Some("")).user_agent, None);
    }
}
