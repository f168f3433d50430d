//! Visitors' tokens: signed, stateless, good for 30 days.
//!
//! `base64url(payload) "." base64url(HMAC-SHA256)`, both without padding; the payload is a `MessagePack` array of tenant,
//! visitor and expiry. The signature covers a context and a version before the payload, so that nothing else the appliance
//! signs can be passed off as a token. Both letters and dot are allowed in a WebSocket subprotocol (RFC 6455, section 4.1),
//! which is how browsers send it there.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::base::{Sealer, Secret, TenantId, Timestamp, VisitorId};
use crate::identity::Principal;

/// How long a token is good for.
pub const VISITOR_TOKEN_LIFE: Duration = Duration::from_hours(30 * 24);
const CONTEXT: &[u8] = b"frontdesk visitor token 1\0";
const TOKEN_CHARS_MAX: usize = 256;

#[derive(Debug, Serialize, Deserialize)]
struct Claims(TenantId, VisitorId, Timestamp);

/// A visitor that was just made.
#[derive(Debug, Clone)]
pub struct IssuedVisitor {
    /// Its id.
    pub visitor: VisitorId,
    /// What it sends as `Authorization: Bearer`.
    pub token: Secret,
    /// When the token runs out.
    pub expires: Timestamp,
}

/// Signs and checks visitors' tokens.
#[derive(Debug, Clone)]
pub struct VisitorTokens {
    sealer: Sealer,
}

impl VisitorTokens {
    /// With the appliance's key.
    #[must_use]
    pub fn new(sealer: Sealer) -> Self {
        Self { sealer }
    }

    /// Makes a new visitor of the tenant.
    ///
    /// # Errors
    /// [`Error::TokenNotMade`], which does not happen with these claims.
    pub fn issue(&self, tenant: TenantId, now: Timestamp) -> Result<IssuedVisitor, Error> {
        let (visitor, expires) = (VisitorId::new(now), now.plus(VISITOR_TOKEN_LIFE));
        let payload = rmp_serde::to_vec(&Claims(tenant, visitor, expires))
            .map_err(|error| Error::TokenNotMade(error.to_string()))?;
        let signature = self.sealer.sign(&signed(&payload));
        let (payload, signature) =
            (BASE64_URL_SAFE_NO_PAD.encode(payload), BASE64_URL_SAFE_NO_PAD.encode(signature));
        Ok(IssuedVisitor { visitor, token: Secret::new(format!("{payload}.{signature}")), expires })
    }

    /// The visitor whose token this is.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`] or [`Error::TokenExpired`].
    pub fn authenticate(&self, token: &str, now: Timestamp) -> Result<Principal, Error> {
        let Claims(tenant, visitor, expires) = self.claims(token).ok_or(Error::TokenInvalid)?;
        if expires <= now { Err(Error::TokenExpired) } else { Ok(Principal::Visitor { tenant, visitor }) }
    }

    /// What a genuine token says; nothing is decoded before the signature holds.
    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let (payload, signature) = token.split_once('.')?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !self.sealer.verify(&signed(&payload), &signature) {
            return None;
        }
        rmp_serde::from_slice(&payload).ok()
    }
}

fn signed(payload: &[u8]) -> Vec<u8> {
    [CONTEXT, payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: u64 = 1_700_000_000_000;

    fn tokens() -> VisitorTokens {
        VisitorTokens::new(Sealer::new(&[7; 32]))
    }

    #[test]
    fn a_token_says_who_and_where_for_thirty_days() {
        let now = Timestamp::from_millis(START);
        let tenant = TenantId::new(now);
        let issued = tokens().issue(tenant, now).unwrap();
        let found = tokens().authenticate(issued.token.expose(), now).unwrap();
        assert_eq!(found, Principal::Visitor { tenant, visitor: issued.visitor });
        let last = Timestamp::from_millis(issued.expires.as_millis() - 1);
        assert!(tokens().authenticate(issued.token.expose(), last).is_ok());
        assert!(matches!(
            tokens().authenticate(issued.token.expose(), issued.expires),
            Err(Error::TokenExpired)
        ));
        assert_eq!(issued.expires.since(now), VISITOR_TOKEN_LIFE);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        assert!(issued.token.expose().bytes().all(allowed), "it fits into a subprotocol");
    }

    #[test]
    fn a_token_that_was_changed_anywhere_or_signed_elsewhere_is_invalid() {
        let now = Timestamp::from_millis(START);
        let issued = tokens().issue(TenantId::new(now), now).unwrap();
        let token = issued.token.expose();
        for place in 0..token.len() {
            for letter in ["A", "B", "", "."] {
                let changed = format!("{}{letter}{}", &token[..place], &token[place + 1..]);
                let refused = matches!(tokens().authenticate(&changed, now), Err(Error::TokenInvalid));
                assert!(refused || changed == token, "{place} {letter}");
            }
        }
        let elsewhere = VisitorTokens::new(Sealer::new(&[8; 32]));
        assert!(matches!(elsewhere.authenticate(token, now), Err(Error::TokenInvalid)));
        let sealer = Sealer::new(&[7; 32]);
        let payload = rmp_serde::to_vec(&Claims(TenantId::new(now), issued.visitor, issued.expires)).unwrap();
        let other = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(&payload),
            BASE64_URL_SAFE_NO_PAD.encode(sealer.sign(&payload))
        );
        assert!(tokens().authenticate(&other, now).is_err(), "a signature for something else");
    }

    proptest! {
        #[test]
        fn foreign_text_is_never_a_token(text: String) {
            prop_assert!(tokens().authenticate(&text, Timestamp::from_millis(START)).is_err());
        }
    }
}
