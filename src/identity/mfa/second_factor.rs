//! The second factor of an account, from enrolment to removal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::totp::{CODE_DIGITS, Seed};
use super::{qr, recovery};
use crate::base::{AccountId, Call, Sealed, Sealer, Secret, Timestamp, TokenHash};
use crate::identity::audit::{self, Action, Note};
use crate::identity::notice::{self, News};
use crate::identity::{Account, Error, Revocations, Revoked};
use crate::notify::mail::MfaChange;
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// How long a first code may be given.
pub const ENROLMENT_LIFE: Duration = Duration::from_mins(15);
/// How many first codes may be tried.
pub const ENROLMENT_TRIES_MAX: u8 = 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::identity) struct SecondFactor {
    seed: Sealed,
    enabled: Timestamp,
    /// No code of this step or an earlier one is accepted.
    last_step: u64,
    recovery_codes: Vec<TokenHash>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::identity) struct Pending {
    seed: Sealed,
    expires: Timestamp,
    tries_left: u8,
}

static BY_END: Index<Enrolments, Timestamp> =
    Index::many("identity.mfa_enrolment.by_end", |_, pending: &Pending| Some(pending.expires));

tables! {
    /// The second factor of each account that has one.
    pub(in crate::identity) SecondFactors = "identity.second_factor": AccountId => SecondFactor;
    /// Seeds that wait for their first code.
    pub(in crate::identity) Enrolments = "identity.mfa_enrolment": AccountId => Pending, [BY_END];
}

fn factor_row(account: AccountId) -> String {
    format!("identity.second_factor/{account}")
}

fn enrolment_row(account: AccountId) -> String {
    format!("identity.mfa_enrolment/{account}")
}

/// What a page shows for an app to take up. Each of the three is the secret itself.
#[derive(Debug)]
pub struct Enrolment {
    /// The seed in base32, to be typed.
    pub secret: Secret,
    /// The `otpauth` link.
    pub uri: Secret,
    /// The link as a QR code: an `svg` element.
    pub qr_svg: Secret,
}

/// An account's second factor as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MfaView {
    /// Whether a sign-in asks for a code.
    pub enabled: bool,
    /// Since when.
    pub enabled_at: Option<Timestamp>,
    /// How many recovery codes have not been used.
    pub recovery_codes_left: usize,
}

/// What a code was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum Factor {
    /// One of the authenticator app.
    App,
    /// A recovery code, which is used up.
    Recovery,
}

impl Factor {
    /// How the audit trail names it.
    pub(in crate::identity) fn as_str(self) -> &'static str {
        match self {
            Self::App => "totp",
            Self::Recovery => "recovery_code",
        }
    }
}

/// Whether the account's sign-ins ask for a code.
///
/// # Errors
/// When the store fails.
pub fn is_enabled(tx: &impl Read, account: AccountId) -> Result<bool, Error> {
    Ok(tx.get::<SecondFactors>(&account)?.is_some())
}

/// The account's second factor, without its secrets.
///
/// # Errors
/// When the store fails.
pub fn view(tx: &impl Read, account: AccountId) -> Result<MfaView, Error> {
    let factor = tx.get::<SecondFactors>(&account)?;
    Ok(MfaView {
        enabled: factor.is_some(),
        enabled_at: factor.as_ref().map(|factor| factor.enabled),
        recovery_codes_left: factor.map_or(0, |factor| factor.recovery_codes.len()),
    })
}

/// Begins an enrolment, in place of any that was begun before.
pub(in crate::identity) fn begin(
    tx: &mut WriteTx<'_>,
    sealer: &Sealer,
    now: Timestamp,
    account: &Account,
) -> Result<Enrolment, Error> {
    if is_enabled(tx, account.id)? {
        return Err(Error::MfaEnabledAlready);
    }
    let seed = Seed::random(&account.email)?;
    let secret = seed.base32();
    let sealed = sealer.seal(&enrolment_row(account.id), &secret).map_err(|_| Error::SeedDamaged)?;
    let pending =
        Pending { seed: sealed, expires: now.plus(ENROLMENT_LIFE), tries_left: ENROLMENT_TRIES_MAX };
    tx.put::<Enrolments>(&account.id, &pending)?;
    let uri = seed.uri()?;
    Ok(Enrolment { secret, qr_svg: Secret::new(qr::svg(&uri)?), uri })
}

/// Turns the second factor on with the app's first code; its recovery codes, or nothing when the code is wrong.
pub(in crate::identity) fn confirm(
    tx: &mut WriteTx<'_>,
    sealer: &Sealer,
    call: &Call,
    account: &Account,
    code: &Secret,
) -> Result<Option<Vec<Secret>>, Error> {
    let pending = tx.get::<Enrolments>(&account.id)?.filter(|pending| call.now < pending.expires);
    let pending = pending.ok_or(Error::MfaEnrolmentEnded)?;
    let secret = sealer.open(&enrolment_row(account.id), &pending.seed).map_err(|_| Error::SeedDamaged)?;
    let seed = Seed::parse(&secret, &account.email)?;
    let Some(last_step) = seed.step_of(&digits_of(code), call.now, None) else {
        if pending.tries_left <= 1 {
            tx.remove::<Enrolments>(&account.id)?;
        } else {
            tx.update::<Enrolments>(&account.id, |pending| pending.tries_left -= 1)?;
        }
        return Ok(None);
    };
    let codes = recovery::random();
    let factor = SecondFactor {
        seed: sealer.seal(&factor_row(account.id), &secret).map_err(|_| Error::SeedDamaged)?,
        enabled: call.now,
        last_step,
        recovery_codes: recovery::hashes(sealer, account.id, &codes),
    };
    tx.remove::<Enrolments>(&account.id)?;
    tx.insert::<SecondFactors>(&account.id, &factor)?;
    audit::record(tx, call, Note::new(Action::MfaEnabled).about(account.id))?;
    notice::tell(tx, call, account.id, News::Mfa(MfaChange::Enabled))?;
    Ok(Some(codes))
}

