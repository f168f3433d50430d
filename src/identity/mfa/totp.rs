//! Codes that change every 30 seconds: TOTP (RFC 6238) with HMAC-SHA1 over 160 bits, six digits, which is what every
//! authenticator app can do.

use totp_rs::{Algorithm, Builder, Totp};

use crate::base::{Secret, Timestamp};
use crate::identity::{Email, Error};

/// How long a code is shown.
const STEP_SECONDS: u64 = 30;
/// How many digits it has.
pub(super) const CODE_DIGITS: usize = 6;
/// Who the app says the code is for.
const ISSUER: &str = "Frontdesk";
/// Codes of so many steps before and after the present one are accepted (RFC 6238, section 5.2).
const STEPS_OFF_MAX: u64 = 1;

/// What app and appliance share.
pub(super) struct Seed {
    totp: Totp,
}

impl Seed {
    /// A new one: 160 random bits (RFC 4226, section 4, R6).
    pub(super) fn random(email: &Email) -> Result<Self, Error> {
        Self::new(totp_rs::Secret::new_stack(rand::random()), email)
    }

    /// From the form in which it is sealed.
    pub(super) fn parse(base32: &Secret, email: &Email) -> Result<Self, Error> {
        let secret = totp_rs::Secret::try_from_base32(base32.expose()).map_err(|_| Error::SeedDamaged)?;
        Self::new(secret, email)
    }

    fn new(secret: totp_rs::Secret, email: &Email) -> Result<Self, Error> {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP_SECONDS)
            // The steps around the present one are tried here, where the last accepted one is known.
            .with_skew(0)
            .with_secret(secret)
            .with_account_name(email.as_str())
            .with_issuer(Some(ISSUER))
            .build()
            .map_err(|_| Error::SeedDamaged)?;
        Ok(Self { totp })
    }

    /// In base32, as a person types it into an app that cannot read the QR code.
    pub(super) fn base32(&self) -> Secret {
        Secret::new(self.totp.secret().to_base32())
    }

    /// The link that apps read (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).
    pub(super) fn uri(&self) -> Result<Secret, Error> {
        self.totp.to_url().map(Secret::new).map_err(|_| Error::SeedDamaged)
    }

    /// The step whose code this is, if it may be accepted now: near the present one, and after the last accepted.
    pub(super) fn step_of(&self, code: &str, now: Timestamp, after: Option<u64>) -> Option<u64> {
        let present = now.as_millis() / 1_000 / STEP_SECONDS;
        let near = present.saturating_sub(STEPS_OFF_MAX)..=present.saturating_add(STEPS_OFF_MAX);
        near.filter(|step| after.is_none_or(|after| *step > after))
            .find(|step| self.totp.check(code, step.saturating_mul(STEP_SECONDS)).is_some())
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email() -> Email {
        Email::parse("ada@example.com").unwrap()
    }

    /// The seed of RFC 6238, appendix B.
    fn seed_of_the_rfc() -> Seed {
        Seed::new(totp_rs::Secret::new_stack(*b"12345678901234567890"), &email()).unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// The table has eight digits; six are their last six (RFC 4226, section 5.3).
    const VECTORS: [(u64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];

    #[test]
    fn the_vectors_of_rfc_6238_are_accepted_at_their_time_and_a_step_around_it() {
        let seed = seed_of_the_rfc();
        for (seconds, code) in VECTORS {
            let (step, code) = (seconds / 30, &code[2..]);
            for off in [0, 30] {
                assert_eq!(seed.step_of(code, at(seconds + off), None), Some(step), "{seconds} + {off}");
                assert_eq!(seed.step_of(code, at(seconds - off), None), Some(step), "{seconds} - {off}");
            }
            assert_eq!(seed.step_of(code, at(seconds + 60), None), None, "{seconds}, two steps late");
            assert_eq!(seed.step_of(code, at(seconds), Some(step)), None, "{seconds}, a second time");
            assert_eq!(seed.step_of(code, at(seconds), Some(step - 1)), Some(step));
        }
        for bad in ["", "28708", "2870820", "+87082", "28708a", "287083"] {
            assert_eq!(seed.step_of(bad, at(59), None), None, "{bad}");
        }
    }

    #[test]
    fn the_link_says_what_apps_need_and_a_seed_survives_being_kept() {
        let seed = Seed::random(&email()).unwrap();
        let text = seed.base32();
        assert_eq!(text.expose().len(), 32, "160 bits in base32");
        assert_eq!(
            seed.uri().unwrap().expose(),
            format!("otpauth://totp/Frontdesk:ada%40example.com?secret={}&issuer=Frontdesk", text.expose())
        );
        let kept = Seed::parse(&text, &email()).unwrap();
        assert_eq!(kept.base32().expose(), text.expose());
        assert_ne!(Seed::random(&email()).unwrap().base32().expose(), text.expose());
        assert!(Seed::parse(&Secret::new("no base32!".into()), &email()).is_err());
    }
}
