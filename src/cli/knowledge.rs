//! `frontdesk knowledge`: add a folder of documents, search them, and measure how good the searching is.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Method;
use clap::{Args, Subcommand};
use notify::Watcher as _;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, folder, shown, with_appliance};
use super::folder::{documents_of, send, watch};
use super::knowledge_eval::{self as eval, EvalArguments};
use super::{Failure, SettingsArguments, Shown, ask};
use crate::base::counted;
use crate::telemetry::start_log;

/// Changes that come within so long of each other are taken together.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(super) enum KnowledgeCommand {
    /// Add the documents of a folder, or of one file, to a workspace, and watch them being read
    ///
    /// A document of the same name is replaced, and one that has not changed is left alone. Ends with 1 when one could not be
    /// read; the others are there all the same.
    #[command(after_long_help = "Examples:
  frontdesk knowledge add ./manuals
  frontdesk knowledge add ./manuals --workspace acme --prefix manuals/ --watch")]
    Add(AddArguments),
    /// Search the documents of a workspace and show why each passage was found
    #[command(after_long_help = "Examples:
  frontdesk knowledge search \"error E42\"
  frontdesk knowledge search \"opening hours\" --workspace acme --limit 10 --json")]
    Search(SearchArguments),
    /// Measure retrieval on a folder with corpus.jsonl, queries.jsonl and qrels.tsv
    ///
    /// Prints nDCG@10, recall and MRR of the hybrid, semantic and keyword search. Needs no data directory.
    #[command(after_long_help = "Examples:
  frontdesk knowledge eval ./scifact
  frontdesk knowledge eval ./scifact --rerank max_sim --json")]
    Eval(EvalArguments),
}

#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// The folder or file
    path: PathBuf,
    /// The workspace's short name [default: the only one there is]
    #[arg(long)]
    workspace: Option<String>,
    /// Put this before the documents' names, such as manuals/
    #[arg(long, default_value = "")]
    prefix: String,
    /// Go on, and add what changes in the folder
    #[arg(long)]
    watch: bool,
    /// Print one line of JSON; with --watch one each time
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SearchArguments {
    /// A question or words
    query: String,
    /// The workspace's short name [default: the only one there is]
    #[arg(long)]
    workspace: Option<String>,
    /// Passages at most
    #[arg(long, default_value_t = 5)]
    limit: u32,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, command: &KnowledgeCommand) -> Result<(), Failure> {
    match command {
        KnowledgeCommand::Add(wish) => add(arguments, wish),
        KnowledgeCommand::Search(wish) => search(arguments, wish),
        KnowledgeCommand::Eval(wish) => eval::run(arguments, wish),
    }
}

fn add(arguments: &SettingsArguments, wish: &AddArguments) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    let (path, only) = if wish.path.is_file() {
        let parent = wish.path.parent().filter(|path| !path.as_os_str().is_empty());
        (parent.unwrap_or(Path::new(".")), wish.path.file_name())
    } else {
        (wish.path.as_path(), None)
    };
    let (path, only) = (folder(path)?, only.map(|name| name.to_string_lossy().into_owned()));
    super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let mut changes = wish.watch.then(|| changes_of(&path)).transpose()?;
        let mut outcome = add_once(&appliance, wish, &path, only.as_deref()).await;
        if let Some((_watcher, changes)) = &mut changes {
            if let Err(failure) = &outcome {
                let _ = writeln!(std::io::stderr(), "{failure}");
            }
            let _ = writeln!(std::io::stderr(), "Watching {}. Press Ctrl-C to stop.", shown(&path));
            outcome = watch_changes(&appliance, wish, &path, only.as_deref(), changes).await;
        }
        appliance.close().await;
        outcome
    })
}

async fn add_once(
    appliance: &Appliance,
    wish: &AddArguments,
    path: &Path,
    only: Option<&str>,
) -> Result<(), Failure> {
    let mut documents = documents_of(path, false)?;
    if let Some(only) = only {
        documents.retain(|name, _| name == only);
    }
    if documents.is_empty() {
        return Err(Failure::new(format!("There are no files in {}.", shown(path))));
    }
    let workspace = appliance.workspace(wish.workspace.as_deref()).await?;
    let sent = send(appliance, &workspace, &documents, &wish.prefix).await?;
    let failed = watch(appliance, &workspace).await?;
    let ready = sent.accepted.saturating_sub(failed.len());
    let mut output = std::io::stdout();
    if wish.json {
        let unread = |(name, reason): &(String, String)| json!({ "name": name, "reason": reason });
        let unread: Vec<_> = sent.refused.iter().chain(&failed).map(unread).collect();
        let line = json!({ "documents": documents.len(), "ready": ready, "failed": unread });
        let _ = writeln!(output, "{line}");
    } else {
        for (name, reason) in sent.refused.iter().chain(&failed) {
            let _ = writeln!(output, "{name}: {reason}");
        }
        let _ = writeln!(
            output,
            "{ready} of {} can be searched.",
            counted(documents.len(), "document", "documents")
        );
    }
    if sent.refused.is_empty() && failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new("Some documents could not be read; the reasons stand above."))
    }
}

