//! What the running appliance knows of itself, and who looks after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::{Clock, Fault as _};
use crate::config::Settings;
use crate::http::Certificates;
use crate::identity::Passwords;
use crate::jobs::Running;
use crate::ops::{self, Backups, Operations, Parts};
use crate::realtime::Hub;
use crate::store::Store;
use crate::telemetry::{Health, Memory, Metrics};

/// How often idle keyspaces are looked for.
const UPKEEP_EVERY: Duration = Duration::from_secs(30);

/// How the appliance is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For everybody.
    Usual,
    /// Only for those who run it, and no background work is done.
    Recovery,
}

/// What everybody tells something.
#[derive(Clone)]
pub(super) struct Facts {
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) memory: Arc<Memory>,
}

impl Facts {
    /// What the appliance knows of itself, with these facts.
    pub(super) fn operations(
        &self,
        mode: Mode,
        settings: &Settings,
        (store, clock, hub): (&Arc<Store>, &Arc<dyn Clock>, &Hub),
    ) -> Arc<Operations> {
        Arc::new(Operations::new(Parts {
            settings: settings.clone(),
            store: store.clone(),
            clock: clock.clone(),
            hub: hub.clone(),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            memory: self.memory.clone(),
            recovery: mode == Mode::Recovery,
        }))
    }

    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            metrics: Arc::new(Metrics::new()),
            health: Arc::new(Health::default()),
            memory: Arc::new(Memory::new(settings.server.memory_bytes_max)),
        }
    }
}

/// What somebody has to look after.
type LookedAfter<'a> =
    (&'a Arc<Operations>, &'a Arc<Certificates>, &'a Arc<Store>, &'a Passwords, &'a Backups);

/// Begins to look after the running appliance, until `stopping`.
pub(super) fn look_after(
    (operations, certificates, store, passwords, backups): LookedAfter<'_>,
    running: Option<&Arc<Running>>,
    clock: &Arc<dyn Clock>,
    stopping: &CancellationToken,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(ops::watch::watch(operations.clone(), stopping.clone()));
    tasks.spawn(certificates.clone().watch(clock.clone(), stopping.clone()));
    let idle = Idle { operations: operations.clone(), store: store.clone(), passwords: passwords.clone() };
    tasks.spawn(upkeep(idle, backups.clone(), running.cloned(), stopping.clone()));
    let examined = backups.clone();
    operations.examine_also(move |now| examined.finding(now));
    if let Some(running) = running {
        operations.has_runner(running);
    }
    tasks
}

/// What upkeep closes and empties.
struct Idle {
    operations: Arc<Operations>,
    store: Arc<Store>,
    passwords: Passwords,
}

/// Closes what nobody uses, gives back memory that lies idle, and counts how old the newest backup is. A tenant whose queue has
/// run dry is forgotten first, so that the next start need not look.
async fn upkeep(
    Idle { operations, store, passwords }: Idle,
    backups: Backups,
    running: Option<Arc<Running>>,
    stopping: CancellationToken,
) {
    loop {
        if let Some(at) = backups.last_verified() {
            operations.metrics().backed_up(at.as_millis());
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(UPKEEP_EVERY) => {}
        }
        passwords.release_idle_memory();
        if let Some(running) = &running
            && let Err(error) = running.settle().await
        {
            tracing::warn!(code = error.code(), ?error, "which tenants have work could not be settled");
        }
        let store = store.clone();
        match tokio::task::spawn_blocking(move || store.close_idle()).await {
            Ok(closed) if closed > 0 => tracing::debug!(closed, "idle keyspaces were closed"),
            _ => {}
        }
    }
}
