//! The appliance as a whole: opened, running, stopped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::mind::Mind;
use super::operations::{Facts, Mode, look_after};
use super::settings::{backup_settings, egress_retention, outbound};
use crate::assistant::{AnswerMessage, Assistant};
use crate::base::{Clock, Sealer, Secret, SystemClock, Timestamp};
use crate::budget::{BudgetAlerted, Budgets, ReleaseLeft};
use crate::config::Settings;
use crate::conversations::{ConversationChanged, ForgetImages, ImageSweeper, MessagePosted, Pictures};
use crate::files::Collector;
use crate::http::idempotency::AnswerSweeper;
use crate::http::{Certificates, Limits, PublicAddress, Services};
use crate::identity::{ForgetSessions, Passwords, Policy, SessionSweeper, SignIn, setup};
use crate::jobs::news::News;
use crate::jobs::{self, Runner, Running, Wakeups};
use crate::knowledge::{self, Knowledge};
use crate::notify::mail::{Postman, SendLetter};
use crate::ops::{Backups, MakeBackup};
use crate::outbound::{EgressKeeper, EgressSweeper, ForgetEgress, Keeping};
use crate::realtime::{self, Hub, Topic};
use crate::store::{KeyspaceId, Store};
use crate::tenants::{Eraser, FinishErasure};
use crate::{contacts, http, store};

/// Where the setup link is kept while nobody has used it.
pub const SETUP_LINK_FILE: &str = "setup-link";
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
    /// Told of work that nobody does, in recovery mode.
    wakeups: Arc<Wakeups>,
    caretakers: JoinSet<()>,
    egress: Keeping,
    /// Told when everything should come to an end.
    pub stopping: CancellationToken,
}

