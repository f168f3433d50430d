//! Secrets that cannot be shown by mistake: held, compared by hash, or sealed with the appliance's key.
//!
//! A token or password that we only compare is kept as a [`TokenHash`]; a secret that we must use again (a
//! provider's key) is [`Sealed`] with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), bound to the row it
//! belongs to, so that a copied row opens nowhere else.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that is neither printed nor logged, and wiped when dropped.
#[derive(Clone, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes charge of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// A token of 256 random bits in URL-safe base64 (43 characters).
    #[must_use]
    pub fn random() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
    }

    /// The text, for the one place that uses it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a random token. Enough for 256-bit tokens; passwords go through Argon2id instead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Of this token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// An encrypted secret as it lies in the database: nonce and ciphertext.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// The sealed text cannot be opened: another key, another row, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed secret does not open: it was sealed with another key, for another row, or is damaged")]
pub struct DoesNotOpen;

const NONCE_BYTES: usize = 24;

/// What is computed from one of the appliance's keys.
struct Keys {
    cipher: XChaCha20Poly1305,
    signing_key: [u8; 32],
}

impl Keys {
    fn of(key: &[u8; 32]) -> Self {
        let sealing_key = blake3::derive_key("frontdesk 2026 sealing of secrets at rest", key);
        let signing_key = blake3::derive_key("frontdesk 2026 signing of visitor tokens", key);
        Self { cipher: XChaCha20Poly1305::new(&sealing_key.into()), signing_key }
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        // HMAC fills a key up to the hash's block with zeros (RFC 2104, section 2).
        let mut block = [0u8; 64];
        block[..32].copy_from_slice(&self.signing_key);
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&block.into());
        mac.update(message);
        mac
    }
}

/// The keys of an appliance, the one in use first.
struct Ring {
    first: Keys,
    before: Vec<Keys>,
}

/// Seals and signs with the appliance's key; opens also what was sealed with those before it. Clones change together.
#[derive(Clone)]
pub struct Sealer {
    ring: Arc<ArcSwap<Ring>>,
}

impl Sealer {
    /// With the 256-bit key of the appliance.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self::with_keys(key, &[])
    }

    /// With the key in use and those before it.
    #[must_use]
    pub fn with_keys(key: &[u8; 32], before: &[[u8; 32]]) -> Self {
        Self { ring: Arc::new(ArcSwap::from_pointee(Self::ring(key, before))) }
    }

    /// From now on `key` seals and signs; what was sealed with `before` still opens.
    pub fn rotate(&self, key: &[u8; 32], before: &[[u8; 32]]) {
        self.ring.store(Arc::new(Self::ring(key, before)));
    }

    fn ring(key: &[u8; 32], before: &[[u8; 32]]) -> Ring {
        Ring { first: Keys::of(key), before: before.iter().map(Keys::of).collect() }
    }

    /// Seals `secret` so that it opens only for the same `row`.
    ///
    /// # Errors
    /// Never with a secret of sane size; the cipher refuses only beyond 256 GiB.
    pub fn seal(&self, row: &str, secret: &Secret) -> Result<Sealed, DoesNotOpen> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret.expose().as_bytes(), aad: row.as_bytes() };
        let mut sealed = nonce.to_vec();
        let cipher = &self.ring.load().first.cipher;
        sealed.extend(cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| DoesNotOpen)?);
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for `row`.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(&self, row: &str, sealed: &Sealed) -> Result<Secret, DoesNotOpen> {
        let (nonce, ciphertext) = sealed.0.split_first_chunk::<NONCE_BYTES>().ok_or(DoesNotOpen)?;
        let ring = self.ring.load();
        let mut keys = std::iter::once(&ring.first).chain(&ring.before);
        let plain = keys.find_map(|keys| {
            let payload = Payload { msg: ciphertext, aad: row.as_bytes() };
            keys.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        });
        String::from_utf8(plain.ok_or(DoesNotOpen)?).map(Secret).map_err(|_| DoesNotOpen)
    }

    /// Seals anew, with the key in use, what was sealed for `row`.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn reseal(&self, row: &str, sealed: &Sealed) -> Result<Sealed, DoesNotOpen> {
        self.seal(row, &self.open(row, sealed)?)
    }

    /// HMAC-SHA256 (RFC 2104) of `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        self.ring.load().first.mac(message).finalize().into_bytes().into()
    }

    /// Checks a signature of the key in use, in constant time.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.ring.load().first.mac(message).verify_slice(signature).is_ok()
    }

    /// Checks a signature of the key in use or of one before it, each in constant time.
    #[must_use]
    pub fn verify_kept(&self, message: &[u8], signature: &[u8]) -> bool {
        let ring = self.ring.load();
        let mut keys = std::iter::once(&ring.first).chain(&ring.before);
        keys.any(|keys| keys.mac(message).verify_slice(signature).is_ok())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_for_its_row_and_undamaged() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("row 1", &Secret::new("hunter2".into())).unwrap();
        assert_eq!(sealer.open("row 1", &sealed).unwrap().expose(), "hunter2");
        assert!(sealer.open("row 2", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).open("row 1", &sealed).is_err());
        for place in 0..sealed.0.len() {
            let mut damaged = sealed.clone();
            damaged.0[place] ^= 1;
            assert!(sealer.open("row 1", &damaged).is_err());
        }
        assert!(sealer.open("row 1", &Sealed(vec![1, 2])).is_err());
    }

    #[test]
    fn after_a_rotation_what_was_sealed_before_opens_and_what_is_sealed_anew_opens_only_with_the_new_key() {
        let sealer = Sealer::new(&[7; 32]);
        let (clone, sealed) = (sealer.clone(), sealer.seal("row", &Secret::new("hunter2".into())).unwrap());
        let signed = sealer.sign(b"said");
        sealer.rotate(&[8; 32], &[[7; 32]]);
        assert_eq!(clone.open("row", &sealed).unwrap().expose(), "hunter2");
        let anew = clone.reseal("row", &sealed).unwrap();
        assert_eq!(Sealer::new(&[8; 32]).open("row", &anew).unwrap().expose(), "hunter2");
        assert!(Sealer::new(&[7; 32]).open("row", &anew).is_err());
        assert!(!clone.verify(b"said", &signed) && clone.verify_kept(b"said", &signed));
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::random();
        assert_eq!(secret.expose().len(), 43);
        assert!(!format!("{secret:?} {:?}", TokenHash::of(secret.expose())).contains(secret.expose()));
        assert!(TokenHash::of(secret.expose()).matches(secret.expose()));
        assert!(!TokenHash::of(secret.expose()).matches("x"));
    }
}
