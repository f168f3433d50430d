//! Builds every service and wires the news; the only place that picks real adapters.
//!
//! [`App::open`] takes the data directory's lock, opens the store, begins the background work and hands out the router.
//! It opens no port: whoever serves does. [`App::stop`] drains it; what was cut off goes on at the next start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::ai::embedding::{Batches, Embedder, RemoteEmbedder};
use crate::ai::keys::{Keyring, KnownProvider};
use crate::ai::prices::{Price, PriceError, PriceTable};
use crate::ai::rerank::{
    CohereSettings, DocumentsField, HttpSettings, RemoteReranker, Reranker, VoyageSettings,
};
use crate::ai::route;
use crate::ai::{self, Deadlines, Provider, TokenLimitField, local};
use crate::assistant::{self, AnswerMessage, Assistant, Choosing, Models};
use crate::base::{Clock, Fault, Micros, Sealer, Secret, SystemClock, Timestamp};
use crate::budget::{AtLimit, Budget, BudgetAlerted, Budgets, Limit, ReleaseLeft};
use crate::config::{
    EmbeddingKind, EmbeddingModelSettings, ProviderAuth, ProviderKind, ProviderSettings, RerankField,
    RerankerKind, RerankerSettings, RetrievalStrategy, Settings,
};
use crate::conversations::{ConversationChanged, ForgetImages, ImageSweeper, MessagePosted, Pictures};
use crate::files::Collector;
use crate::http::idempotency::AnswerSweeper;
use crate::http::{Limits, Services};
use crate::identity::{ForgetSessions, Passwords, Policy, SessionSweeper, SignIn, setup};
use crate::jobs::news::News;
use crate::jobs::{self, Runner, Running, Wakeups};
use crate::knowledge::embedding::RemoteModel;
use crate::knowledge::extract::Extractor;
use crate::knowledge::{self, Knowledge, Reranking};
use crate::outbound::{
    self, EgressHost, EgressKeeper, EgressPolicy, EgressSink, EgressSweeper, ForgetEgress, Keeping, Outbound,
    Retention,
};
use crate::realtime::{self, Hub, Topic};
use crate::search::embedder::MiniLm;
use crate::search::fusion::Strategy;
use crate::search::rerank::{MaxSim, OnnxReranker, OnnxSettings};
use crate::store::{Extensions, Keyspace, KeyspaceId, Store, StoreOptions};
use crate::telemetry::Health;
use crate::{config, contacts, http, store, tenants};

/// Where the setup link is kept while nobody has used it.
pub const SETUP_LINK_FILE: &str = "setup-link";
/// How often idle keyspaces are looked for.
const UPKEEP_EVERY: Duration = Duration::from_secs(30);
/// How long jobs may take to finish when the appliance stops.
const JOBS_GRACE: Duration = Duration::from_secs(10);
/// Documents that are taken apart at a time.
const EXTRACTING_MAX: usize = 2;

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

fn store_options(settings: &Settings, extensions: Extensions) -> StoreOptions {
    StoreOptions {
        cache_bytes_max: settings.store.cache_bytes_max,
        idle_close: Duration::from_secs(settings.store.idle_close_s),
        extensions,
        crash_disks: None,
    }
}

fn knowledge_settings(settings: &Settings) -> knowledge::Settings {
    let mut knowledge = knowledge::Settings::default();
    knowledge.fusion.strategy = match settings.retrieval.strategy {
        RetrievalStrategy::Hybrid => Strategy::Hybrid,
        RetrievalStrategy::Predecessor => Strategy::Predecessor,
        RetrievalStrategy::Semantic => Strategy::Semantic,
        RetrievalStrategy::Keyword => Strategy::Keyword,
    };
    knowledge.fusion.semantic_weight = settings.retrieval.semantic_weight;
    knowledge.fusion.keyword_weight = settings.retrieval.keyword_weight;
    knowledge
}

fn assistant_settings(settings: &Settings) -> assistant::Settings {
    assistant::Settings {
        passages_max: settings.retrieval.top_k,
        min_score: settings.retrieval.min_score,
        history_messages_max: settings.assistant.history_messages,
        uncited_claims: match settings.assistant.uncited_claims {
            config::UncitedClaims::Withhold => tenants::UncitedClaims::Withhold,
            config::UncitedClaims::Mark => tenants::UncitedClaims::Mark,
        },
        ..assistant::Settings::default()
    }
}

