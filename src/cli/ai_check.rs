//! `frontdesk ai check`: each configured model, embedding models too, is asked the cheapest question that proves address, key and
//! name, and each reranker puts one word in order.
//!
//! The command reads the settings and makes its own way out by them, so it opens no data directory and works whether or not
//! the appliance runs.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde::Serialize;

use super::egress::aligned;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::ai::{self, Provider};
use crate::app;
use crate::base::{Clock, Fault as _, SystemClock};
use crate::config::{
    self, EmbeddingModelSettings, ProviderKind, ProviderSettings, RerankerKind, RerankerSettings, Settings,
};
use crate::outbound::Outbound;
use crate::search::rerank;

/// Models and rerankers that are asked at a time.
const ASKED_MAX: usize = 8;

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Only the model or reranker that the settings call so
    name: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

/// What a trial of one model came to.
#[derive(Debug, Serialize)]
struct Trial {
    name: String,
    kind: &'static str,
    model: String,
    host: String,
    latency_ms: u64,
    ok: bool,
    /// A stable code of what is wrong.
    code: Option<&'static str>,
    /// What is wrong and what to do.
    problem: Option<String>,
    /// What lies beneath, from the server or the network.
    cause: Option<String>,
}

pub(super) fn run(arguments: &SettingsArguments, wish: &CheckArguments) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    let chosen = chosen(&settings, wish.name.as_deref())?;
    let trials = super::run_async(try_out(&settings, chosen))?;
    let text = if wish.shown.json {
        let line = serde_json::json!({ "ok": trials.iter().all(|trial| trial.ok), "models": trials });
        line.to_string()
    } else {
        shown(&trials)
    };
    say(&text);
    match trials.iter().filter(|trial| !trial.ok).count() {
        0 => Ok(()),
        failed => Err(Failure::new(format!("{failed} of {} models cannot be used.", trials.len()))),
    }
}

/// What the settings describe and can be tried.
#[derive(Debug, Clone)]
enum Configured<'a> {
    /// The one in the data directory.
    Local(Arc<dyn Provider>),
    Model(&'a ProviderSettings),
    Embedder(&'a EmbeddingModelSettings),
    Reranker(&'a RerankerSettings),
}

impl Configured<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Local(one) => one.name(),
            Self::Model(one) => &one.name,
            Self::Embedder(one) => &one.name,
            Self::Reranker(one) => &one.name,
        }
    }

    /// As `kind` is written in the settings.
    fn kind(&self) -> &'static str {
        match self {
            Self::Local(_) => config::LOCAL,
            Self::Model(one) => match one.kind {
                ProviderKind::OpenAi => "openai",
                ProviderKind::Anthropic => "anthropic",
                ProviderKind::Google => "google",
                ProviderKind::OpenAiCompatible => "openai_compatible",
            },
            Self::Embedder(one) => one.kind.as_str(),
            Self::Reranker(one) => match one.kind {
                RerankerKind::Cohere => "cohere",
                RerankerKind::Voyage => "voyage",
                RerankerKind::Http => "http",
                RerankerKind::Onnx => "onnx",
            },
        }
    }

    fn model(&self) -> &str {
        match self {
            Self::Local(one) => one.model(),
            Self::Model(one) => &one.model,
            Self::Embedder(one) => &one.model,
            Self::Reranker(one) => one.priced_as(),
        }
    }

    /// Its host; nothing for what runs in this process.
    fn host(&self) -> Option<String> {
        let url = match self {
            Self::Local(_) => None,
            Self::Model(one) => one.address(),
            Self::Embedder(one) => one.address(),
            Self::Reranker(one) => one.address(),
        }?;
        let host = url.host_str()?.to_owned();
        Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    }
}

