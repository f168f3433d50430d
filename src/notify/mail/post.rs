//! Posting: a letter is put into the queue of the transaction that it is about, unless there are too many.
//!
//! That no letter is sent never undoes what it was about, so nothing here is an error but a fault of the store. What is counted is counted in
//! the same transaction, by the hour of the clock; the hours before are forgotten by whoever posts next. Notices of one kind never use up
//! what another may send: who asks for ten links for a new password does not hide that the password was changed.

use serde::{Deserialize, Serialize};

use super::letter::{Letter, WORDS_BYTES_MAX};
use super::send::SendLetter;
use super::service::{Mail, MailSettings};
use crate::base::{JobId, LetterId, Secret, Timestamp};
use crate::jobs;
use crate::store::{self, Read as _, Scan, WriteTx, tables};

const HOUR_MS: u64 = 3_600_000;
/// Rows of hours that are over, forgotten with each letter.
const FORGOTTEN_ROWS_MAX: usize = 64;
/// Of an address (RFC 5321, section 4.5.3.1.3).
const ADDRESS_BYTES_MAX: usize = 254;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Count {
    letters: u32,
}

tables! {
    /// Letters posted, by hour since 1970 and by what they count for.
    Hours = "notify.hour": (u64, String) => Count;
}

/// What became of a letter that was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It is sent as soon as the transaction is on disk.
    Queued(JobId),
    /// The very same letter waits already.
    Waiting,
    /// There is no mail server.
    NotSetUp,
    /// Its recipient or its workspace has had too many this hour.
    Limited,
    /// It is not addressed to anybody, or too long.
    Unsendable,
}

impl Posted {
    /// Whether somebody will get it, as far as that is known now.
    #[must_use]
    pub fn is_queued(self) -> bool {
        matches!(self, Self::Queued(_) | Self::Waiting)
    }
}

/// Queues `letter` in this transaction.
///
/// # Errors
/// When the store fails.
pub fn post(tx: &mut WriteTx<'_>, now: Timestamp, letter: &Letter) -> Result<Posted, store::Error> {
    let Some(mail) = tx.extension::<Mail>() else { return Ok(Posted::NotSetUp) };
    let (Some(settings), Some(sealer)) = (mail.settings(), mail.sealer()) else {
        return Ok(Posted::NotSetUp);
    };
    let words = serde_json::to_string(&letter.words).unwrap_or_default();
    let is_address = letter.to.contains('@') && letter.to.len() <= ADDRESS_BYTES_MAX;
    if !is_address || words.is_empty() || words.len() > WORDS_BYTES_MAX {
        return Ok(Posted::Unsendable);
    }
    if !may_count(tx, now, letter, settings)? {
        tracing::warn!(
            template = letter.words.template().name(),
            "a letter is one too many this hour and is not sent"
        );
        return Ok(Posted::Limited);
    }
    let id = LetterId::new(now);
    let alike = blake3::hash(format!("{}\n{words}", letter.to).as_bytes()).to_hex().to_string();
    let sealed = sealer.seal(&SendLetter::row(id, &letter.to), &Secret::new(words));
    let Ok(sealed) = sealed else { return Ok(Posted::Unsendable) };
    let job = SendLetter {
        id,
        to: letter.to.clone(),
        template: letter.words.template(),
        locale: letter.locale,
        tenant: letter.tenant,
        words: sealed,
        alike,
        posted: now,
        good_until: now.plus(letter.words.good_for()),
    };
    Ok(jobs::enqueue(tx, now, &job)?.map_or(Posted::Waiting, Posted::Queued))
}

/// Counts the letter, unless it is one too many.
fn may_count(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    letter: &Letter,
    settings: &MailSettings,
) -> Result<bool, store::Error> {
    let hour = now.as_millis() / HOUR_MS;
    if let Some(before) = hour.checked_sub(1) {
        for key in tx.keys::<Hours>(&Scan::between(&0u64, &before, FORGOTTEN_ROWS_MAX))? {
            tx.remove::<Hours>(&key)?;
        }
    }
    let recipient = format!("{} to {}", letter.words.template().name(), letter.to.to_lowercase());
    let mut counted = vec![((hour, recipient), settings.per_hour_per_recipient)];
    if let Some(tenant) = letter.tenant {
        counted.push(((hour, format!("of {tenant}")), settings.per_hour_per_workspace));
    }
    for (key, letters_max) in &counted {
        if tx.get::<Hours>(key)?.is_some_and(|count| count.letters >= *letters_max) {
            return Ok(false);
        }
    }
    for (key, _) in &counted {
        let letters = tx.get::<Hours>(key)?.map_or(0, |count| count.letters).saturating_add(1);
        tx.put::<Hours>(key, &Count { letters })?;
    }
    Ok(true)
}