/// Accepts a code of the app or a recovery code, and never the same again; nothing when it is wrong.
pub(in crate::identity) fn accept(
    tx: &mut WriteTx<'_>,
    sealer: &Sealer,
    call: &Call,
    account: &Account,
    code: &Secret,
) -> Result<Option<Factor>, Error> {
    let factor = tx.get::<SecondFactors>(&account.id)?.ok_or(Error::MfaNotEnabled)?;
    let digits = digits_of(code);
    if digits.len() == CODE_DIGITS {
        let secret = sealer.open(&factor_row(account.id), &factor.seed).map_err(|_| Error::SeedDamaged)?;
        let seed = Seed::parse(&secret, &account.email)?;
        let Some(step) = seed.step_of(&digits, call.now, Some(factor.last_step)) else { return Ok(None) };
        tx.update::<SecondFactors>(&account.id, |factor| factor.last_step = step)?;
        return Ok(Some(Factor::App));
    }
    let place = recovery::place_of(sealer, account.id, &factor.recovery_codes, code.expose());
    let Some(place) = place else { return Ok(None) };
    let left = factor.recovery_codes.len().saturating_sub(1);
    tx.update::<SecondFactors>(&account.id, |factor| {
        factor.recovery_codes.remove(place);
    })?;
    audit::record(tx, call, Note::new(Action::RecoveryCodeUsed).about(account.id).with("left", left))?;
    Ok(Some(Factor::Recovery))
}

/// The digits of a code as people type it, `123 456`; empty when it is no such code.
fn digits_of(code: &Secret) -> String {
    let letters = code.expose().chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    let text: String = letters.take(CODE_DIGITS + 1).collect();
    let is_code = text.len() == CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_code { text } else { String::new() }
}

/// New recovery codes in place of all before.
pub(in crate::identity) fn renew_codes(
    tx: &mut WriteTx<'_>,
    sealer: &Sealer,
    call: &Call,
    account: AccountId,
) -> Result<Vec<Secret>, Error> {
    let codes = recovery::random();
    let hashes = recovery::hashes(sealer, account, &codes);
    tx.update::<SecondFactors>(&account, |factor| factor.recovery_codes = hashes)?;
    audit::record(tx, call, Note::new(Action::RecoveryCodesRenewed).about(account))?;
    notice::tell(tx, call, account, News::Mfa(MfaChange::RecoveryCodes))?;
    Ok(codes)
}

/// Turns the second factor off; whether there was one.
pub(in crate::identity) fn remove(
    tx: &mut WriteTx<'_>,
    call: &Call,
    account: AccountId,
) -> Result<bool, Error> {
    tx.remove::<Enrolments>(&account)?;
    if !tx.remove::<SecondFactors>(&account)? {
        return Ok(false);
    }
    // What is open in a workspace that demands a second factor is looked at again.
    Revocations::tell(tx, Revoked::Account(account));
    audit::record(tx, call, Note::new(Action::MfaDisabled).about(account))?;
    notice::tell(tx, call, account, News::Mfa(MfaChange::Disabled))?;
    Ok(true)
}

/// Seals the seeds of up to `rows_max` accounts behind `after` anew with the appliance's key in use; the last of them, if there may be
/// more.
///
/// # Errors
/// [`Error::SeedDamaged`], and then nothing is changed.
pub fn reseal(
    tx: &mut WriteTx<'_>,
    sealer: &Sealer,
    after: Option<AccountId>,
    rows_max: usize,
) -> Result<Option<AccountId>, Error> {
    let all = Scan::all(rows_max);
    let scan = match &after {
        Some(after) => all.after(after),
        None => all,
    };
    let rows = tx.scan::<SecondFactors>(&scan)?;
    for (account, factor) in &rows {
        let seed = sealer.reseal(&factor_row(*account), &factor.seed).map_err(|_| Error::SeedDamaged)?;
        tx.update::<SecondFactors>(account, |factor| factor.seed = seed)?;
    }
    Ok(rows.last().filter(|_| rows.len() == rows_max).map(|(account, _)| *account))
}

/// Removes up to `rows_max` enrolments that have ended; how many.
pub(in crate::identity) fn forget_ended(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    rows_max: usize,
) -> Result<usize, Error> {
    let ended = BY_END.scan(tx, &Scan::between(&Timestamp::default(), &now, rows_max))?;
    for (account, _) in &ended {
        tx.remove::<Enrolments>(account)?;
    }
    Ok(ended.len())
}
