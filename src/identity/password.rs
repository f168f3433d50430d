//! Passwords: how they are hashed without letting a flood of sign-ins hurt anybody else. What is accepted says `strength`.
//!
//! Argon2id (RFC 9106) with 19456 KiB, t=2, p=1, as OWASP's password storage cheat sheet recommends, kept as PHC strings
//! (<https://github.com/P-H-C/phc-string-format>). Half of the processors compute at a time, two at most (40 MiB), and 256 wait;
//! whoever comes after that is told to try again. Before hashing, a password is put into NFKC (UAX 15), so that it is the same
//! whatever keyboard it was typed on. An account that does not exist costs the same time as one that does. Hashing gives way to
//! everything else, so that a flood of sign-ins is not felt in an open chat.
//!
//! How many wait is a choice: a whole company that signs in at the same moment (200 people) is served within some seconds, in
//! turn and without anybody being told to come back, and waiting costs no memory to speak of. Beyond that it is a flood, and it is
//! better to say so at once (503, `Retry-After`) than to let people wait longer than they do. Judging a new password takes its
//! turn on the same pool, so that it cannot crowd the runtime either.

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::password_hash::{self, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use unicode_normalization::UnicodeNormalization as _;

use super::Error;
use super::password_memory::PasswordMemory;
use super::strength::{self, Person};
use crate::base::{Pool, Secret};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
const RUNNING_MAX: usize = 2;
const WAITING_MAX: usize = 256;

/// What is longer is not even normalised.
pub(super) const PASSWORD_BYTES_MAX: usize = 4 * strength::PASSWORD_CHARS_MAX;

/// Verified when there is no account, so that the answer takes as long; its salt and hash are arbitrary.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$ZnJvbnRkZXNrLWR1bW15IQ$c2FtZSB0aW1lIGZvciBldmVyeW9uZSwgYWx3YXlzISE";

/// A password's hash as a PHC string.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What comparing a password with a hash says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the one.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, and here is its hash with today's parameters.
    RightRehashed(PasswordHash),
}

/// Hashes and compares passwords on a bounded pool; clones share it.
#[derive(Debug, Clone)]
pub struct Passwords {
    pool: Pool,
    memory: PasswordMemory,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// One for the whole appliance.
    #[must_use]
    pub fn new() -> Self {
        let half = std::thread::available_parallelism().map_or(1, |processors| processors.get() / 2);
        let pool = Pool::of_low_priority(half.clamp(1, RUNNING_MAX), WAITING_MAX);
        Self { pool, memory: PasswordMemory::default() }
    }

    /// Gives back memory that nobody computes in; for whoever looks after the appliance from time to time.
    pub fn release_idle_memory(&self) {
        self.memory.release();
    }

    /// The hash to store of a password that the person has chosen.
    ///
    /// # Errors
    /// What is wrong with it, as [`strength::check`] says; [`Error::PasswordsBusy`]; [`Error::PasswordHash`] when there is
    /// no memory.
    pub async fn hash_new(&self, password: Secret, person: Person) -> Result<PasswordHash, Error> {
        let memory = self.memory.clone();
        let judged = move || {
            strength::check(&password, &person)?;
            hash(&password, &memory).map_err(Error::PasswordHash)
        };
        self.pool.run(judged).await?
    }

    /// The hash of a password that nobody has chosen, which need not be judged.
    ///
    /// # Errors
    /// [`Error::PasswordsBusy`], or [`Error::PasswordHash`] when there is no memory.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash, Error> {
        let memory = self.memory.clone();
        self.pool.run(move || hash(&password, &memory)).await?.map_err(Error::PasswordHash)
    }

    /// Compares `password` with an account's hash, or with nobody's in the same time.
    ///
    /// # Errors
    /// [`Error::PasswordsBusy`], or [`Error::PasswordHash`] when the stored hash does not parse.
    pub async fn verify(&self, password: Secret, against: Option<PasswordHash>) -> Result<Verdict, Error> {
        let memory = self.memory.clone();
        let compare = move || verify(&password, against.as_ref(), &memory);
        self.pool.run(compare).await?.map_err(Error::PasswordHash)
    }
}

fn params() -> Result<Params, password_hash::Error> {
    Ok(Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES))?)
}

fn argon2() -> Result<Argon2<'static>, password_hash::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

pub(super) fn normalised(password: &Secret) -> Secret {
    Secret::new(password.expose().nfkc().collect())
}

/// Argon2id of what is normalised already, with today's parameters.
fn compute(
    password: &Secret,
    salt: &[u8],
    memory: &PasswordMemory,
) -> Result<[u8; OUTPUT_BYTES], password_hash::Error> {
    let argon2 = argon2()?;
    let mut output = [0; OUTPUT_BYTES];
    memory.with(params()?.block_count(), |blocks| {
        argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut output, blocks)
    })?;
    Ok(output)
}

