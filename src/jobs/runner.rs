//! Claims due jobs, runs them within their lane's concurrency, and decides what becomes of those that fail.
//!
//! One claiming loop at a time for each keyspace and lane; the lane's permits are handed out first come, first
//! served, so a tenant with a thousand documents does not hold up one with a single one for long.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attention::Wakeups;
use super::error::Failure;
use super::job::{Job, JobRow, Lane};
use super::queue;
use crate::base::{Clock, JobId, Timestamp};
use crate::store::{self, Keyspace, KeyspaceId, Store, WriteTx};
use crate::telemetry::{Memory, Metrics};

/// Memory that is short is looked at again after so long.
const MEMORY_PAUSE: Duration = Duration::from_secs(1);

/// The claim on one job, to be finished with its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    id: JobId,
    boot: u64,
    every: Option<Duration>,
}

impl Ticket {
    /// Finishes the job in the transaction of its effect. False when the claim is gone: then the effect is there
    /// already and must not be made again.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn complete(&self, tx: &mut WriteTx<'_>, now: Timestamp) -> Result<bool, store::Error> {
        let claimed = self.holds(tx)?;
        if claimed {
            queue::complete(tx, self.id, now, self.every)?;
        }
        Ok(claimed)
    }

    /// Notes in the transaction of a part of the effect that the job has got on. False as for [`Ticket::complete`].
    ///
    /// # Errors
    /// When the engine fails.
    pub fn got_on(&self, tx: &mut WriteTx<'_>) -> Result<bool, store::Error> {
        let claimed = self.holds(tx)?;
        if claimed {
            queue::got_on(tx, self.id)?;
        }
        Ok(claimed)
    }

    fn holds(&self, tx: &WriteTx<'_>) -> Result<bool, store::Error> {
        queue::is_claimed(tx, self.id, self.boot)
    }
}

/// What a worker is given.
pub struct Work<J> {
    /// The job.
    pub job: J,
    /// Whose it is.
    pub keyspace: Keyspace,
    /// Its claim.
    pub ticket: Ticket,
    /// When this attempt began.
    pub now: Timestamp,
    /// Failed attempts before this one.
    pub attempts_before: u32,
    /// The process is about to end: what can stop at a good place should.
    pub stopping: CancellationToken,
}

/// Does the jobs of one kind.
pub trait Worker<J: Job>: Send + Sync + 'static {
    /// Does one. `Ok` finishes the job, if [`Ticket::complete`] has not already.
    fn run(&self, work: Work<J>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// It failed for good: says so where people look, in the transaction that makes it a dead letter.
    ///
    /// # Errors
    /// When the engine fails.
    fn give_up(
        &self,
        _tx: &mut WriteTx<'_>,
        _now: Timestamp,
        _job: &J,
        _reason: &str,
    ) -> Result<(), store::Error> {
        Ok(())
    }
}

struct Claimed {
    id: JobId,
    row: JobRow,
    keyspace: Keyspace,
    boot: u64,
    now: Timestamp,
    stopping: CancellationToken,
}

type RunFuture = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// A worker of any kind of job.
struct Kind {
    attempts_max: u32,
    every: Option<Duration>,
    run: Box<dyn Fn(Claimed) -> RunFuture + Send + Sync>,
    give_up: GiveUp,
}

