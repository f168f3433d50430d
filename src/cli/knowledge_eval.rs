//! `frontdesk knowledge eval`: how good the searching is on a test set, with and without a reranker.
//!
//! It needs no data directory. The settings are read only where a reranker is tried, which is one of theirs.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::runtime::Runtime;

use super::run_async::runtime;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::ai::rerank::{RerankRequest, Reranker};
use crate::app;
use crate::base::{Clock, Fault as _, SystemClock};
use crate::config::{MAX_SIM, Settings};
use crate::search::embedder::MiniLm;
use crate::search::eval::{Options, Order, Report, Tried, evaluate};
use crate::search::fusion::Calibration;

/// Texts embedded between two looks at the progress.
const BATCH: usize = 64;

#[derive(Debug, Args)]
pub(super) struct EvalArguments {
    /// The folder
    folder: PathBuf,
    /// Also have the best put in order by this reranker: `max_sim`, or one of the settings', which may cost
    #[arg(long, value_name = "NAME")]
    rerank: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, wish: &EvalArguments) -> Result<(), Failure> {
    let embedder = Arc::new(MiniLm::bundled()?);
    let report = match &wish.rerank {
        None => measure(wish, &embedder, None)?,
        Some(name) => {
            let settings = arguments.load()?.settings;
            let runtime = runtime()?;
            let reranker = reranker(&settings, name, &embedder)?;
            let order = |question: &str, texts: &[&str]| order(&runtime, &*reranker, question, texts);
            measure(wish, &embedder, Some((name, settings.rerank.candidates, &order)))?
        }
    };
    let text = if wish.shown.json {
        serde_json::to_string(&report).map_err(|error| Failure::new(error.to_string()))?
    } else {
        report.to_string()
    };
    say(&text);
    Ok(())
}

/// The reranker that the settings call `name`.
fn reranker(settings: &Settings, name: &str, embedder: &Arc<MiniLm>) -> Result<Arc<dyn Reranker>, Failure> {
    if name == MAX_SIM {
        return Ok(app::max_sim(&settings.rerank, embedder.clone()));
    }
    let all = &settings.rerank.models;
    let Some(chosen) = all.iter().find(|one| one.name == name) else {
        let known = all.iter().fold(MAX_SIM.to_owned(), |known, one| format!("{known}, {}", one.name));
        return Err(Failure::new(format!("There is no reranker \"{name}\". There are: {known}.")));
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = app::outbound(settings, &clock, None).map_err(|error| Failure::from_any(&error))?;
    app::reranker(chosen, settings.rerank.deadline_ms, outbound).map_err(|error| Failure::from_any(&error))
}

fn order(
    runtime: &Runtime,
    reranker: &dyn Reranker,
    question: &str,
    texts: &[&str],
) -> Result<Vec<usize>, String> {
    let request = RerankRequest { query: question, documents: texts, top: texts.len(), tenant: None };
    let reranked = runtime.block_on(reranker.rerank(request)).map_err(|error| error.to_string())?;
    Ok(reranked.ranked.iter().map(|ranked| ranked.index).collect())
}

fn measure(
    wish: &EvalArguments,
    embedder: &MiniLm,
    tried: Option<(&str, usize, Order<'_>)>,
) -> Result<Report, Failure> {
    let shows = std::io::stderr().is_terminal();
    let embed = |texts: &[&str]| -> Result<Vec<Option<Vec<f32>>>, String> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(embedder.embed_sentences(batch).map_err(|error| error.public().into_owned())?);
        }
        Ok(vectors)
    };
    let progress = |done: usize, total: usize| {
        if shows {
            let _ = write!(std::io::stderr(), "\rReading: {done} of {total} ");
        }
    };
    let options = Options { language: None, calibration: Calibration::of_model(embedder.model_id()) };
    let tried = tried.map(|(name, candidates, order)| Tried { name, candidates, order });
    let report = evaluate(&wish.folder, &embed, options, tried, &progress)?;
    if shows {
        let _ = write!(std::io::stderr(), "\r{:40}\r", "");
    }
    Ok(report)
}