/// What a tenant may spend that sets nothing itself.
fn default_budget(settings: &Settings) -> Budget {
    let limit =
        |micros: i64| u64::try_from(micros).map_or(Limit::Unlimited, |micros| Limit::Micros(Micros(micros)));
    let set = &settings.budget;
    Budget {
        day_limit: limit(set.day_limit_micros),
        month_limit: limit(set.month_limit_micros),
        alert_percents: set.alert_percents.clone(),
        at_limit: match set.at_limit {
            config::AtLimit::Degrade => AtLimit::Degrade,
            config::AtLimit::HandOver => AtLimit::HandOver,
        },
        time_zone: set.time_zone.clone(),
    }
}

/// How long a question waits for its vector, in milliseconds, unless the settings say otherwise: people wait meanwhile.
const QUESTION_DEADLINE_MS: u64 = 2_000;

/// What runs here is free, unless the site puts a price on it.
fn price(settings: &Settings, prices: &PriceTable, model: &str, is_here: bool) -> Result<Price, PriceError> {
    let own = settings.ai.price.iter().any(|price| price.model == model);
    if is_here && !own { Ok(Price::free(model)) } else { prices.of(model).cloned() }
}

/// The embedding models that the settings describe, each with its price. All of them, because documents may still be embedded with one
/// that was chosen before.
fn embedding_models(
    settings: &Settings,
    bundled: Arc<MiniLm>,
    outbound: &Outbound,
    budgets: Budgets,
) -> anyhow::Result<knowledge::embedding::Models> {
    let prices = PriceTable::new(&settings.ai.price)?;
    let mut remote = Vec::new();
    for one in &settings.embedding.models {
        let price = price(settings, &prices, &one.model, one.is_here())?;
        let texts_max = one.batch_texts_max.unwrap_or(Batches::default().texts_max);
        let deadline = Duration::from_millis(one.question_deadline_ms.unwrap_or(QUESTION_DEADLINE_MS));
        remote.push(RemoteModel::new(embedder(one, outbound.clone())?, price, texts_max, deadline));
    }
    Ok(knowledge::embedding::Models::new(bundled, remote, &settings.embedding.model, budgets))
}

/// An embedding model as its settings describe it, asked through `outbound`.
///
/// # Errors
/// [`ai::Error::BadSettings`].
pub fn embedder(chosen: &EmbeddingModelSettings, outbound: Outbound) -> Result<Arc<dyn Embedder>, ai::Error> {
    let (name, model, api_key) = (chosen.name.clone(), chosen.model.clone(), chosen.api_key.clone());
    let base_url = chosen.address().map(String::from).unwrap_or_default();
    let usual = Batches::default();
    let batches = Batches {
        texts_max: chosen.batch_texts_max.unwrap_or(usual.texts_max),
        bytes_max: chosen.batch_bytes_max.unwrap_or(usual.bytes_max),
    };
    let dimensions = chosen.dimensions;
    let embedder = match chosen.kind {
        EmbeddingKind::Voyage => {
            let deadline_ms = chosen.deadline_ms.unwrap_or_else(ai::embedding::VoyageSettings::deadline_ms);
            RemoteEmbedder::voyage(
                ai::embedding::VoyageSettings {
                    name,
                    base_url,
                    model,
                    api_key,
                    dimensions,
                    batches,
                    deadline_ms,
                },
                outbound,
            )?
        }
        EmbeddingKind::OpenAi | EmbeddingKind::OpenAiCompatible => RemoteEmbedder::openai_compatible(
            ai::embedding::OpenAiCompatibleSettings {
                name,
                base_url,
                model,
                api_key,
                dimensions,
                query_prefix: chosen.query_prefix.clone().unwrap_or_default(),
                passage_prefix: chosen.passage_prefix.clone().unwrap_or_default(),
                batches,
                deadline_ms: chosen
                    .deadline_ms
                    .unwrap_or_else(ai::embedding::OpenAiCompatibleSettings::deadline_ms),
            },
            outbound,
        )?,
    };
    Ok(Arc::new(embedder))
}