type GiveUp = Arc<
    dyn Fn(&mut WriteTx<'_>, Timestamp, &serde_json::Value, &str) -> Result<(), store::Error> + Send + Sync,
>;

fn erase<J: Job, W: Worker<J>>(worker: W) -> Kind {
    let worker = Arc::new(worker);
    let mourner = worker.clone();
    Kind {
        attempts_max: J::ATTEMPTS_MAX,
        every: J::EVERY,
        run: Box::new(move |claimed| {
            let worker = worker.clone();
            Box::pin(async move {
                let job: J = serde_json::from_value(claimed.row.payload)
                    .map_err(|error| Failure::Permanent(format!("the job does not decode: {error}")))?;
                let ticket = Ticket { id: claimed.id, boot: claimed.boot, every: J::EVERY };
                let attempts_before = claimed.row.attempts.saturating_sub(1);
                let Claimed { keyspace, now, stopping, .. } = claimed;
                worker.run(Work { job, keyspace, ticket, now, attempts_before, stopping }).await
            })
        }),
        give_up: Arc::new(move |tx, now, payload, reason| match serde_json::from_value(payload.clone()) {
            Ok(job) => mourner.give_up(tx, now, &job, reason),
            Err(_) => Ok(()),
        }),
    }
}

#[derive(Default)]
struct Active {
    /// Places whose claiming loop runs; true when it must look once more before it ends.
    loops: HashMap<(KeyspaceId, Lane), bool>,
}

struct Shared {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    wakeups: Arc<Wakeups>,
    kinds: HashMap<&'static str, Kind>,
    lanes: HashMap<Lane, Arc<Semaphore>>,
    active: Mutex<Active>,
    boot: u64,
    stopping: CancellationToken,
    tasks: TaskTracker,
    watch: Option<Watch>,
}

/// Who is told how runs end, and asked whether there is memory for heavy ones.
struct Watch {
    metrics: Arc<Metrics>,
    memory: Arc<Memory>,
}

/// Runs the jobs of all keyspaces.
pub struct Runner {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    wakeups: Arc<Wakeups>,
    kinds: HashMap<&'static str, Kind>,
    watch: Option<Watch>,
}

/// A runner at work.
pub struct Running {
    shared: Arc<Shared>,
    main: tokio::task::JoinHandle<()>,
}

impl Runner {
    /// One with no workers yet. `wakeups` must be among the store's extensions.
    #[must_use]
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, wakeups: Arc<Wakeups>) -> Self {
        Self { store, clock, wakeups, kinds: HashMap::new(), watch: None }
    }

    /// Counts how runs end, and begins no work on documents while memory is short.
    #[must_use]
    pub fn watched_by(mut self, metrics: Arc<Metrics>, memory: Arc<Memory>) -> Self {
        self.watch = Some(Watch { metrics, memory });
        self
    }

    /// `worker` does the jobs of kind `J`.
    #[must_use]
    pub fn with<J: Job>(mut self, worker: impl Worker<J>) -> Self {
        self.kinds.insert(J::NAME, erase(worker));
        self
    }

    /// Begins with what earlier processes left.
    ///
    /// # Errors
    /// When the store fails.
    pub fn start(self) -> Result<Running, store::Error> {
        self.wakeups.remember_in(self.store.system().clone());
        self.wakeups.recall()?;
        let shared = Arc::new(Shared {
            store: self.store,
            clock: self.clock,
            wakeups: self.wakeups,
            kinds: self.kinds,
            lanes: Lane::ALL.map(|lane| (lane, Arc::new(Semaphore::new(lane.running_max())))).into(),
            active: Mutex::default(),
            boot: rand::random::<u64>().max(1),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            watch: self.watch,
        });
        let main = tokio::spawn(shared.clone().watch());
        Ok(Running { shared, main })
    }
}

impl Running {
    /// Claims nothing more, lets what runs come to an end for up to `grace`, then cuts it off; it is claimed anew at the
    /// next start.
    pub async fn stop(self, grace: Duration) {
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        let _ = self.main.await;
        if tokio::time::timeout(grace, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(
                running = self.shared.tasks.len(),
                "jobs were cut off; they run again after the next start"
            );
        }
        self.shared.wakeups.forget();
    }

    /// Whether jobs are still looked for; false once that has ended, be it by a fault.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.main.is_finished()
    }

    /// Forgets tenants whose queue has run dry, so that closing their keyspaces costs the next start nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle(&self) -> Result<(), store::Error> {
        for tenant in self.shared.wakeups.marked_tenants() {
            let busy = self
                .shared
                .active
                .lock()
                .loops
                .keys()
                .any(|(keyspace, _)| *keyspace == KeyspaceId::Tenant(tenant));
            if busy {
                continue;
            }
            let keyspace = match self.shared.store.tenant_async(tenant).await {
                Err(store::Error::Erased) => {
                    self.shared.wakeups.drop_tenant(tenant);
                    continue;
                }
                opened => opened?,
            };
            let wakeups = self.shared.wakeups.clone();
            // Within a change of the tenant's keyspace no other change can queue a job meanwhile.
            keyspace
                .write(move |tx| match queue::outlook(tx)? {
                    (true, _) => Ok(()),
                    (false, next_due) => wakeups.settle(tenant, next_due),
                })
                .await?;
        }
        Ok(())
    }
}

