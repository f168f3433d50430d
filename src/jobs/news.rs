//! What has happened, told without knowing who listens.
//!
//! A room publishes an [`Event`] in the transaction that made it true. `app` has said who hears it: a durable job,
//! queued in that same transaction, or an announcement, made once the transaction is on disk. Calls go down the house;
//! news goes up.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use super::job::Job;
use super::queue::enqueue;
use crate::base::Timestamp;
use crate::store::{self, KeyspaceId, WriteTx};

/// Something that has happened; its name is past tense with a dot.
pub trait Event: Clone + Send + Sync + 'static {
    /// `noun.verbed`.
    const NAME: &'static str;
}

type Listener = Box<dyn Fn(&mut WriteTx<'_>, Timestamp, &dyn Any) -> Result<(), store::Error> + Send + Sync>;

/// Who hears what. Built by `app` and put at hand of every transaction.
#[derive(Default)]
pub struct News {
    listeners: HashMap<TypeId, Vec<Listener>>,
}

impl News {
    /// Nobody hears anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn listen<E: Event>(
        mut self,
        listener: impl Fn(&mut WriteTx<'_>, Timestamp, &E) -> Result<(), store::Error> + Send + Sync + 'static,
    ) -> Self {
        let erased: Listener = Box::new(move |tx, now, event| {
            // The map is keyed by the type, so the event is always of it.
            event.downcast_ref::<E>().map_or(Ok(()), |event| listener(tx, now, event))
        });
        self.listeners.entry(TypeId::of::<E>()).or_default().push(erased);
        self
    }

    /// Each `E` queues the job that `job` makes of it, if it makes one.
    #[must_use]
    pub fn queue<E: Event, J: Job>(self, job: impl Fn(&E) -> Option<J> + Send + Sync + 'static) -> Self {
        self.listen::<E>(move |tx, now, event| match job(event) {
            Some(job) => enqueue(tx, now, &job).map(drop),
            None => Ok(()),
        })
    }

    /// Each `E` is told to `hear` once it is on disk.
    #[must_use]
    pub fn announce<E: Event>(self, hear: impl Fn(KeyspaceId, &E) + Send + Sync + 'static) -> Self {
        let hear = Arc::new(hear);
        self.listen::<E>(move |tx, _, event| {
            let (hear, keyspace, event) = (hear.clone(), tx.keyspace(), event.clone());
            tx.after_commit(move || hear(keyspace, &event));
            Ok(())
        })
    }
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "News({} kinds)", self.listeners.len())
    }
}

/// Publishes `event` in the transaction that makes it true.
///
/// # Errors
/// When a listener's job cannot be queued.
pub fn publish<E: Event>(tx: &mut WriteTx<'_>, now: Timestamp, event: &E) -> Result<(), store::Error> {
    tracing::trace!(event = E::NAME, "published");
    let Some(news) = tx.extension::<News>() else { return Ok(()) };
    let listeners = news.listeners.get(&TypeId::of::<E>()).map(Vec::as_slice).unwrap_or_default();
    listeners.iter().try_for_each(|listener| listener(tx, now, event))
}