/// The models that the settings describe, each with its price, and how one is chosen.
fn models(
    settings: &Settings,
    here: Option<Arc<dyn Provider>>,
    outbound: &Outbound,
    keyring: Keyring,
    budgets: Budgets,
) -> anyhow::Result<Models> {
    let choosing = match (settings.assistant.provider.as_str(), &here) {
        (config::EXTRACTIVE, _) | (config::LOCAL, None) => Choosing::Quote,
        (config::AUTO, here) => {
            let router = route::Router::new(&settings.routing, &settings.ai.provider)?;
            Choosing::Route(match here {
                Some(here) => router.with_local(here.model()),
                None => router,
            })
        }
        (name, _) => Choosing::Always(name.to_owned()),
    };
    let prices = PriceTable::new(&settings.ai.price)?;
    let mut models = Vec::new();
    for one in &settings.ai.provider {
        let needed = match &choosing {
            Choosing::Always(name) => one.name == *name,
            Choosing::Route(_) => true,
            Choosing::Quote => false,
        };
        match priced(one, settings, &prices, outbound) {
            Ok(model) => models.push(model),
            Err(error) if needed => return Err(error),
            // Only an answer that is asked for again could name it.
            Err(error) => {
                tracing::debug!(provider = one.name, %error, "a model that nothing needs cannot be used");
            }
        }
    }
    let seeing = settings.ai.provider.iter().filter(|one| one.looks_at_images());
    let models =
        Models::new(choosing, models, keyring, budgets).with_eyes(seeing.map(|one| one.name.clone()));
    Ok(match here {
        Some(here) => models.with_local(here, settings.local_model.passages),
        None => models,
    })
}

