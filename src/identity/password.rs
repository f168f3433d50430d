//! Passwords: what is accepted, and how they are hashed without letting a flood of sign-ins hurt anybody else.
//!
//! Argon2id (RFC 9106) with 19456 KiB, t=2, p=1, as OWASP's password storage cheat sheet recommends, kept as PHC strings
//! (<https://github.com/P-H-C/phc-string-format>). Two are computed at a time (40 MiB) and 64 wait; whoever comes after that
//! is told to try again. Before hashing, a password is put into NFKC (UAX 15), so that it is the same whatever keyboard
//! it was typed on. An account that does not exist costs the same time as one that does.
//!
//! Length is what counts (NIST SP 800-63B, section 3.1.1): 12 to 128 characters, any characters, no rules of composition.
//! NIST's floor is 8 beside a second factor and 15 without; 12 is the compromise while there is none.

use std::fmt;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::email::fold;
use super::{Email, Error};
use crate::base::{Pool, Secret};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
const RUNNING_MAX: usize = 2;
const WAITING_MAX: usize = 64;

/// The fewest characters of a password.
const PASSWORD_CHARS_MIN: usize = 12;
/// The most characters of a password.
const PASSWORD_CHARS_MAX: usize = 128;
/// What is longer is not even normalised.
const PASSWORD_BYTES_MAX: usize = 4 * PASSWORD_CHARS_MAX;
/// A repetition of up to so many characters is no password.
const REPEATED_CHARS_MAX: usize = 4;

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
        Self { pool: Pool::new(RUNNING_MAX, WAITING_MAX) }
    }

    /// The hash to store. Check it with [`check`] first.
    ///
    /// # Errors
    /// [`Error::PasswordsBusy`], or [`Error::PasswordHash`] when there is no memory.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash, Error> {
        self.pool.run(move || hash(&password)).await?.map_err(Error::PasswordHash)
    }

    /// Compares `password` with an account's hash, or with nobody's in the same time.
    ///
    /// # Errors
    /// [`Error::PasswordsBusy`], or [`Error::PasswordHash`] when the stored hash does not parse.
    pub async fn verify(&self, password: Secret, against: Option<PasswordHash>) -> Result<Verdict, Error> {
        self.pool.run(move || verify(&password, against.as_ref())).await?.map_err(Error::PasswordHash)
    }
}

fn params() -> Result<Params, password_hash::Error> {
    Ok(Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES))?)
}

fn argon2() -> Result<Argon2<'static>, password_hash::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

fn normalised(password: &Secret) -> Secret {
    Secret::new(password.expose().nfkc().collect())
}

fn hash(password: &Secret) -> Result<PasswordHash, password_hash::Error> {
    let hash = argon2()?.hash_password(normalised(password).expose().as_bytes())?;
    Ok(PasswordHash(hash.to_string()))
}

fn verify(password: &Secret, against: Option<&PasswordHash>) -> Result<Verdict, password_hash::Error> {
    // What no account can have would only cost time; the bound is far above any accepted password.
    let too_long = password.expose().len() > PASSWORD_BYTES_MAX;
    let password = if too_long { Secret::new(String::new()) } else { normalised(password) };
    let phc = Phc::new(against.map_or(DUMMY, PasswordHash::as_str))?;
    match argon2()?.verify_password(password.expose().as_bytes(), &phc) {
        Ok(()) if against.is_none() || too_long => Ok(Verdict::Wrong),
        Ok(()) if is_current(&phc)? => Ok(Verdict::Right),
        Ok(()) => hash(&password).map(Verdict::RightRehashed),
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

/// Whether a new password is accepted for the person of this name and address.
///
/// # Errors
/// [`Error::PasswordTooShort`], [`Error::PasswordTooLong`] or [`Error::PasswordTrivial`].
pub fn check(password: &Secret, name: &str, email: &Email) -> Result<(), Error> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(Error::PasswordTooLong);
    }
    let password = normalised(password);
    let letters: Vec<char> = password.expose().chars().collect();
    if letters.len() < PASSWORD_CHARS_MIN {
        return Err(Error::PasswordTooShort);
    }
    if letters.len() > PASSWORD_CHARS_MAX {
        return Err(Error::PasswordTooLong);
    }
    let bare = bare(password.expose());
    let local = email.as_str().rsplit_once('@').map_or("", |(local, _)| local);
    let known = [email.as_str(), local, name, "frontdesk"].into_iter().any(|word| is_made_of(&bare, word));
    if known || is_repetition(&letters) || is_run(&letters) {
        return Err(Error::PasswordTrivial);
    }
    Ok(())
}