/// What is to be tried: all, or what was named.
fn chosen<'a>(settings: &'a Settings, name: Option<&str>) -> Result<Vec<Configured<'a>>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let program = std::env::current_exe().map_err(|error| Failure::new(error.to_string()))?;
    let here = app::local_model(settings, &program, &clock).map_err(|error| Failure::from_any(&error))?;
    let models =
        here.map(Configured::Local).into_iter().chain(settings.ai.provider.iter().map(Configured::Model));
    let models = models.chain(settings.embedding.models.iter().map(Configured::Embedder));
    let all: Vec<_> = models.chain(settings.rerank.models.iter().map(Configured::Reranker)).collect();
    let chosen: Vec<_> =
        all.iter().filter(|one| name.is_none_or(|name| one.name() == name)).cloned().collect();
    match name {
        Some(name) if chosen.is_empty() => {
            let known: Vec<_> = all.iter().map(Configured::name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let sentence = format!(
                "No [[ai.provider]], [[embedding.models]] or [[rerank.models]] is named \"{name}\". There are: {known}."
            );
            Err(Failure::new(sentence))
        }
        _ => Ok(chosen),
    }
}

/// All at a time, in the order of the settings.
async fn try_out(settings: &Settings, chosen: Vec<Configured<'_>>) -> Result<Vec<Trial>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = app::outbound(settings, &clock, None).map_err(|error| Failure::from_any(&error))?;
    let trials = chosen.into_iter().map(|one| trial(one, settings.rerank.deadline_ms, outbound.clone()));
    Ok(stream::iter(trials).buffered(ASKED_MAX).collect().await)
}

async fn trial(one: Configured<'_>, deadline_ms: u64, outbound: Outbound) -> Trial {
    let tried = match &one {
        Configured::Local(provider) => Ok(provider.check().await),
        Configured::Model(settings) => match app::model(settings, outbound) {
            Ok(model) => Ok(model.check().await),
            Err(error) => Err(error.into()),
        },
        Configured::Embedder(settings) => match app::embedder(settings, outbound) {
            Ok(model) => Ok(model.check().await),
            Err(error) => Err(error.into()),
        },
        Configured::Reranker(settings) => {
            let settings = (*settings).clone();
            let open = move || app::reranker(&settings, deadline_ms, outbound);
            match tokio::task::spawn_blocking(open).await {
                Ok(Ok(reranker)) => Ok(reranker.check().await),
                Ok(Err(error)) => Err(error),
                Err(lost) => Err(lost.into()),
            }
        }
    };
    let (took, wrong) = match tried {
        Ok(checked) => (checked.took, checked.outcome.err().as_ref().map(Wrong::of_model)),
        Err(error) => (Duration::ZERO, Some(Wrong::of_settings(&error))),
    };
    let ok = wrong.is_none();
    let Wrong { code, problem, cause } = wrong.unwrap_or_default();
    Trial {
        name: one.name().to_owned(),
        kind: one.kind(),
        model: one.model().to_owned(),
        host: one.host().unwrap_or_default(),
        latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ok,
        code,
        problem,
        cause,
    }
}

/// What a trial found wrong.
#[derive(Debug, Default)]
struct Wrong {
    code: Option<&'static str>,
    problem: Option<String>,
    cause: Option<String>,
}

impl Wrong {
    fn of_model(error: &ai::Error) -> Self {
        Self { code: Some(error.code()), problem: Some(problem(error)), cause: cause(error) }
    }

    /// What could not even be asked.
    fn of_settings(error: &anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<ai::Error>() {
            return Self::of_model(error);
        }
        let Some(fault) = error.downcast_ref::<rerank::Error>() else {
            return Self { problem: Some(format!("{error:#}")), ..Self::default() };
        };
        let cause = std::error::Error::source(fault).map(ToString::to_string);
        Self { code: Some(fault.code()), problem: Some(fault.public().into_owned()), cause }
    }
}

/// What is wrong and what to do, for who runs the appliance: what a visitor is told says too little here.
fn problem(error: &ai::Error) -> String {
    match error {
        ai::Error::Limited { .. } => {
            "The server is there and asks to slow down. Wait, or have the limit of the key raised.".to_owned()
        }
        ai::Error::Failed { .. } => {
            "The server is there and failed. Try again in a while; its own log or status page says more."
                .to_owned()
        }
        ai::Error::TimedOut { .. } => {
            "The server did not answer in time. A model on this machine may still be loading; try again."
                .to_owned()
        }
        ai::Error::RequestRefused { .. } => {
            "The server did not accept the request. Check kind, model and base_url in the settings."
                .to_owned()
        }
        other => other.public().into_owned(),
    }
}

