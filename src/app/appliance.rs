//! The appliance as a whole: opened, running, stopped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::language_models::{keyring, local_model, models};
use super::search_models::open_knowledge;
use super::settings::{
    assistant_settings, backup_settings, default_budget, egress_retention, outbound, store_options,
};
use crate::assistant::{AnswerMessage, Assistant};
use crate::base::{Clock, Fault, Sealer, Secret, SystemClock, Timestamp};
use crate::budget::{BudgetAlerted, Budgets, ReleaseLeft};
use crate::config::Settings;
use crate::conversations::{ConversationChanged, ForgetImages, ImageSweeper, MessagePosted, Pictures};
use crate::files::Collector;
use crate::http::idempotency::AnswerSweeper;
use crate::http::{Limits, Services};
use crate::identity::{ForgetSessions, Passwords, Policy, SessionSweeper, SignIn, setup};
use crate::jobs::news::News;
use crate::jobs::{self, Runner, Running, Wakeups};
use crate::knowledge::{self, Knowledge};
use crate::ops::{Backups, MakeBackup, restore, upgrade};
use crate::outbound::{EgressKeeper, EgressSweeper, ForgetEgress, Keeping};
use crate::realtime::{self, Hub, Topic};
use crate::store::{DataDirectory, Extensions, KeyspaceId, Store};
use crate::telemetry::Health;
use crate::{contacts, http, store};

/// Where the setup link is kept while nobody has used it.
pub const SETUP_LINK_FILE: &str = "setup-link";
/// How often idle keyspaces are looked for.
const UPKEEP_EVERY: Duration = Duration::from_secs(30);
/// How long jobs may take to finish when the appliance stops.
const JOBS_GRACE: Duration = Duration::from_secs(10);
/// Pictures that are made clean at a time: each needs some 250 MB for a moment.
const CLEANING_MAX: usize = 1;
/// Pictures that wait for it.
const CLEANING_WAITING_MAX: usize = 32;

/// A running appliance without its listeners.
pub struct App {
    store: Arc<Store>,
    services: Arc<Services>,
    running: Option<Arc<Running>>,
    upkeep: tokio::task::JoinHandle<()>,
    egress: Keeping,
    /// What HTTPS is served with.
    pub tls: Arc<rustls::ServerConfig>,
    /// Told when everything should come to an end.
    pub stopping: CancellationToken,
}

/// Builds the parts that answer, before the store that tells them the news.
fn news(hub: &Hub) -> News {
    let (messages, conversations) = (hub.clone(), hub.clone());
    News::new()
        .queue::<MessagePosted, AnswerMessage>(AnswerMessage::after)
        .announce::<MessagePosted>(move |keyspace, event| {
            let KeyspaceId::Tenant(tenant) = keyspace else { return };
            let topic = Topic { tenant, conversation: event.message.conversation_id };
            match http::message_frame(&event.message) {
                Ok(frame) => messages.publish(topic, &frame),
                Err(error) => tracing::error!(?error, "a message could not be told"),
            }
        })
        .announce::<ConversationChanged>(move |keyspace, event| {
            let KeyspaceId::Tenant(tenant) = keyspace else { return };
            let topic = Topic { tenant, conversation: event.conversation.id };
            match http::conversation_frame(&event.conversation) {
                Ok(frame) => conversations.publish(topic, &frame),
                Err(error) => tracing::error!(?error, "a change of a conversation could not be told"),
            }
        })
        .announce::<BudgetAlerted>(|keyspace, event| {
            tracing::warn!(%keyspace, alert = ?event.alert, "a budget runs out");
        })
}

/// Every kind of job and who does it.
fn with_workers(
    runner: Runner,
    knowledge: &Knowledge,
    budgets: &Budgets,
    backups: &Backups,
    assistant: Assistant,
) -> Runner {
    runner
        .with::<MakeBackup>(backups.clone())
        .with::<AnswerMessage>(assistant)
        .with::<knowledge::IngestDocument>(knowledge.clone())
        .with::<knowledge::ChangeModel>(knowledge.clone())
        .with::<knowledge::ClearGroup>(knowledge.clone())
        .with::<knowledge::TendIndex>(knowledge.clone())
        .with::<ReleaseLeft>(budgets.clone())
        .with::<crate::files::CollectBlob>(Collector)
        .with::<crate::files::SweepBlobs>(Collector)
        .with::<ForgetImages>(ImageSweeper)
        .with::<http::idempotency::ForgetAnswers>(AnswerSweeper)
        .with::<ForgetSessions>(SessionSweeper)
}

/// Opens the store, once the data directory is fit for this release.
async fn open_store(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    hub: &Hub,
    wakeups: &Arc<Wakeups>,
) -> anyhow::Result<Arc<Store>> {
    let extensions = Extensions::default().with(wakeups.clone()).with(Arc::new(news(hub)));
    let directory = DataDirectory::open(&settings.store.data_dir)?;
    if let Some(upgraded) = upgrade::prepare(&directory, clock.now())? {
        tracing::info!(?upgraded, "the data directory was upgraded; frontdesk rollback is the way back");
    }
    let store = Store::open_in(directory, store_options(settings, extensions), clock.clone())?;
    restore::note(&store, clock.now()).await?;
    Ok(Arc::new(store))
}