/// Letters and digits only, folded.
fn bare(text: &str) -> String {
    fold(text).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Whether a password is `word`, perhaps with digits around it.
fn is_made_of(bare_password: &str, word: &str) -> bool {
    let word = bare(word);
    let rest = bare_password.trim_matches(|letter: char| letter.is_ascii_digit());
    !word.is_empty() && (bare_password == word || rest == word)
}

fn is_repetition(letters: &[char]) -> bool {
    (1..=REPEATED_CHARS_MAX)
        .any(|length| letters.iter().zip(letters.iter().skip(length)).all(|(a, b)| a == b))
}

/// Whether it only counts up or down, as `123456789012` and `abcdefghijkl` do.
fn is_run(letters: &[char]) -> bool {
    let steps = || {
        letters
            .iter()
            .zip(letters.iter().skip(1))
            .map(|(a, b)| i64::from(u32::from(*b)) - i64::from(u32::from(*a)))
    };
    // 9 is followed by 0, and 0 by 9 on the way down.
    let up = steps().all(|step| step == 1 || step == -9);
    let down = steps().all(|step| step == -1 || step == 9);
    up || down
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

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
        assert_eq!(verify(&secret("anything at all"), None).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_password_is_the_same_on_every_keyboard_and_old_parameters_are_renewed() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, Some(32)).unwrap());
        let old = PasswordHash(
            weak.hash_password("jürgen und die Ａ".nfkc().collect::<String>().as_bytes())
                .unwrap()
                .to_string(),
        );
        let Verdict::RightRehashed(renewed) = verify(&secret("ju\u{308}rgen und die A"), Some(&old)).unwrap()
        else {
            panic!("not renewed");
        };
        assert!(renewed.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(verify(&secret("jürgen und die A"), Some(&renewed)).unwrap(), Verdict::Right);
        assert_eq!(verify(&secret("jürgen und die a"), Some(&old)).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn an_endless_password_is_wrong_and_a_damaged_hash_is_an_error() {
        let hash = hash(&secret("")).unwrap();
        assert_eq!(verify(&secret(&"x".repeat(1 << 20)), Some(&hash)).unwrap(), Verdict::Wrong);
        assert!(verify(&secret("x"), Some(&PasswordHash("plain".into()))).is_err());
    }

    #[test]
    fn only_passwords_worth_the_name_are_accepted() {
        let email = Email::parse("Ada.Lovelace@example.com").unwrap();
        let judge = |text: &str| check(&secret(text), "Ada King Lovelace", &email);
        for good in
            ["correct horse battery", "пароль из слов", "a b c d e f g", "x7#mQ2!vL9pZ", "Lovelace was here"]
        {
            assert!(judge(good).is_ok(), "{good}");
        }
        assert!(matches!(judge("elevenchars"), Err(Error::PasswordTooShort)));
        assert!(matches!(judge(&"ab3 ".repeat(33)), Err(Error::PasswordTooLong)));
        assert!(matches!(judge(&"é".repeat(10_000)), Err(Error::PasswordTooLong)));
        for trivial in [
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "123456789012",
            "987654321098",
            "abcdefghijklm",
            "ada.lovelace@example.com",
            "ADA-LOVELACE 2026",
            "Ada King Lovelace",
            "12frontdesk34",
        ] {
            assert!(matches!(judge(trivial), Err(Error::PasswordTrivial)), "{trivial}");
        }
    }
}