impl Shared {
    async fn watch(self: Arc<Self>) {
        loop {
            let now = self.clock.now();
            for (keyspace, lane) in self.wakeups.take_due(now) {
                self.begin_loop(keyspace, lane);
            }
            let pause = self.wakeups.next_due().map(|due| due.since(now).max(Duration::from_millis(1)));
            let until_due = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = self.wakeups.news.notified() => {}
                () = until_due => {}
            }
        }
    }

    fn begin_loop(self: &Arc<Self>, keyspace: KeyspaceId, lane: Lane) {
        // Woken again when it goes on.
        if self.wakeups.rests(keyspace) {
            return;
        }
        let mut active = self.active.lock();
        if let Some(again) = active.loops.get_mut(&(keyspace, lane)) {
            *again = true;
            return;
        }
        active.loops.insert((keyspace, lane), false);
        drop(active);
        let shared = self.clone();
        self.tasks.spawn(async move {
            while let Err(error) = shared.claim_all(keyspace, lane).await {
                if matches!(error, store::Error::Erased) {
                    break;
                }
                tracing::error!(%keyspace, ?lane, ?error, "claiming jobs failed; trying again");
                tokio::select! {
                    () = shared.stopping.cancelled() => break,
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
            let again = {
                let mut active = shared.active.lock();
                active.loops.remove(&(keyspace, lane)).unwrap_or(false)
            };
            if again && !shared.stopping.is_cancelled() {
                shared.begin_loop(keyspace, lane);
            }
        });
    }

    async fn open(&self, id: KeyspaceId) -> Result<Keyspace, store::Error> {
        let keyspace = match id {
            KeyspaceId::System => self.store.system().clone(),
            KeyspaceId::Tenant(tenant) => self.store.tenant_async(tenant).await?,
        };
        if !self.wakeups.has_recovered(id) {
            let (boot, now) = (self.boot, self.clock.now());
            let recovered = keyspace.write(move |tx| queue::recover(tx, now, boot)).await?;
            if recovered > 0 {
                tracing::info!(keyspace = %id, recovered, "jobs that an earlier process left are run again");
            }
            self.wakeups.note_recovered(id);
        }
        Ok(keyspace)
    }

    /// Claims and starts every due job of the lane, then notes when the next one is due.
    async fn claim_all(self: &Arc<Self>, id: KeyspaceId, lane: Lane) -> Result<(), store::Error> {
        let keyspace = self.open(id).await?;
        let Some(permits) = self.lanes.get(&lane) else { return Ok(()) };
        loop {
            let permit = tokio::select! {
                () = self.stopping.cancelled() => return Ok(()),
                permit = permits.clone().acquire_owned() => permit.map_err(|_| store::Error::Lost)?,
            };
            if self.wakeups.rests(id) || !self.has_memory_for(lane).await {
                return Ok(());
            }
            let (now, boot) = (self.clock.now(), self.boot);
            let claimed = keyspace.write(move |tx| queue::claim(tx, lane, now, boot)).await?;
            let Some((job, row)) = claimed else { break };
            let stopping = self.stopping.clone();
            let claimed = Claimed { id: job, row, keyspace: keyspace.clone(), boot, now, stopping };
            let shared = self.clone();
            self.tasks.spawn(async move {
                shared.carry_out(claimed).await;
                drop(permit);
            });
        }
        let next = keyspace.read(|tx| queue::next_due(tx, lane))?;
        if let Some(due) = next {
            self.wakeups.wake(id, lane, due);
        }
        Ok(())
    }

    /// Waits until there is memory for work of this lane; false when the process is about to end instead.
    async fn has_memory_for(&self, lane: Lane) -> bool {
        let Some(watch) = self.watch.as_ref().filter(|_| lane == Lane::Knowledge) else { return true };
        while watch.memory.is_short() {
            tokio::select! {
                () = self.stopping.cancelled() => return false,
                () = tokio::time::sleep(MEMORY_PAUSE) => {}
            }
        }
        true
    }

    fn count(&self, kind: &'static str, outcome: &'static str) {
        if let Some(watch) = &self.watch {
            watch.metrics.job_ended(kind, outcome);
        }
    }

    async fn carry_out(&self, claimed: Claimed) {
        let (id, name, attempts) = (claimed.id, claimed.row.name.clone(), claimed.row.attempts);
        let (keyspace, payload) = (claimed.keyspace.clone(), claimed.row.payload.clone());
        let Some((known, kind)) = self.kinds.get_key_value(name.as_str()) else {
            self.count("unknown", "dead");
            self.bury(
                &keyspace,
                id,
                payload,
                None,
                "no worker of this release knows this kind of job".into(),
            )
            .await;
            return;
        };
        // In a task of its own, so that a panic is this job's failure and nothing else's.
        let mut running = tokio::spawn((kind.run)(claimed));
        let outcome = tokio::select! {
            outcome = &mut running => outcome,
            // Nothing can be read or written for it any more.
            () = keyspace.erased() => {
                running.abort();
                running.await
            }
        };
        if keyspace.is_erased() {
            return;
        }
        let outcome = outcome.unwrap_or_else(|error| Err(Failure::Retry(format!("it panicked: {error}"))));
        let now = self.clock.now();
        let ticket = Ticket { id, boot: self.boot, every: kind.every };
        match outcome {
            Ok(()) => {
                self.count(known, "done");
                self.settle_outcome(
                    keyspace.write(move |tx| ticket.complete(tx, now)).await.map(drop),
                    &name,
                );
            }
            Err(Failure::Later(pause)) => {
                self.count(known, "put_off");
                let due = now.plus(pause);
                self.put_back(&keyspace, ticket, &name, due, None).await;
            }
            Err(Failure::Retry(reason)) if attempts < kind.attempts_max => {
                self.count(known, "failed");
                tracing::warn!(job = %id, name, attempts, reason, "the job failed and is tried again");
                let due = now.plus(queue::pause(attempts));
                self.put_back(&keyspace, ticket, &name, due, Some(reason)).await;
            }
            Err(Failure::Retry(reason) | Failure::Permanent(reason)) => {
                self.count(known, "dead");
                tracing::error!(job = %id, name, attempts, reason, "the job failed for good");
                self.bury(&keyspace, id, payload, Some(kind.give_up.clone()), reason).await;
            }
        }
    }

    async fn put_back(
        &self,
        keyspace: &Keyspace,
        ticket: Ticket,
        name: &str,
        due: Timestamp,
        reason: Option<String>,
    ) {
        let written = keyspace
            .write(move |tx| {
                if ticket.holds(tx)? {
                    queue::put_back(tx, ticket.id, due, reason.as_deref())
                } else {
                    Ok(())
                }
            })
            .await;
        self.settle_outcome(written, name);
    }

    async fn bury(
        &self,
        keyspace: &Keyspace,
        id: JobId,
        payload: serde_json::Value,
        give_up: Option<GiveUp>,
        reason: String,
    ) {
        let (boot, now) = (self.boot, self.clock.now());
        let written = keyspace
            .write(move |tx| {
                if queue::is_claimed(tx, id, boot)? {
                    queue::bury(tx, id, &reason)?;
                    if let Some(give_up) = &give_up {
                        give_up(tx, now, &payload, &reason)?;
                    }
                }
                Ok::<_, store::Error>(())
            })
            .await;
        self.settle_outcome(written, "dead letter");
    }

    /// An outcome that cannot be written leaves the job claimed; the next start runs it again.
    fn settle_outcome(&self, written: Result<(), store::Error>, name: &str) {
        if let Err(error) = written {
            tracing::error!(name, ?error, boot = self.boot, "the outcome of a job could not be saved");
        }
    }
}