/// The model of the data directory that runs in this process, if there is one that can.
///
/// # Errors
/// When the folder cannot be read, or the settings name a file that is not there or one of several.
#[cfg(feature = "local-model")]
pub fn local_model(
    settings: &Settings,
    program: &Path,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<dyn Provider>>> {
    let wanted = &settings.local_model;
    let Some(found) = local::Folder::of(&settings.store.data_dir).choose(&wanted.file)? else {
        return Ok(None);
    };
    if let Err(error) = &found.header {
        tracing::error!(file = %found.path.display(), "the local model cannot be used: {error}");
        return Ok(None);
    }
    let model = local::LocalModel::new(
        local::LocalSettings {
            name: config::LOCAL.to_owned(),
            file: found.path,
            digest: found.digest,
            threads: (wanted.threads > 0).then_some(wanted.threads),
            context_tokens_max: wanted.context_tokens,
            memory_bytes_max: (wanted.memory_bytes_max > 0).then_some(wanted.memory_bytes_max),
            idle: wanted.idle(),
            waiting_max: wanted.waiting_max,
            answer: wanted.answer(),
            program: Some(program.to_owned()),
        },
        clock.clone(),
    );
    Ok(Some(Arc::new(model)))
}

/// This build has no engine; a model that is there is reported.
///
/// # Errors
/// As with the engine.
#[cfg(not(feature = "local-model"))]
pub fn local_model(
    settings: &Settings,
    _: &Path,
    _: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<dyn Provider>>> {
    if let Some(found) = local::Folder::of(&settings.store.data_dir).choose(&settings.local_model.file)? {
        tracing::warn!(file = %found.path.display(), "this build of Frontdesk cannot run local models");
    }
    Ok(None)
}

/// A model with its price.
fn priced(
    one: &ProviderSettings,
    settings: &Settings,
    prices: &PriceTable,
    outbound: &Outbound,
) -> anyhow::Result<(Arc<dyn Provider>, Price)> {
    let price = price(settings, prices, &one.model, one.is_here())?;
    Ok((model(one, outbound.clone())?, price))
}

/// The keys of the providers that the settings describe.
fn keyring(settings: &Settings, sealer: Sealer, system: Keyspace) -> Keyring {
    let known = settings
        .ai
        .provider
        .iter()
        .map(|one| KnownProvider { name: one.name.clone(), key_in_settings: one.api_key.is_some() });
    Keyring::new(sealer, system, known.collect())
}

/// Who puts what is found in a better order, where the settings name somebody. Blocks while a model is loaded.
fn reranking(
    settings: &Settings,
    embedder: &Arc<MiniLm>,
    outbound: &Outbound,
    budgets: &Budgets,
) -> anyhow::Result<Option<Reranking>> {
    let set = &settings.rerank;
    if set.provider == config::MAX_SIM {
        let reranker = max_sim(set, embedder.clone());
        let price = Price::free(reranker.model());
        return Ok(Some(Reranking::new(reranker, price, set.candidates, budgets.clone())));
    }
    let Some(one) = set.chosen() else { return Ok(None) };
    let prices = PriceTable::new(&settings.ai.price)?;
    let price = price(settings, &prices, one.priced_as(), one.is_here())?;
    let reranker = reranker(one, set.deadline_ms, outbound.clone())?;
    Ok(Some(Reranking::new(reranker, price, set.candidates, budgets.clone())))
}

/// The bundled embedding model as a reranker.
pub fn max_sim(settings: &config::Rerank, embedder: Arc<MiniLm>) -> Arc<dyn Reranker> {
    let deadline = Duration::from_millis(settings.deadline_ms);
    Arc::new(MaxSim::new(config::MAX_SIM, embedder, deadline))
}

/// A reranker as its settings describe it, asked through `outbound` where it is on a server. Blocks while a model is loaded.
///
/// # Errors
/// [`ai::Error::BadSettings`]; what is wrong with a model's file.
pub fn reranker(
    chosen: &RerankerSettings,
    deadline_ms: u64,
    outbound: Outbound,
) -> anyhow::Result<Arc<dyn Reranker>> {
    let (name, api_key) = (chosen.name.clone(), chosen.api_key.clone());
    let base_url = chosen.address().map(String::from).unwrap_or_default();
    let model = chosen.model.clone();
    Ok(match chosen.kind {
        RerankerKind::Cohere => {
            let model = model.unwrap_or_default();
            let settings = CohereSettings { name, base_url, model, api_key, deadline_ms };
            Arc::new(RemoteReranker::cohere(settings, outbound)?)
        }
        RerankerKind::Voyage => {
            let model = model.unwrap_or_default();
            let settings = VoyageSettings { name, base_url, model, api_key, deadline_ms };
            Arc::new(RemoteReranker::voyage(settings, outbound)?)
        }
        RerankerKind::Http => {
            let documents_field = match chosen.documents_field {
                Some(RerankField::Texts) => DocumentsField::Texts,
                Some(RerankField::Documents) | None => DocumentsField::Documents,
            };
            let settings = HttpSettings { name, base_url, model, api_key, documents_field, deadline_ms };
            Arc::new(RemoteReranker::http(settings, outbound)?)
        }
        RerankerKind::Onnx => Arc::new(OnnxReranker::open(OnnxSettings {
            model: chosen.priced_as().to_owned(),
            name,
            path: chosen.path.clone().unwrap_or_default(),
            tokens_max: chosen.tokens_max,
            deadline: Duration::from_millis(deadline_ms),
        })?),
    })
}

/// The only way out, as the settings allow it. `sink` hears of everything that is sent or refused.
///
/// # Errors
/// When a host of the allow-list is none, or TLS cannot be set up.
pub fn outbound(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    sink: Option<Arc<dyn EgressSink>>,
) -> anyhow::Result<Outbound> {
    let hosts: Vec<EgressHost> = settings
        .outbound
        .allow
        .iter()
        .map(|host| EgressHost {
            address: host.address.clone(),
            private: host.private,
            plain_http: host.plain_http,
        })
        .collect();
    let policy = EgressPolicy::new(&hosts, settings.outbound.air_gapped)?;
    let options = outbound::Options { clock: clock.clone(), sink, ..Default::default() };
    Ok(Outbound::new(policy, options)?)
}

/// What the settings keep of the egress ledger.
fn egress_retention(settings: &Settings) -> Retention {
    Retention {
        entries_max: settings.outbound.ledger_entries_max,
        age_max: settings.outbound.ledger_age_max(),
    }
}

/// A model as its settings describe it, asked through `outbound`.
///
/// # Errors
/// [`ai::Error::BadSettings`].
pub fn model(chosen: &ProviderSettings, outbound: Outbound) -> Result<Arc<dyn Provider>, ai::Error> {
    let (name, model, api_key) = (chosen.name.clone(), chosen.model.clone(), chosen.api_key.clone());
    let base_url =
        |vendors: fn() -> String| chosen.base_url.as_ref().map_or_else(vendors, ToString::to_string);
    let usual = Deadlines::default();
    let deadlines = Deadlines {
        first_token_ms: chosen.first_token_ms.unwrap_or(usual.first_token_ms),
        between_tokens_ms: chosen.between_tokens_ms.unwrap_or(usual.between_tokens_ms),
        whole_ms: chosen.whole_ms.unwrap_or(usual.whole_ms),
    };
    Ok(match chosen.kind {
        ProviderKind::OpenAi => {
            let base_url = base_url(ai::OpenAiSettings::base_url);
            let send_temperature = chosen.send_temperature.unwrap_or(true);
            let settings = ai::OpenAiSettings { name, base_url, model, api_key, send_temperature, deadlines };
            Arc::new(ai::OpenAi::new(settings, outbound)?)
        }
        ProviderKind::Anthropic => {
            let settings = ai::AnthropicSettings {
                name,
                base_url: base_url(ai::AnthropicSettings::base_url),
                model,
                api_key,
                version: chosen.version.clone().unwrap_or_else(ai::AnthropicSettings::version),
                auth: match chosen.auth {
                    Some(ProviderAuth::XApiKey) => ai::AnthropicAuth::XApiKey,
                    Some(ProviderAuth::Bearer) | None => ai::AnthropicAuth::Bearer,
                },
                send_temperature: chosen.send_temperature.unwrap_or(false),
                deadlines,
            };
            Arc::new(ai::Anthropic::new(settings, outbound)?)
        }
        ProviderKind::Google => {
            let settings = ai::GoogleSettings {
                name,
                base_url: base_url(ai::GoogleSettings::base_url),
                model,
                api_key,
                api_version: chosen.api_version.clone().unwrap_or_else(ai::GoogleSettings::api_version),
                send_temperature: chosen.send_temperature.unwrap_or(true),
                deadlines,
            };
            Arc::new(ai::Google::new(settings, outbound)?)
        }
        ProviderKind::OpenAiCompatible => {
            let settings = ai::OpenAiCompatibleSettings {
                name,
                base_url: base_url(String::new),
                model,
                api_key,
                token_limit_field: TokenLimitField::default(),
                ask_usage: true,
                send_temperature: chosen.send_temperature.unwrap_or(true),
                deadlines,
            };
            Arc::new(ai::OpenAiCompatible::new(settings, outbound)?)
        }
    })
}

/// The service of documents, with the reranker that the settings name.
async fn open_knowledge(
    settings: &Settings,
    program: &Path,
    clock: &Arc<dyn Clock>,
    outbound: &Outbound,
    budgets: &Budgets,
) -> anyhow::Result<Knowledge> {
    let embedder = Arc::new(tokio::task::spawn_blocking(MiniLm::bundled).await??);
    let limits = knowledge::extract::Limits::default();
    let extractor = Extractor::new(program.to_path_buf(), limits, EXTRACTING_MAX);
    let embedding = embedding_models(settings, embedder.clone(), outbound, budgets.clone())?;
    let knowledge = Knowledge::new(embedding, extractor, clock.clone(), knowledge_settings(settings));
    let (settings, outbound, budgets) = (settings.clone(), outbound.clone(), budgets.clone());
    let loading = tokio::task::spawn_blocking(move || reranking(&settings, &embedder, &outbound, &budgets));
    Ok(match loading.await?? {
        Some(reranking) => knowledge.with_reranking(reranking),
        None => knowledge,
    })
}

/// Every kind of job and who does it.
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
async fn queue_sweeps(store: &Store, now: Timestamp) -> Result<(), store::Error> {
    let queued = store.system().write(move |tx| {
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
        let extensions = Extensions::default().with(wakeups.clone()).with(Arc::new(news(&hub)));
        let options = store_options(settings, extensions);
        let store = Arc::new(Store::open(&settings.store.data_dir, options, clock.clone())?);
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
        let running = with_workers(runner, &knowledge, &budgets, assistant.clone()).start()?;
        let now = clock.now();
        queue_sweeps(&store, now).await?;
        let tls = http::prepare(store.directory(), &settings.server, now)?;
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
            health: Arc::new(Health::default()),
            trusted_proxies: settings.server.trusted_proxies.clone(),
            authority_pem: tls.authority_pem.clone(),
            hub,
            knowledge,
            assistant,
            pictures: Pictures::new(CLEANING_MAX, CLEANING_WAITING_MAX),
            looks_at_images,
            budgets,
            keyring,
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
