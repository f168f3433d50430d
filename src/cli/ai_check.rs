//! `frontdesk ai check`: each configured model, embedding models too, is asked the cheapest question that proves address, key and name.
//!
//! The command reads the settings and makes its own way out by them, so it opens no data directory and works whether or not
//! the appliance runs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde::Serialize;

use super::egress::aligned;
use super::{Failure, SettingsArguments};
use crate::ai;
use crate::app;
use crate::base::{Clock, Fault as _, SystemClock};
use crate::config::{EmbeddingModelSettings, ProviderKind, ProviderSettings, Settings};
use crate::outbound::Outbound;

/// Models that are asked at a time.
const ASKED_MAX: usize = 8;

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Only the model that the settings call so
    name: Option<String>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
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
    let trials = super::run_async(try_out(&settings, &chosen))?;
    let text = if wish.json {
        let line = serde_json::json!({ "ok": trials.iter().all(|trial| trial.ok), "models": trials });
        line.to_string()
    } else {
        shown(&trials)
    };
    let _ = writeln!(std::io::stdout(), "{text}");
    match trials.iter().filter(|trial| !trial.ok).count() {
        0 => Ok(()),
        failed => Err(Failure::new(format!("{failed} of {} models cannot be used.", trials.len()))),
    }
}

/// A model that is tried out.
#[derive(Debug, Clone, Copy)]
enum Tried<'a> {
    Provider(&'a ProviderSettings),
    Embedder(&'a EmbeddingModelSettings),
}

impl Tried<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Provider(one) => &one.name,
            Self::Embedder(one) => &one.name,
        }
    }

    fn model(&self) -> &str {
        match self {
            Self::Provider(one) => &one.model,
            Self::Embedder(one) => &one.model,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Provider(one) => kind(one.kind),
            Self::Embedder(one) => one.kind.as_str(),
        }
    }

    fn address(&self) -> Option<url::Url> {
        match self {
            Self::Provider(one) => one.address(),
            Self::Embedder(one) => one.address(),
        }
    }
}

/// The models to be tried: all, or the one that was named.
fn chosen<'a>(settings: &'a Settings, name: Option<&str>) -> Result<Vec<Tried<'a>>, Failure> {
    let embedders = settings.embedding.models.iter().map(Tried::Embedder);
    let all: Vec<_> = settings.ai.provider.iter().map(Tried::Provider).chain(embedders).collect();
    let chosen: Vec<_> =
        all.iter().copied().filter(|one| name.is_none_or(|name| one.name() == name)).collect();
    match name {
        Some(name) if chosen.is_empty() => {
            let known: Vec<_> = all.iter().map(Tried::name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(Failure::new(format!(
                "No [[ai.provider]] or [[embedding.models]] is named \"{name}\". There are: {known}."
            )))
        }
        _ => Ok(chosen),
    }
}

/// All at a time, in the order of the settings.
async fn try_out(settings: &Settings, chosen: &[Tried<'_>]) -> Result<Vec<Trial>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = app::outbound(settings, &clock, None).map_err(|error| Failure::from_any(&error))?;
    let trials = chosen.iter().map(|tried| trial(*tried, outbound.clone()));
    Ok(stream::iter(trials).buffered(ASKED_MAX).collect().await)
}

async fn trial(tried: Tried<'_>, outbound: Outbound) -> Trial {
    let checked = match tried {
        Tried::Provider(one) => match app::model(one, outbound) {
            Ok(model) => Ok(model.check().await),
            Err(error) => Err(error),
        },
        Tried::Embedder(one) => match app::embedder(one, outbound) {
            Ok(model) => Ok(model.check().await),
            Err(error) => Err(error),
        },
    };
    let (latency_ms, outcome) = match checked {
        Ok(checked) => (u64::try_from(checked.took.as_millis()).unwrap_or(u64::MAX), checked.outcome),
        Err(error) => (0, Err(error)),
    };
    let host = tried.address().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    });
    let error = outcome.err();
    Trial {
        name: tried.name().to_owned(),
        kind: tried.kind(),
        model: tried.model().to_owned(),
        host: host.unwrap_or_default(),
        latency_ms,
        ok: error.is_none(),
        code: error.as_ref().map(ai::Error::code),
        problem: error.as_ref().map(problem),
        cause: error.as_ref().and_then(cause),
    }
}

/// As `kind` is written in the settings.
fn kind(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenAi => "openai",
        ProviderKind::Anthropic => "anthropic",
        ProviderKind::Google => "google",
        ProviderKind::OpenAiCompatible => "openai_compatible",
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
        assert_eq!(said, "No [[ai.provider]] or [[embedding.models]] is named \"c\". There are: a, b.");
        assert!(shown(&[]).contains("[[ai.provider]]"));
    }

    #[tokio::test]
    async fn a_model_that_may_not_be_asked_is_said_with_the_setting_that_forbids_it() {
        let settings = settings("{name='a',kind='openai',model='m'}");
        let trials = try_out(&settings, &chosen(&settings, None).unwrap()).await.unwrap();
        let text = shown(&trials);
        assert!(text.contains("api.openai.com") && text.contains("failed"), "{text}");
        assert!(text.contains("outbound.allow in the settings"), "{text}");
        assert_eq!((trials[0].ok, trials[0].code), (false, Some("egress_not_allowed")));
    }
}