/// Builds the parts that answer, before the store that tells them the news.
pub(super) fn news(hub: &Hub) -> News {
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

/// Seals with the appliance's key, and opens also with those before it.
fn sealer(store: &Store) -> Result<Sealer, store::Error> {
    let key = store.directory().appliance_key()?;
    Ok(Sealer::with_keys(&key.key, &key.before))
}

/// Where people reach the appliance, as far as the settings say.
fn address(settings: &Settings) -> PublicAddress {
    PublicAddress::new(settings.server.public_address(settings.server.https_listen.port()))
}

/// The jobs of the appliance itself and who does them.
fn with_keepers(
    runner: Runner,
    egress: EgressSweeper,
    eraser: &Eraser,
    backups: &Backups,
    postman: Postman,
) -> Runner {
    runner
        .with::<ForgetEgress>(egress)
        .with::<FinishErasure>(eraser.clone())
        .with::<MakeBackup>(backups.clone())
        .with::<SendLetter>(postman)
}

/// The jobs of the rooms and who does them.
fn with_workers(runner: Runner, knowledge: &Knowledge, budgets: &Budgets, assistant: Assistant) -> Runner {
    runner
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

/// Begins the background work, except in recovery mode: then what is queued is only remembered for the next start.
fn begin(
    mode: Mode,
    runner: Runner,
    wakeups: &Wakeups,
    store: &Store,
) -> Result<Option<Arc<Running>>, store::Error> {
    match mode {
        Mode::Usual => runner.start().map(|running| Some(Arc::new(running))),
        Mode::Recovery => {
            wakeups.remember_in(store.system().clone());
            Ok(None)
        }
    }
}

fn certificates(
    settings: &Settings,
    store: &Store,
    clock: &Arc<dyn Clock>,
    facts: &Facts,
) -> Result<Arc<Certificates>, http::Error> {
    let (data_dir, health, metrics) = (store.directory().path(), facts.health.clone(), facts.metrics.clone());
    Certificates::open(data_dir, &settings.server, clock.now(), health, metrics).map(Arc::new)
}

fn limits(settings: &Settings, facts: &Facts) -> Limits {
    Limits::new(&settings.limits, settings.knowledge.upload_bytes_max).below(facts.memory.clone())
}

/// What is known as soon as the appliance is open.
fn first_facts(services: &Services) {
    services.health.ok("store");
    services.health.ok("embedding_model");
    if services.operations.is_recovering() {
        let fact = "The appliance is in recovery mode: only those who run it are served, and no background work is done.";
        services.health.failed("recovery", fact);
    }
}

impl App {
    /// Opens the appliance in the settings' data directory. `program` is this executable, which documents are taken apart
    /// in a second process of.
    ///
    /// # Errors
    /// The store's, among them [`store::Error::InUse`]; the embedding model's; a provider's that cannot be reached as set; a
    /// reranker's whose model cannot be used.
    pub async fn open(settings: &Settings, program: &Path) -> anyhow::Result<Self> {
        Self::open_as(Mode::Usual, settings, program).await
    }

    /// [`App::open`] in a mode.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open_as(mode: Mode, settings: &Settings, program: &Path) -> anyhow::Result<Self> {
        let facts = Facts::new(settings);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let hub = Hub::new(realtime::Limits::default());
        let Ground { store, wakeups, revocations, mail, quotas, eraser, carrier } =
            Ground::open(settings, &hub, &clock, &facts).await?;
        let sealer = sealer(&store)?;
        mail.seal_with(sealer.clone());
        settings.notices().iter().for_each(|(key, notice)| tracing::warn!("{key}: {notice}"));
        let (keeper, kept) = (Arc::new(EgressKeeper::default()), egress_retention(settings));
        let outbound = outbound(settings, &clock, Some(keeper.clone()))?;
        let standing_on = (&clock, store.system(), &sealer, &outbound, &hub);
        let Mind { knowledge, assistant, budgets, keyring, looks_at_images } =
            Mind::open(settings, program, standing_on).await?;
        let postman = Postman::new(mail.clone(), outbound, facts.health.clone());
        let set = backup_settings(settings, store.directory().path())?;
        let backups = Backups::new(store.clone(), clock.clone(), facts.health.clone(), set);
        let runner = Runner::new(store.clone(), clock.clone(), wakeups.clone())
            .watched_by(facts.metrics.clone(), facts.memory.clone());
        let runner = with_keepers(runner, EgressSweeper(kept), &eraser, &backups, postman);
        let runner = with_workers(runner, &knowledge, &budgets, assistant.clone());
        let running = begin(mode, runner, &wakeups, &store)?;
        queue_sweeps(&store, &backups, clock.now()).await?;
        let certificates = certificates(settings, &store, &clock, &facts)?;
        let operations = facts.operations(mode, settings, (&store, &clock, &hub));
        let (stopping, passwords) = (CancellationToken::new(), Passwords::new());
        let looked_after = (&operations, &certificates, &store, &passwords, &backups);
        let caretakers = look_after(looked_after, running.as_ref(), &clock, &stopping);
        let services = Arc::new(Services {
            clock,
            policy: Policy::new(store.clone()),
            sign_in: SignIn::new(store.system().clone(), passwords.clone(), sealer.clone()),
            passwords,
            revocations,
            address: address(settings),
            visitors: contacts::VisitorTokens::new(sealer.clone()),
            sealer,
            limits: Arc::new(limits(settings, &facts)),
            health: facts.health,
            trusted_proxies: settings.server.trusted_proxies.clone(),
            certificates,
            operations,
            hub,
            knowledge,
            assistant,
            pictures: Pictures::new(CLEANING_MAX, CLEANING_WAITING_MAX),
            looks_at_images,
            budgets,
            quotas,
            eraser,
            carrier,
            keyring,
            mail,
            backups,
            stopping: stopping.clone(),
        });
        first_facts(&services);
        let egress = keeper.start(store.system().clone(), kept.entries_max);
        Ok(Self { store, services, running, wakeups, caretakers, egress, stopping })
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
        while self.caretakers.join_next().await.is_some() {}
        if let Some(running) = self.running.take().and_then(Arc::into_inner) {
            running.stop(JOBS_GRACE).await;
        }
        self.wakeups.forget();
        self.egress.close().await;
        self.services.quotas.forget();
    }
}
