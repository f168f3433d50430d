//! The second factor: codes from an authenticator app (TOTP, RFC 6238) and recovery codes for when it is lost.
//!
//! Enrolment makes a seed, shows it as an `otpauth` link and its QR code, and waits for a first code; until then nothing
//! changes for the account. From then on a sign-in asks for a code after the password. A code is good one step (30 s) early
//! or late, for clocks that differ, and no step is accepted twice: the last accepted step is kept in the transaction that
//! accepts it. Ten recovery codes stand in for the app, once each.
//!
//! The seed must be used again, so it lies sealed, bound to its row; recovery codes are only compared, so they lie as
//! keyed hashes.
//!
//! Tables, in the system keyspace: `identity.second_factor`, `identity.mfa_enrolment`.
//!
//! Limits: one second factor and one enrolment for an account; an enrolment is good for
//! [`second_factor::ENROLMENT_LIFE`] and [`second_factor::ENROLMENT_TRIES_MAX`] codes; [`recovery::RECOVERY_CODES`] codes.

mod qr;
pub mod recovery;
pub mod second_factor;
#[cfg(test)]
mod tests;
mod totp;

pub use second_factor::{Enrolment, MfaView, is_enabled, reseal, view};
pub(super) use second_factor::{
    Enrolments, SecondFactors, accept, begin, confirm, forget_ended, remove, renew_codes,
};