/// What the server or the network said, as far as the sentence does not say it.
fn cause(error: &ai::Error) -> Option<String> {
    let mut said = match error {
        ai::Error::Outbound { source, .. } if source.is_refusal() => return None,
        ai::Error::Outbound { source, .. } => source.to_string(),
        ai::Error::BadSettings { .. } => return None,
        other => other.to_string(),
    };
    let mut beneath = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(cause) = beneath {
        _ = write!(said, ": {cause}");
        beneath = cause.source();
    }
    Some(said)
}

fn shown(trials: &[Trial]) -> String {
    if trials.is_empty() {
        return "No model is configured: answers are quoted from the documents. [[ai.provider]] in the settings adds one."
            .to_owned();
    }
    let mut rows = vec![["name", "kind", "model", "host", "ms", ""].map(str::to_owned)];
    rows.extend(trials.iter().map(|trial| {
        let verdict = if trial.ok { "ok" } else { "failed" }.to_owned();
        let (name, model, host) = (trial.name.clone(), trial.model.clone(), trial.host.clone());
        [name, trial.kind.to_owned(), model, host, trial.latency_ms.to_string(), verdict]
    }));
    let mut shown = aligned(&rows, &[4]);
    for trial in trials {
        if let Some(problem) = &trial.problem {
            _ = write!(shown, "\n{}: {problem}\n", trial.name);
        }
        if let Some(cause) = &trial.cause {
            _ = writeln!(shown, "  {}", cause.replace('\n', "\n  "));
        }
    }
    shown.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EmbeddingKind, FlagValue, Sources, load};

    fn settings(providers: &str) -> Settings {
        let flag =
            FlagValue { flag: "--set".into(), key: "ai.provider".into(), text: format!("[{providers}]") };
        load(&Sources { flags: vec![flag], ..Sources::default() }).unwrap().settings
    }

    #[test]
    fn the_settings_know_where_each_vendor_is() {
        let usual = |kind: ProviderKind| kind.usual_base_url().unwrap();
        assert_eq!(usual(ProviderKind::OpenAi), ai::OpenAiSettings::base_url());
        assert_eq!(usual(ProviderKind::Anthropic), ai::AnthropicSettings::base_url());
        assert_eq!(usual(ProviderKind::Google), ai::GoogleSettings::base_url());
        assert_eq!(ProviderKind::OpenAiCompatible.usual_base_url(), None);
        let usual = |kind: EmbeddingKind| kind.usual_base_url();
        assert_eq!(usual(EmbeddingKind::Voyage), Some(ai::embedding::VoyageSettings::base_url()).as_deref());
        assert_eq!(usual(EmbeddingKind::OpenAi), Some(ai::OpenAiSettings::base_url()).as_deref());
    }

    #[test]
    fn a_name_that_there_is_not_is_said_with_those_there_are() {
        let settings = settings("{name='a',kind='openai',model='m'},{name='b',kind='google',model='m'}");
        assert_eq!(chosen(&settings, None).unwrap().len(), 2);
        assert_eq!(chosen(&settings, Some("b")).unwrap()[0].name(), "b");
        let said = chosen(&settings, Some("c")).unwrap_err().to_string();
        assert_eq!(
            said,
            "No [[ai.provider]], [[embedding.models]] or [[rerank.models]] is named \"c\". There are: a, b."
        );
        assert!(shown(&[]).contains("[[ai.provider]]"));
    }

    #[tokio::test]
    async fn a_model_that_may_not_be_asked_is_said_with_the_setting_that_forbids_it() {
        let settings = settings("{name='a',kind='openai',model='m'}");
        let trials = try_out(&settings, chosen(&settings, None).unwrap()).await.unwrap();
        let text = shown(&trials);
        assert!(text.contains("api.openai.com") && text.contains("failed"), "{text}");
        assert!(text.contains("outbound.allow in the settings"), "{text}");
        assert_eq!((trials[0].ok, trials[0].code), (false, Some("egress_not_allowed")));
    }
}