type Changes = tokio::sync::mpsc::Receiver<()>;

/// Tells when something changes below `path`. One waiting word is enough: everything is looked at then.
fn changes_of(path: &Path) -> Result<(notify::RecommendedWatcher, Changes), Failure> {
    let (tell, changes) = tokio::sync::mpsc::channel(1);
    let failed = |error: notify::Error| Failure::new(format!("{} cannot be watched: {error}", shown(path)));
    let mut watcher = notify::recommended_watcher(move |_| {
        let _ = tell.try_send(());
    })
    .map_err(failed)?;
    watcher.watch(path, notify::RecursiveMode::Recursive).map_err(failed)?;
    Ok((watcher, changes))
}

async fn watch_changes(
    appliance: &Appliance,
    wish: &AddArguments,
    path: &Path,
    only: Option<&str>,
    changes: &mut Changes,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            told = changes.recv() => if told.is_none() { return Ok(()) },
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
        tokio::time::sleep(SETTLE).await;
        let _ = changes.try_recv();
        if let Err(failure) = add_once(appliance, wish, path, only).await {
            let _ = writeln!(std::io::stderr(), "{failure}");
        }
    }
}

async fn find(appliance: &Appliance, wish: &SearchArguments) -> Result<Value, Failure> {
    let workspace = appliance.workspace(wish.workspace.as_deref()).await?;
    let call = Call::within(&workspace).json(&json!({ "query": wish.query, "limit": wish.limit }));
    appliance.send(Method::POST, "/api/v1/search", call).await
}

fn search(arguments: &SettingsArguments, wish: &SearchArguments) -> Result<(), Failure> {
    let found = with_appliance(arguments, async |appliance| find(appliance, wish).await)?;
    let mut output = std::io::stdout().lock();
    if wish.shown.json {
        let _ = writeln!(output, "{found}");
        return Ok(());
    }
    let results = found.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    for (place, passage) in (1..).zip(&results) {
        let number = |value: Option<&Value>| value.and_then(Value::as_f64).unwrap_or_default();
        let side = |key: &str| {
            let side = passage.get(key);
            let rank = side.and_then(|side| side.get("rank")).and_then(Value::as_u64);
            let rank = rank.map_or_else(|| "-".to_owned(), |rank| format!("#{rank}"));
            format!("{key} {:.3} {rank}", number(side.and_then(|side| side.get("score"))))
        };
        let title = format!("{} ({})", ask::text(passage, "title"), ask::text(passage, "name"));
        let _ = writeln!(output, "{place}. {title}");
        let _ = writeln!(
            output,
            "   score {:.3}, {}, {}",
            number(passage.get("score")),
            side("semantic"),
            side("keyword")
        );
        for line in ask::text(passage, "text").lines() {
            let _ = writeln!(output, "   {line}");
        }
    }
    if results.is_empty() {
        let _ = writeln!(output, "Nothing was found.");
    }
    let missing = found.get("explanation").and_then(|explanation| explanation.get("semantic_missing"));
    if let Some(reason) = missing.and_then(Value::as_str) {
        let _ = writeln!(output, "Looked up by words alone: {reason}");
    }
    if let Some(line) = found.pointer("/explanation/rerank").and_then(reranked) {
        let _ = writeln!(output, "{line}");
    }
    Ok(())
}

/// What a reranker made of the order; nothing where there was nothing to put in order.
fn reranked(rerank: &Value) -> Option<String> {
    let number = |key: &str| rerank.get(key).and_then(Value::as_u64).unwrap_or_default();
    let name = ask::text(rerank, "reranker");
    match rerank.get("outcome").and_then(Value::as_str) {
        Some("reordered") => Some(format!(
            "In the order of {name}: {} passages in {} ms for {} micro-dollars.",
            number("candidates"),
            number("took_us") / 1_000,
            number("cost")
        )),
        Some("too_few") | None => None,
        Some(_) => Some(format!("Not in the order of {name}: {}.", ask::text(rerank, "detail"))),
    }
}
