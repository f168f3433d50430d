//! What the running appliance knows of itself.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use super::{Finding, bundle, databases, examine, rotate};
use crate::base::{Call, Clock, Sealer, Timestamp};
use crate::config::{Setting, Settings};
use crate::identity::audit::{self, Action, Note};
use crate::identity::{self, Pass, Policy, pass::ManageAppliance};
use crate::jobs::{self, Counts, Running};
use crate::realtime::Hub;
use crate::store::{self, Store};
use crate::telemetry::{DiskFacts, Health, HealthState, LogHandle, Memory, Metrics, ProcessFacts, Sample};

/// Jobs of one kind in one database that are counted.
pub(super) const JOBS_COUNTED_MAX: usize = 10_000;
/// Files of the data directory that are added up.
const FILES_MAX: usize = 1_000_000;
/// A wrong proxy is spoken of for so long after it was last seen.
const PROXY_MEMORY: Duration = Duration::from_secs(3_600);

/// What it is made of.
pub struct Parts {
    /// As they were at the start.
    pub settings: Settings,
    /// The data.
    pub store: Arc<Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who listens.
    pub hub: Hub,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How each part is.
    pub health: Arc<Health>,
    /// The memory ceiling.
    pub memory: Arc<Memory>,
    /// Whether only those who run the appliance are served.
    pub recovery: bool,
}

type MoreChecks = Box<dyn Fn(Timestamp) -> Finding + Send + Sync>;

/// What the running appliance knows of itself.
pub struct Operations {
    pub(super) parts: Parts,
    pub(super) started_at: Timestamp,
    runner: OnceLock<Weak<Running>>,
    log: OnceLock<(LogHandle, Vec<Setting>)>,
    more: Mutex<Vec<MoreChecks>>,
    stranger_seen_ms: AtomicU64,
    plain_proxy: AtomicBool,
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operations(..)")
    }
}

/// How the appliance is, for its operator.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ApplianceView {
    /// The release.
    pub version: &'static str,
    /// When the process began.
    pub started_at: Timestamp,
    /// Whether only those who run the appliance are served.
    pub recovery: bool,
    /// What the data directory takes.
    pub data_dir_bytes: u64,
    /// What may still be written there.
    pub disk_free_bytes: u64,
    /// What counts against the memory ceiling.
    pub memory_bytes: u64,
    /// The memory ceiling.
    pub memory_bytes_max: u64,
    /// What was examined, and the fix of each fault.
    pub checks: Vec<Finding>,
}

impl Operations {
    /// Of an appliance that begins now.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let started_at = parts.clock.now();
        Self {
            parts,
            started_at,
            runner: OnceLock::new(),
            log: OnceLock::new(),
            more: Mutex::default(),
            stranger_seen_ms: AtomicU64::new(0),
            plain_proxy: AtomicBool::new(false),
        }
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    /// What is counted, for who counts on.
    #[must_use]
    pub fn shared_metrics(&self) -> Arc<Metrics> {
        self.parts.metrics.clone()
    }

    /// Whether only those who run the appliance are served.
    #[must_use]
    pub fn is_recovering(&self) -> bool {
        self.parts.recovery
    }

    /// The settings as they were at the start.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// Jobs are done by `running`.
    pub fn has_runner(&self, running: &Arc<Running>) {
        let _ = self.runner.set(Arc::downgrade(running));
    }

    /// The log of this process, and the settings with where they came from; for a bundle.
    pub fn has_log(&self, log: LogHandle, settings: Vec<Setting>) {
        let _ = self.log.set((log, settings));
    }

    /// The log of this process, if it was told of one.
    #[must_use]
    pub fn log(&self) -> Option<&LogHandle> {
        self.log.get().map(|(log, _)| log)
    }

    pub(super) fn values(&self) -> &[Setting] {
        self.log.get().map_or(&[], |(_, values)| values)
    }

    /// Examines something more each time: what another room knows of itself, such as the age of the newest backup. It must be
    /// quick.
    pub fn examine_also(&self, check: impl Fn(Timestamp) -> Finding + Send + Sync + 'static) {
        self.more.lock().push(Box::new(check));
    }

    /// Somebody near by, who may be a proxy and is not trusted as one, has sent a proxy's headers.
    pub fn saw_untrusted_proxy(&self) {
        self.stranger_seen_ms.store(self.parts.clock.now().as_millis(), Ordering::Relaxed);
    }

    /// A trusted proxy says that its client came over plain HTTP.
    pub fn saw_plain_http_before_proxy(&self) {
        self.plain_proxy.store(true, Ordering::Relaxed);
    }

    /// What is wrong with the proxies, if anything is.
    pub(super) fn proxy_fault(&self, now: Timestamp) -> Option<(&'static str, &'static str)> {
        let seen = Timestamp::from_millis(self.stranger_seen_ms.load(Ordering::Relaxed));
        if seen > Timestamp::default() && now.since(seen) < PROXY_MEMORY {
            return Some((
                "Requests come through a proxy that is not trusted, so all its clients count as one address.",
                "Add the proxy's address to server.trusted_proxies.",
            ));
        }
        self.plain_proxy.load(Ordering::Relaxed).then_some((
            "The proxy in front takes requests over plain HTTP; nobody can sign in that way.",
            "Let the proxy speak HTTPS to its clients, and lead plain HTTP there.",
        ))
    }