/// Queues what is done again and again in the system keyspace.
async fn queue_sweeps(store: &Store, backups: &Backups, now: Timestamp) -> Result<(), store::Error> {
    let backups = backups.clone();
    let queued = store.system().write(move |tx| {
        backups.queue_next(tx, now)?;
        jobs::enqueue(tx, now, &ForgetSessions {})?;
        jobs::enqueue(tx, now, &ForgetEgress {})
    });
    queued.await.map(drop)
}

impl App {
    /// Opens the appliance in the settings' data directory. `program` is this executable, which documents are taken apart
    /// in a second process of.
    ///
    /// # Errors
    /// The store's, among them [`store::Error::InUse`]; the embedding model's; a provider's that cannot be reached as set; a
    /// reranker's whose model cannot be used.
    pub async fn open(settings: &Settings, program: &Path) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let hub = Hub::new(realtime::Limits::default());
        let wakeups = Arc::new(Wakeups::default());
        let store = open_store(settings, &clock, &hub, &wakeups).await?;
        let sealer = Sealer::new(&store.directory().appliance_key()?);
        settings.notices().iter().for_each(|(key, notice)| tracing::warn!("{key}: {notice}"));
        let (keeper, kept) = (Arc::new(EgressKeeper::default()), egress_retention(settings));
        let outbound = outbound(settings, &clock, Some(keeper.clone()))?;
        let budgets = Budgets::new(default_budget(settings));
        let keyring = keyring(settings, sealer.clone(), store.system().clone());
        let knowledge = open_knowledge(settings, program, &clock, &outbound, &budgets).await?;
        let here = local_model(settings, program, &clock)?;
        let models = models(settings, here, &outbound, keyring.clone(), budgets.clone())?;
        let looks_at_images = models.look_at_images();
        let assistant = Assistant::new(
            knowledge.clone(),
            hub.clone(),
            models,
            store.system().clone(),
            clock.clone(),
            assistant_settings(settings),
        );
        let runner =
            Runner::new(store.clone(), clock.clone(), wakeups).with::<ForgetEgress>(EgressSweeper(kept));
        let health = Arc::new(Health::default());
        let set = backup_settings(settings, store.directory().path())?;
        let backups = Backups::new(store.clone(), clock.clone(), health.clone(), set);
        let running = with_workers(runner, &knowledge, &budgets, &backups, assistant.clone()).start()?;
        queue_sweeps(&store, &backups, clock.now()).await?;
        let tls = http::prepare(store.directory(), &settings.server, clock.now())?;
        let stopping = CancellationToken::new();
        let passwords = Passwords::new();
        let services = Arc::new(Services {
            clock,
            policy: Policy::new(store.clone()),
            sign_in: SignIn::new(store.system().clone(), passwords.clone()),
            passwords,
            visitors: contacts::VisitorTokens::new(sealer.clone()),
            sealer,
            limits: Arc::new(Limits::new(&settings.limits, settings.knowledge.upload_bytes_max)),
            health,
            trusted_proxies: settings.server.trusted_proxies.clone(),
            authority_pem: tls.authority_pem.clone(),
            hub,
            knowledge,
            assistant,
            pictures: Pictures::new(CLEANING_MAX, CLEANING_WAITING_MAX),
            looks_at_images,
            budgets,
            keyring,
            backups,
            stopping: stopping.clone(),
        });
        services.health.ok("store");
        let running = Arc::new(running);
        let upkeep = tokio::spawn(upkeep(store.clone(), running.clone(), stopping.clone()));
        let egress = keeper.start(store.system().clone(), kept.entries_max);
        Ok(Self { store, services, running: Some(running), upkeep, egress, tls: tls.config, stopping })
    }

    /// Everything that can be asked, ready to be served.
    pub fn router(&self) -> Router {
        http::router(self.services.clone())
    }

    /// The services, for the probes of whoever serves.
    #[must_use]
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The token of a new setup link, which is also written into the data directory; nothing once there is an account.
    ///
    /// # Errors
    /// When the store or the disk fails.
    pub async fn issue_setup_link(&self, address: &str) -> Result<Option<String>, store::Error> {
        let now = self.services.clock.now();
        let token: Option<Secret> = self
            .store
            .system()
            .write(move |tx| setup::issue(tx, now))
            .await
            .map_err(|error| match error {
                crate::identity::Error::Store(error) => error,
                other => store::Error::Damaged { table: "identity.setup_link", reason: other.to_string() },
            })?;
        let Some(token) = token else {
            self.store.directory().remove(SETUP_LINK_FILE)?;
            return Ok(None);
        };
        let link = format!("{address}/setup#token={}", token.expose());
        self.store.directory().write_private(SETUP_LINK_FILE, format!("{link}\n").as_bytes())?;
        Ok(Some(link))
    }

    /// Drains: open connections are told, running jobs end or are cut off, and everything is closed.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        self.services.hub.close();
        let _ = (&mut self.upkeep).await;
        if let Some(running) = self.running.take().and_then(Arc::into_inner) {
            running.stop(JOBS_GRACE).await;
        }
        self.egress.close().await;
    }
}

/// Closes what nobody uses. A tenant whose queue has run dry is forgotten first, so that the next start need not look.
async fn upkeep(store: Arc<Store>, running: Arc<Running>, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(UPKEEP_EVERY) => {}
        }
        if let Err(error) = running.settle().await {
            tracing::warn!(code = error.code(), ?error, "which tenants have work could not be settled");
        }
        let store = store.clone();
        match tokio::task::spawn_blocking(move || store.close_idle()).await {
            Ok(closed) if closed > 0 => tracing::debug!(closed, "idle keyspaces were closed"),
            _ => {}
        }
    }
}
