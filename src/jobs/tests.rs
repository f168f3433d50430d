//! Jobs exist exactly when their cause does, run again after a failure or a crash, and are never lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::*;
use crate::base::{Clock, PageRequest, SystemClock, TenantId, Timestamp};
use crate::store::crash::CrashDisks;
use crate::store::{self, Extensions, KeyspaceId, Read as _, Store, StoreOptions, WriteTx};
use crate::telemetry::{Memory, Metrics, Sample};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Greet {
    name: String,
}

impl Job for Greet {
    const NAME: &'static str = "test.greet";
    const LANE: Lane = Lane::Answer;
    const ATTEMPTS_MAX: u32 = 2;
    fn dedup_key(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

type Verdict = fn(u32) -> Result<(), Failure>;

/// Tells the test of each run, and ends as the verdict for that run says.
struct Greeter {
    told: mpsc::UnboundedSender<String>,
    runs: AtomicU32,
    verdict: Verdict,
}

impl Worker<Greet> for Greeter {
    async fn run(&self, work: Work<Greet>) -> Result<(), Failure> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        self.told.send(work.job.name).unwrap();
        (self.verdict)(run)
    }

    fn give_up(
        &self,
        tx: &mut WriteTx<'_>,
        _: Timestamp,
        job: &Greet,
        reason: &str,
    ) -> Result<(), store::Error> {
        let (told, line) = (self.told.clone(), format!("gave up on {}: {reason}", job.name));
        tx.after_commit(move || told.send(line).unwrap());
        Ok(())
    }
}

struct Desk {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    wakeups: Arc<Wakeups>,
    tenant: TenantId,
}

impl Desk {
    fn open(disks: Option<CrashDisks>, tenant: TenantId) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wakeups = Arc::new(Wakeups::default());
        let extensions = Extensions::default().with(wakeups.clone());
        let options = StoreOptions { extensions, crash_disks: disks, ..StoreOptions::default() };
        let store = Arc::new(Store::open(folder.path(), options, Arc::new(SystemClock)).unwrap());
        wakeups.remember_in(store.system().clone());
        Self { _folder: folder, store, wakeups, tenant }
    }

    fn new() -> Self {
        Self::open(None, TenantId::new(SystemClock.now()))
    }

    fn start(&self, verdict: Verdict) -> (Running, mpsc::UnboundedReceiver<String>) {
        let (told, hear) = mpsc::unbounded_channel();
        let runner = Runner::new(self.store.clone(), Arc::new(SystemClock), self.wakeups.clone());
        let greeter = Greeter { told, runs: AtomicU32::new(0), verdict };
        (runner.with::<Greet>(greeter).start().unwrap(), hear)
    }

    async fn greet(&self, name: &str) -> Option<crate::base::JobId> {
        let job = Greet { name: name.into() };
        let keyspace = self.store.tenant(self.tenant).unwrap();
        keyspace.write(move |tx| enqueue(tx, SystemClock.now(), &job)).await.unwrap()
    }

    fn left(&self) -> usize {
        self.store.tenant(self.tenant).unwrap().read(|tx| waiting(tx, 100)).unwrap()
    }