    /// Whether background jobs are looked for; nothing where none are to be.
    pub(super) fn runner_is_alive(&self) -> Option<bool> {
        let runner = self.runner.get()?;
        Some(runner.upgrade().is_some_and(|running| running.is_alive()))
    }

    /// What was examined, and the fix of each fault. Blocks for a moment.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        let mut findings = examine::always(&parts.settings, &parts.memory, now);
        let data_dir = parts.store.directory().path();
        let orphans = parts.store.system().read(|tx| Ok::<_, store::Error>(databases::orphans(data_dir, tx)));
        findings.extend(orphans);
        if let Some((detail, fix)) = self.proxy_fault(now) {
            findings.push(Finding::warning("proxy", detail, fix));
        }
        if parts.recovery {
            let fix = "When the appliance is mended, start it without --recovery.";
            findings.push(Finding::warning("recovery", "The appliance is in recovery mode.", fix));
        }
        findings.extend(self.more.lock().iter().map(|check| check(now)));
        // What the examination has named is not said twice.
        let told: Vec<String> = findings.iter().map(|finding| finding.name.clone()).collect();
        let facts = parts.health.readiness().checks.into_iter().filter(|check| !told.contains(&check.name));
        findings.extend(facts.map(|check| {
            let detail = check.detail.unwrap_or_else(|| "It is in order.".to_owned());
            let fix = "The log says more.";
            match check.state {
                HealthState::Ok => Finding::ok(&check.name, detail),
                HealthState::Degraded => Finding::warning(&check.name, detail, fix),
                HealthState::Failed => Finding::failed(&check.name, detail, fix),
            }
        }));
        findings
    }

    /// How the appliance is. Blocks while the data directory is added up.
    #[must_use]
    pub fn view(&self, _: Pass<ManageAppliance>) -> ApplianceView {
        let (parts, data_dir) = (&self.parts, self.parts.store.directory().path());
        ApplianceView {
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.started_at,
            recovery: parts.recovery,
            data_dir_bytes: bytes_of(data_dir),
            disk_free_bytes: DiskFacts::of(data_dir).map_or(0, |disk| disk.free_bytes),
            memory_bytes: parts.memory.counted_bytes(),
            memory_bytes_max: parts.memory.bytes_max(),
            checks: self.findings(),
        }
    }

    /// The jobs of the databases that are open.
    pub(super) fn job_counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.parts.store.visit_open(|keyspace| {
            let counted = keyspace.read(|tx| jobs::counts(tx, JOBS_COUNTED_MAX));
            sum = sum.plus(counted.unwrap_or_default());
        });
        sum
    }

    /// Everything that is counted, as text. Blocks for a moment.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let parts = &self.parts;
        let counts = self.job_counts();
        let [answer, knowledge, upkeep] = counts.waiting;
        parts.metrics.text(&Sample {
            process: ProcessFacts::look(),
            memory_bytes_max: parts.memory.bytes_max(),
            disk_free_bytes: DiskFacts::of(parts.store.directory().path()).map_or(0, |disk| disk.free_bytes),
            live_connections: parts.hub.connections(),
            keyspaces_open: parts.store.open_tenants(),
            jobs: vec![
                ("waiting_answer", answer),
                ("waiting_knowledge", knowledge),
                ("waiting_upkeep", upkeep),
                ("running", counts.running),
                ("dead", counts.dead),
            ],
            health: Some(parts.health.readiness()),
        })
    }

    /// Gives the appliance a new key.
    ///
    /// # Errors
    /// Those of [`rotate::rotate_key`].
    pub async fn rotate_key(
        &self,
        policy: &Policy,
        sealer: &Sealer,
        call: &Call,
        pass: Pass<ManageAppliance>,
    ) -> Result<rotate::Rotated, super::Error> {
        rotate::rotate_key(self.parts.store.directory(), policy, sealer, call, pass).await
    }

    /// A bundle for who helps, as a ZIP file; that it was made is written down first.
    ///
    /// # Errors
    /// When the store fails, or the archive cannot be made.
    pub async fn bundle(
        self: Arc<Self>,
        call: Call,
        _: Pass<ManageAppliance>,
    ) -> Result<Vec<u8>, identity::Error> {
        let system = self.parts.store.system().clone();
        system.write(move |tx| audit::record(tx, &call, Note::new(Action::SupportBundleMade))).await?;
        let made = tokio::task::spawn_blocking(move || bundle::make(&self)).await;
        Ok(made.unwrap_or(Err(store::Error::Lost))?)
    }
}

/// What the files below `folder` take.
fn bytes_of(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().take(FILES_MAX).filter_map(Result::ok);
    files
        .filter_map(|file| file.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}