fn hash(password: &Secret, memory: &PasswordMemory) -> Result<PasswordHash, password_hash::Error> {
    let salt: [u8; SALT_BYTES] = rand::random();
    let output = compute(&normalised(password), &salt, memory)?;
    let hash = Phc {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params()?)?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(Output::new(&output)?),
    };
    Ok(PasswordHash(hash.to_string()))
}

fn verify(
    password: &Secret,
    against: Option<&PasswordHash>,
    memory: &PasswordMemory,
) -> Result<Verdict, password_hash::Error> {
    // What no account can have would only cost time; the bound is far above any accepted password.
    let too_long = password.expose().len() > PASSWORD_BYTES_MAX;
    let password = if too_long { Secret::new(String::new()) } else { normalised(password) };
    let phc = Phc::new(against.map_or(DUMMY, PasswordHash::as_str))?;
    if let (true, Some(salt), Some(kept)) = (is_current(&phc)?, &phc.salt, &phc.hash) {
        let right: bool = compute(&password, salt, memory)?.ct_eq(kept.as_bytes()).into();
        let right = right && against.is_some() && !too_long;
        return Ok(if right { Verdict::Right } else { Verdict::Wrong });
    }
    match argon2()?.verify_password(password.expose().as_bytes(), &phc) {
        Ok(()) if against.is_none() || too_long => Ok(Verdict::Wrong),
        Ok(()) => hash(&password, memory).map(Verdict::RightRehashed),
        Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(error),
    }
}

fn is_current(phc: &Phc) -> Result<bool, password_hash::Error> {
    let (found, wanted) = (Params::try_from(phc)?, params()?);
    Ok(phc.algorithm == Algorithm::Argon2id.ident()
        && phc.version == Some(Version::V0x13.into())
        && found.m_cost() == wanted.m_cost()
        && found.t_cost() == wanted.t_cost()
        && found.p_cost() == wanted.p_cost()
        && found.output_len() == wanted.output_len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordHasher as _;

    /// As an independent path through the library has it.
    #[test]
    fn memory_that_was_used_before_changes_no_hash() {
        let memory = PasswordMemory::default();
        let phc = argon2().unwrap().hash_password(b"correct horse battery").unwrap().to_string();
        for _ in 0..2 {
            let right = verify(&secret("correct horse battery"), Some(&PasswordHash(phc.clone())), &memory);
            assert_eq!(right.unwrap(), Verdict::Right);
            let own = hash(&secret("tabletop gravel umbrella"), &memory).unwrap();
            let phc = Phc::new(own.as_str()).unwrap();
            argon2().unwrap().verify_password(b"tabletop gravel umbrella", &phc).unwrap();
        }
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    /// Row B1.
    #[tokio::test]
    async fn hashes_are_argon2id_with_the_published_parameters_and_a_salt_of_their_own() {
        let passwords = Passwords::new();
        let one = passwords.hash(secret("correct horse battery")).await.unwrap();
        let two = passwords.hash(secret("correct horse battery")).await.unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, two);
        assert!(!format!("{one:?}").contains("argon2id"));
        assert_eq!(
            passwords.verify(secret("correct horse battery"), Some(two)).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(
            passwords.verify(secret("correct horse batterz"), Some(one)).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn nobody_has_a_hash_of_the_same_cost_that_no_password_fits() {
        assert!(is_current(&Phc::new(DUMMY).unwrap()).unwrap());
        assert_eq!(
            verify(&secret("anything at all"), None, &PasswordMemory::default()).unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn a_password_is_the_same_on_every_keyboard_and_old_parameters_are_renewed() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, Some(32)).unwrap());
        let old = PasswordHash(
            weak.hash_password("jürgen und die Ａ".nfkc().collect::<String>().as_bytes())
                .unwrap()
                .to_string(),
        );
        let Verdict::RightRehashed(renewed) =
            verify(&secret("ju\u{308}rgen und die A"), Some(&old), &PasswordMemory::default()).unwrap()
        else {
            panic!("not renewed");
        };
        assert!(renewed.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(
            verify(&secret("jürgen und die A"), Some(&renewed), &PasswordMemory::default()).unwrap(),
            Verdict::Right
        );
        assert_eq!(
            verify(&secret("jürgen und die a"), Some(&old), &PasswordMemory::default()).unwrap(),
            Verdict::Wrong
        );
    }

    #[test]
    fn an_endless_password_is_wrong_and_a_damaged_hash_is_an_error() {
        let hash = hash(&secret(""), &PasswordMemory::default()).unwrap();
        assert_eq!(
            verify(&secret(&"x".repeat(1 << 20)), Some(&hash), &PasswordMemory::default()).unwrap(),
            Verdict::Wrong
        );
        assert!(
            verify(&secret("x"), Some(&PasswordHash("plain".into())), &PasswordMemory::default()).is_err()
        );
    }
}
