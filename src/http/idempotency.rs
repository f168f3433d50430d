//! Answers of creating calls, kept for a day under the caller's `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! The answer is kept in the transaction that made what it tells of, so that either both exist or neither; a repetition
//! gets the same answer, another request under the same key is refused. An answer may hold a secret that is shown once,
//! so it lies sealed, bound to its row. Messages have a key of their own in `conversations` and need none of this.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::extract::Once;
use crate::base::{Actor, Fault, Kind, Sealed, Sealer, Secret, Timestamp};
use crate::jobs::{self, Failure, Job, Lane, Work, Worker};
use crate::store::{self, Index, Read, Scan, WriteTx, tables};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
const FORGOTTEN_ROWS_MAX: usize = 1_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct AnswerRow {
    request_hash: [u8; 32],
    answer: Sealed,
    created: Timestamp,
}

static BY_AGE: Index<Answers, Timestamp> =
    Index::many("http.idempotency.by_age", |_, row: &AnswerRow| Some(row.created));

tables! {
    /// Answers by actor and key.
    Answers = "http.idempotency": (String, String) => AnswerRow, [BY_AGE];
}

/// The tables of this room, whose rows are sealed and open nowhere else.
pub const SEALED_TABLES: [&str; 2] = ["http.idempotency", "http.idempotency.by_age"];

/// Why a creating call was not carried out, or its answer not found.
#[derive(Debug, thiserror::Error)]
pub enum OnceError<E: Fault> {
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    Reused,
    /// The kept answer cannot be read.
    #[error("the kept answer does not open")]
    Damaged,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The call itself failed; nothing is kept, so that it can be repeated.
    #[error(transparent)]
    Operation(E),
}

