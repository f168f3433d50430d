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
use crate::ops::{self, Operations, Parts};
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
type LookedAfter<'a> = (&'a Arc<Operations>, &'a Arc<Certificates>, &'a Arc<Store>, &'a Passwords);

/// Begins to look after the running appliance, until `stopping`.
pub(super) fn look_after(
    (operations, certificates, store, passwords): LookedAfter<'_>,
    running: Option<&Arc<Running>>,
    clock: &Arc<dyn Clock>,
    stopping: &CancellationToken,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(ops::watch::watch(operations.clone(), stopping.clone()));
    tasks.spawn(certificates.clone().watch(clock.clone(), stopping.clone()));
    tasks.spawn(upkeep(store.clone(), passwords.clone(), running.cloned(), stopping.clone()));
    if let Some(running) = running {
        operations.has_runner(running);
    }
    tasks
}

/// Closes what nobody uses, and gives back memory that lies idle. A tenant whose queue has run dry is forgotten first, so that the next start need not look.
async fn upkeep(
    store: Arc<Store>,
    passwords: Passwords,
    running: Option<Arc<Running>>,
    stopping: CancellationToken,
) {
    loop {
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