    async fn drained(&self) {
        while self.left() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_job_runs_once_and_a_second_one_with_its_key_is_not_queued_while_it_waits() {
    let desk = Desk::new();
    assert!(desk.greet("Ada").await.is_some());
    assert!(desk.greet("Ada").await.is_none());
    let (running, mut hear) = desk.start(|_| Ok(()));
    assert_eq!(hear.recv().await.unwrap(), "Ada");
    desk.drained().await;
    assert!(desk.greet("Ada").await.is_some(), "the key is free once the job has run");
    assert_eq!(hear.recv().await.unwrap(), "Ada");
    desk.drained().await;
    running.stop(std::time::Duration::from_secs(5)).await;
    assert!(hear.try_recv().is_err());
}

#[tokio::test]
async fn a_job_of_a_change_that_failed_never_exists() {
    let desk = Desk::new();
    let keyspace = desk.store.tenant(desk.tenant).unwrap();
    let failed: Result<(), store::Error> = keyspace
        .write(|tx| {
            enqueue(tx, SystemClock.now(), &Greet { name: "Ada".into() })?;
            Err(store::Error::Lost)
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(desk.left(), 0);
}

#[tokio::test]
async fn a_failing_job_is_retried_then_kept_as_a_dead_letter_that_can_be_retried() {
    let desk = Desk::new();
    let id = desk.greet("Bob").await.unwrap();
    let (running, mut hear) = desk.start(|run| match run {
        0 => Err(Failure::Permanent("no such person".into())),
        1 => panic!("on purpose"),
        _ => Ok(()),
    });
    assert_eq!(hear.recv().await.unwrap(), "Bob");
    assert_eq!(hear.recv().await.unwrap(), "gave up on Bob: no such person");
    let keyspace = desk.store.tenant(desk.tenant).unwrap();
    let dead = keyspace.read(|tx| list(tx, JobState::Dead, &PageRequest::default())).unwrap();
    assert_eq!(dead.items[0].last_error.as_deref(), Some("no such person"));
    keyspace.write(move |tx| retry(tx, SystemClock.now(), id)).await.unwrap();
    assert_eq!(hear.recv().await.unwrap(), "Bob");
    while keyspace.read(|tx| tx.require::<job::Jobs>(&id)).unwrap().last_error.as_deref()
        == Some("no such person")
    {
        tokio::task::yield_now().await;
    }
    let row = keyspace.read(|tx| tx.require::<job::Jobs>(&id)).unwrap();
    assert!(row.last_error.unwrap().contains("panicked"));
    assert_eq!((row.state, row.attempts), (JobState::Waiting, 1));
    assert!(row.due > row.created, "after a pause");
    running.stop(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_claimed_job_of_a_process_that_died_runs_again_at_the_next_start() {
    let disks = CrashDisks::default();
    let desk = Desk::open(Some(disks.clone()), TenantId::new(SystemClock.now()));
    desk.greet("Eve").await;
    let keyspace = desk.store.tenant(desk.tenant).unwrap();
    let claimed = keyspace.write(|tx| queue::claim(tx, Lane::Answer, SystemClock.now(), 7)).await.unwrap();
    assert!(claimed.is_some());
    let again = Desk::open(Some(disks.after_crash(0)), desk.tenant);
    let (running, mut hear) = again.start(|_| Ok(()));
    assert_eq!(hear.recv().await.unwrap(), "Eve");
    again.drained().await;
    // A tenant whose claiming loop has not ended yet is passed over without a pause: let it end.
    while !again.wakeups.marked_tenants().is_empty() {
        tokio::task::yield_now().await;
        running.settle().await.unwrap();
    }
    running.stop(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn whatever_sync_the_power_fails_after_the_job_is_there_with_its_cause_or_neither_is() {
    for stop_after in 0..8 {
        let disks = CrashDisks::default();
        let tenant = TenantId::new(SystemClock.now());
        let desk = Desk::open(Some(disks.clone()), tenant);
        let keyspace = desk.store.tenant(tenant).unwrap();
        disks.disk(KeyspaceId::Tenant(tenant)).stop_after_syncs(stop_after);
        let acknowledged = keyspace
            .write(|tx| {
                tx.next_number("cause")?;
                enqueue(tx, SystemClock.now(), &Greet { name: "Mia".into() })
            })
            .await
            .is_ok();
        let again = Desk::open(Some(disks.after_crash(0x5555)), tenant);
        let keyspace = again.store.tenant(tenant).unwrap();
        let cause = keyspace.read(|tx| store::Numbers::last_number(tx, "cause")).unwrap();
        assert_eq!(cause as usize, again.left());
        assert!(!acknowledged || cause == 1);
        if cause == 1 {
            let (running, mut hear) = again.start(|_| Ok(()));
            assert_eq!(hear.recv().await.unwrap(), "Mia", "the next start finds the tenant by itself");
            running.stop(std::time::Duration::from_secs(5)).await;
        }
    }
}

#[tokio::test]
async fn the_jobs_of_a_tenant_rest_while_others_run_and_go_on_when_they_are_told_to() {
    let desk = Desk::new();
    desk.wakeups.rest(desk.tenant);
    desk.greet("Ada").await;
    let (running, mut hear) = desk.start(|_| Ok(()));
    let other = desk.store.tenant_async(TenantId::new(SystemClock.now())).await.unwrap();
    let job = Greet { name: "Bob".into() };
    other.write(move |tx| enqueue(tx, SystemClock.now(), &job)).await.unwrap();
    assert_eq!(hear.recv().await.unwrap(), "Bob");
    assert_eq!(desk.left(), 1, "it waits and has not failed");
    desk.wakeups.resume(desk.tenant);
    assert_eq!(hear.recv().await.unwrap(), "Ada");
    desk.drained().await;
    running.stop(std::time::Duration::from_secs(5)).await;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReadFile {}

impl Job for ReadFile {
    const NAME: &'static str = "test.read_file";
    const LANE: Lane = Lane::Knowledge;
}

struct Reader;

impl Worker<ReadFile> for Reader {
    async fn run(&self, _: Work<ReadFile>) -> Result<(), Failure> {
        panic!("there is no memory for this")
    }
}

/// Row Q8.
#[tokio::test]
async fn work_on_documents_waits_while_memory_is_short_and_answers_do_not() {
    let desk = Desk::new();
    let keyspace = desk.store.tenant(desk.tenant).unwrap();
    keyspace.write(|tx| enqueue(tx, SystemClock.now(), &ReadFile {})).await.unwrap();
    desk.greet("Ada").await;
    let (metrics, memory) = (Arc::new(Metrics::new()), Arc::new(Memory::new(1)));
    let (told, mut hear) = mpsc::unbounded_channel();
    let greeter = Greeter { told, runs: AtomicU32::new(0), verdict: |_| Ok(()) };
    let runner = Runner::new(desk.store.clone(), Arc::new(SystemClock), desk.wakeups.clone())
        .watched_by(metrics.clone(), memory)
        .with::<Greet>(greeter)
        .with::<ReadFile>(Reader);
    let running = runner.start().unwrap();
    assert_eq!(hear.recv().await.unwrap(), "Ada");
    while desk.left() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(running.is_alive());
    let counted = keyspace.read(|tx| counts(tx, 10)).unwrap();
    assert_eq!((counted.waiting, counted.running, counted.dead), ([0, 1, 0], 0, 0));
    running.stop(std::time::Duration::from_secs(5)).await;
    assert_eq!(desk.left(), 1, "it is there for later");
    let text = metrics.text(&Sample::default());
    assert!(text.contains("frontdesk_jobs_ended_total{kind=\"test.greet\",outcome=\"done\"} 1"), "{text}");
}
