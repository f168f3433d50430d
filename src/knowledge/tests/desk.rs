//! An appliance's worth of knowledge in a scratch folder.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::base::{Call, Clock, PageRequest, SystemClock, TenantId};
use crate::files::{self, CollectBlob, Collector, SweepBlobs};
use crate::identity::Pass;
use crate::jobs::{self, JobState, Runner, Running, Wakeups};
use crate::knowledge::embedding::Models;
use crate::knowledge::extract::{Extractor, Limits};
use crate::knowledge::*;
use crate::search::embedder::MiniLm;
use crate::store::crash::CrashDisks;
use crate::store::{self, Extensions, Keyspace, Read as _, Scan, Store, StoreOptions};

const SWEEPS: [&str; 2] = ["files.sweep", "budget.release_left"];

pub(super) fn call() -> Call {
    Call::appliance(SystemClock.now())
}

pub(super) fn model() -> Arc<MiniLm> {
    static MODEL: OnceLock<Arc<MiniLm>> = OnceLock::new();
    MODEL.get_or_init(|| Arc::new(MiniLm::bundled().unwrap())).clone()
}

/// The child is this test executable, asked to run only the test that is the worker.
fn extractor() -> Extractor {
    let arguments = [
        "--exact",
        "knowledge::extract::isolation_tests::extract_worker_child",
        "--nocapture",
        "--test-threads=1",
    ];
    Extractor::new(std::env::current_exe().unwrap(), Limits::default(), 2).with_command(
        arguments.map(OsString::from).to_vec(),
        vec![("FRONTDESK_TEST_EXTRACT_CHILD".into(), "1".into())],
    )
}

/// A child that another test is just starting holds a copy of every lock between its fork and its exec, so that a folder
/// can be in use for a moment after its store was dropped.
fn open_store(folder: &Path, options: &StoreOptions) -> Store {
    for _ in 0..10_000 {
        match Store::open(folder, options.clone(), Arc::new(SystemClock)) {
            Err(store::Error::InUse { .. }) => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
    panic!("{} stays in use", folder.display())
}

pub(super) struct Desk {
    pub(super) keyspace: Keyspace,
    pub(super) knowledge: Knowledge,
    store: Arc<Store>,
    wakeups: Arc<Wakeups>,
    clock: Arc<dyn Clock>,
}

impl Desk {
    pub(super) fn open(folder: &Path, disks: Option<CrashDisks>) -> Self {
        Self::open_with(folder, disks, model().into(), Arc::new(SystemClock))
    }

    pub(super) fn open_with(
        folder: &Path,
        disks: Option<CrashDisks>,
        models: Models,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let wakeups = Arc::new(Wakeups::default());
        let extensions = Extensions::default().with(wakeups.clone());
        let options = StoreOptions { extensions, crash_disks: disks, ..StoreOptions::default() };
        let store = Arc::new(open_store(folder, &options));
        wakeups.remember_in(store.system().clone());
        let settings = Settings { batch_passages: 2, tend_after: Duration::ZERO, ..Settings::default() };
        let knowledge = Knowledge::new(models, extractor(), clock.clone(), settings);
        let keyspace = store.tenant(tenant()).unwrap();
        Self { keyspace, knowledge, store, wakeups, clock }
    }

    pub(super) fn start(&self) -> Running {
        let knowledge = &self.knowledge;
        Runner::new(self.store.clone(), self.clock.clone(), self.wakeups.clone())
            .with::<IngestDocument>(knowledge.clone())
            .with::<ChangeModel>(knowledge.clone())
            .with::<ClearGroup>(knowledge.clone())
            .with::<TendIndex>(knowledge.clone())
            .with::<CollectBlob>(Collector)
            .with::<SweepBlobs>(Collector)
            .start()
            .unwrap()
    }

    /// Jobs that wait or run, but for the sweeps, which are due much later.
    pub(super) fn jobs_left(&self) -> usize {
        let request = PageRequest { after: None, limit: Some(100) };
        // In one snapshot: a job may end and leave another behind it.
        let listed = self.keyspace.read(|tx| {
            let waiting = jobs::list(tx, JobState::Waiting, &request)?.items;
            Ok::<_, jobs::Error>((waiting, jobs::list(tx, JobState::Running, &request)?.items))
        });
        let (waiting, running) = listed.unwrap();
        waiting.into_iter().filter(|job| !SWEEPS.contains(&job.name.as_str())).count() + running.len()
    }

    /// Runs every job there is.
    pub(super) async fn work(&self) {
        let running = self.start();
        while self.jobs_left() > 0 {
            tokio::task::yield_now().await;
        }
        running.stop(Duration::from_secs(60)).await;
    }

    pub(super) async fn try_receive(&self, name: &str, bytes: &[u8]) -> Result<Received, Error> {
        let content = files::put(&self.keyspace, call().now, bytes.to_vec().into()).await?;
        let new = NewDocument { name: name.to_owned(), media_type: None, content };
        self.keyspace.write(move |tx| receive(tx, &call(), Pass::appliance("a test"), &new)).await
    }

    pub(super) async fn receive(&self, name: &str, bytes: &[u8]) -> Received {
        self.try_receive(name, bytes).await.unwrap()
    }

    pub(super) fn document(&self, name: &str) -> Option<Document> {
        self.keyspace.read(|tx| get_by_name(tx, Pass::appliance("a test"), name)).ok()
    }

    pub(super) async fn ask(&self, query: &str) -> Retrieval {
        let pass = Pass::appliance("a test");
        self.knowledge.retrieve(&self.keyspace, pass, query, Options::default()).await.unwrap()
    }

    /// The names of the documents whose passages are found, best first.
    pub(super) async fn found(&self, query: &str) -> Vec<String> {
        self.ask(query).await.passages.into_iter().map(|passage| passage.name).collect()
    }

    /// Rows of a table.
    pub(super) fn rows(&self, table: &'static str) -> usize {
        let mut rows = 0;
        self.keyspace
            .read(|tx| {
                tx.walk(table, &Scan::all(10_000), &mut |_, _| {
                    rows += 1;
                    Ok(())
                })
            })
            .unwrap_or_else(|error: store::Error| panic!("{error}"));
        rows
    }

    pub(super) fn blobs(&self) -> usize {
        walkdir::WalkDir::new(self.keyspace.folder().join("files"))
            .into_iter()
            .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_type().is_file()))
            .count()
    }
}

pub(super) fn tenant() -> TenantId {
    TenantId::from_bytes([7; 16])
}