impl<E: Fault> Fault for OnceError<E> {
    fn kind(&self) -> Kind {
        match self {
            Self::Reused => Kind::Conflict,
            Self::Damaged => Kind::Internal,
            Self::Store(error) => error.kind(),
            Self::Operation(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Reused => "idempotency_key_reused",
            Self::Damaged => "internal",
            Self::Store(error) => error.code(),
            Self::Operation(error) => error.code(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Reused => {
                "This Idempotency-Key was used for another request. Use a new key for a new request.".into()
            }
            Self::Damaged => super::problem::INTERNAL.into(),
            Self::Store(error) => error.public(),
            Self::Operation(error) => error.public(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Reused | Self::Damaged => false,
            Self::Store(error) => error.retryable(),
            Self::Operation(error) => error.retryable(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Reused | Self::Damaged => None,
            Self::Store(error) => error.retry_after(),
            Self::Operation(error) => error.retry_after(),
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Operation(error) => error.field(),
            Self::Reused | Self::Damaged | Self::Store(_) => None,
        }
    }
}

/// Makes `change` and returns its answer as JSON, or finds the answer that it gave under the same key. Without a key it is
/// simply made.
///
/// # Errors
/// [`OnceError`].
pub fn once<T: Serialize, E: Fault>(
    tx: &mut WriteTx<'_>,
    sealer: &Sealer,
    (actor, now): (Actor, Timestamp),
    once: Option<&Once>,
    change: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
) -> Result<serde_json::Value, OnceError<E>> {
    let write_out = |answer: &T| serde_json::to_value(answer).map_err(|_| OnceError::Damaged);
    let Some(once) = once else { return write_out(&change(tx).map_err(OnceError::Operation)?) };
    let key = (actor.to_string(), once.key.clone());
    let bound_to = format!("http.idempotency/{}/{}", key.0, key.1);
    let kept = tx.get::<Answers>(&key)?.filter(|row| now.since(row.created) < KEPT);
    if let Some(row) = kept {
        if row.request_hash != once.request_hash {
            return Err(OnceError::Reused);
        }
        let answer = sealer.open(&bound_to, &row.answer).map_err(|_| OnceError::Damaged)?;
        return serde_json::from_str(answer.expose()).map_err(|_| OnceError::Damaged);
    }
    let answer = write_out(&change(tx).map_err(OnceError::Operation)?)?;
    let sealed = sealer.seal(&bound_to, &Secret::new(answer.to_string())).map_err(|_| OnceError::Damaged)?;
    tx.put::<Answers>(&key, &AnswerRow { request_hash: once.request_hash, answer: sealed, created: now })?;
    jobs::enqueue_at(tx, now, now.plus(KEPT), &ForgetAnswers {})?;
    Ok(answer)
}

/// Forgets the answers to calls of an actor who is gone, in the transaction that takes the actor away; how many.
///
/// # Errors
/// When the store fails.
pub fn forget_actor(tx: &mut WriteTx<'_>, actor: Actor) -> Result<u64, store::Error> {
    let mut forgotten = 0;
    for key in tx.keys::<Answers>(&Scan::prefix(&actor.to_string(), FORGOTTEN_ROWS_MAX))? {
        forgotten += u64::from(tx.remove::<Answers>(&key)?);
    }
    Ok(forgotten)
}

/// Forgets answers that are a day old; queued while a keyspace has any.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetAnswers {}

impl Job for ForgetAnswers {
    const NAME: &'static str = "http.forget_answers";
    const LANE: Lane = Lane::Upkeep;

    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Does [`ForgetAnswers`].
#[derive(Debug, Clone, Copy)]
pub struct AnswerSweeper;

impl Worker<ForgetAnswers> for AnswerSweeper {
    async fn run(&self, work: Work<ForgetAnswers>) -> Result<(), Failure> {
        let (ticket, now) = (work.ticket, work.now);
        let forgotten =
            work.keyspace.write(move |tx| if ticket.complete(tx, now)? { forget(tx, now) } else { Ok(0) });
        let forgotten = forgotten.await.map_err(|error| Failure::Retry(error.to_string()))?;
        tracing::debug!(forgotten, "kept answers were forgotten");
        Ok(())
    }
}

fn forget(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<usize, store::Error> {
    let oldest = BY_AGE.scan(tx, &Scan::all(FORGOTTEN_ROWS_MAX))?;
    let mut forgotten = 0;
    for (key, row) in oldest {
        if now.since(row.created) < KEPT {
            break;
        }
        tx.remove::<Answers>(&key)?;
        forgotten += 1;
    }
    if let Some((_, next)) = BY_AGE.scan(tx, &Scan::all(1))?.first() {
        jobs::enqueue_at(tx, now, next.created.plus(KEPT).max(now), &ForgetAnswers {})?;
    }
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::ManualClock;
    use crate::store::{Keyspace, Store, StoreOptions};

    fn keyspace() -> (tempfile::TempDir, Keyspace) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1)));
        let store = Store::open(folder.path(), StoreOptions::default(), clock).unwrap();
        (folder, store.system().clone())
    }

    fn create(
        keyspace: &Keyspace,
        actor: Actor,
        now: u64,
        hash: u8,
        number: u64,
    ) -> Result<serde_json::Value, OnceError<store::Error>> {
        let wish = Once { key: "k".into(), request_hash: [hash; 32] };
        let sealer = Sealer::new(&[7; 32]);
        keyspace.write_blocking(move |tx| {
            once(tx, &sealer, (actor, Timestamp::from_millis(now)), Some(&wish), |tx| {
                tx.next_number("made")?;
                Ok(number)
            })
        })
    }

    #[test]
    fn a_repetition_gets_the_same_answer_and_changes_nothing() {
        use crate::store::Numbers as _;
        let (_folder, keyspace) = keyspace();
        let day = u64::try_from(KEPT.as_millis()).unwrap();
        assert_eq!(create(&keyspace, Actor::Console, 1, 1, 10).unwrap(), 10);
        assert_eq!(create(&keyspace, Actor::Console, 2, 1, 11).unwrap(), 10);
        assert!(matches!(create(&keyspace, Actor::Console, 2, 2, 12), Err(OnceError::Reused)));
        assert_eq!(create(&keyspace, Actor::Appliance, 2, 2, 13).unwrap(), 13);
        assert_eq!(keyspace.read(|tx| tx.last_number("made")).unwrap(), 2);
        assert_eq!(create(&keyspace, Actor::Console, day + 1, 2, 14).unwrap(), 14);
    }

    #[test]
    fn answers_are_forgotten_after_a_day_and_the_next_sweep_is_queued_only_while_there_are_any() {
        let (_folder, keyspace) = keyspace();
        let day = u64::try_from(KEPT.as_millis()).unwrap();
        create(&keyspace, Actor::Console, 1, 1, 1).unwrap();
        create(&keyspace, Actor::Appliance, 1_000, 1, 1).unwrap();
        let sweep = |now: u64| keyspace.write_blocking(move |tx| forget(tx, Timestamp::from_millis(now)));
        assert_eq!(sweep(day).unwrap(), 0);
        assert_eq!(sweep(day + 1).unwrap(), 1);
        assert_eq!(sweep(day + 1_000).unwrap(), 1);
        assert_eq!(keyspace.read(|tx| jobs::waiting(tx, 10)).unwrap(), 1);
    }
}
