//! `frontdesk demo`: a workspace with the demo knowledge base, a question answered in the terminal, and the chat to try.
//!
//! With `--knowledge` the workspace holds that folder's documents instead. With `--ask` it answers one question and ends.
//! The demo keeps its data between runs, one directory for each knowledge base, so only what has changed is read again.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::Args;
use rust_embed::RustEmbed;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, folder};
use super::folder::{Documents, Source, delete_others, documents_of, send, watch};
use super::serve::{Doors, Origin, announce};
use super::{Failure, SettingsArguments, ask};
use crate::config::Settings;
use crate::telemetry::start_log;

/// The demo knowledge base, as it ships.
#[derive(RustEmbed)]
#[folder = "data/demo/"]
struct Shipped;

const WORKSPACE: &str = "demo";

/// What the demo does.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Answer this question, print the answer with its sources, and end
    #[arg(long, value_name = "QUESTION")]
    ask: Option<String>,
    /// With --ask: print one line of JSON
    #[arg(long, requires = "ask")]
    json: bool,
    /// Answer from the documents of this folder instead of the demo's
    #[arg(long, value_name = "FOLDER")]
    knowledge: Option<PathBuf>,
}

/// Shows the demo.
pub(super) fn run(arguments: &SettingsArguments, demo: &DemoArguments) -> Result<(), Failure> {
    let knowledge = demo.knowledge.as_deref().map(folder).transpose()?;
    let mut loaded = arguments.load()?;
    let (by_default_dir, by_default_log) =
        (loaded.is_default("store.data_dir"), loaded.is_default("log.level"));
    let mut settings = loaded.settings.clone();
    if by_default_dir {
        settings.store.data_dir = data_dir(&settings.store.data_dir, knowledge.as_deref());
    }
    // A demo is to be looked at, not to be read through.
    if by_default_log {
        "warn".clone_into(&mut settings.log.level);
    }
    let log = start_log(&settings.log)?;
    loaded.settings = settings.clone();
    let origin = Origin { arguments: arguments.clone(), loaded, log };
    let (question, as_json) = (demo.ask.clone(), demo.json);
    super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let brand = prepare(&appliance, knowledge.as_deref()).await?;
        match question {
            Some(question) => {
                let message = ask::ask(&appliance, WORKSPACE, &question).await?;
                let text = if as_json { ask::line(&message).to_string() } else { ask::shown(&message) };
                let _ = writeln!(std::io::stdout(), "{text}");
                appliance.close().await;
                Ok(())
            }
            None => show(appliance, &settings, &brand, origin).await,
        }
    })
}

/// Beside the usual data directory, and another one for each folder.
fn data_dir(usual: &Path, knowledge: Option<&Path>) -> PathBuf {
    let mut name = usual.as_os_str().to_owned();
    name.push("-demo");
    if let Some(folder) = knowledge {
        let hash = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        name.push(format!("-{}", hash.get(..12).unwrap_or_default()));
    }
    PathBuf::from(name)
}

fn shipped() -> Documents {
    Shipped::iter()
        .filter(|name| name.contains('/'))
        .filter_map(|name| Shipped::get(&name).map(|file| (name.into_owned(), Source::Bytes(file.data))))
        .collect()
}

/// How the demo's workspace looks: from the knowledge base's `questions.json`, if it has one.
fn brand_of(knowledge: Option<&Path>) -> Value {
    let text = match knowledge {
        Some(folder) => std::fs::read(folder.join("questions.json")).unwrap_or_default(),
        None => Shipped::get("questions.json").map(|file| file.data.into_owned()).unwrap_or_default(),
    };
    let file: Value = serde_json::from_slice(&text).unwrap_or_default();
    file.get("workspace")
        .filter(|brand| brand.is_object())
        .cloned()
        .unwrap_or_else(|| json!({ "name": "Demo" }))
}

/// Makes the workspace and brings its documents up to date.
async fn prepare(appliance: &Appliance, knowledge: Option<&Path>) -> Result<Value, Failure> {
    let brand = brand_of(knowledge);
    if appliance.send(Method::GET, &format!("/api/v1/widget/{WORKSPACE}"), Call::default()).await.is_err() {
        let new = json!({ "name": ask::text(&brand, "name"), "slug": WORKSPACE });
        appliance.send(Method::POST, "/api/v1/tenants", Call::default().json(&new)).await?;
    }
    appliance.send(Method::PATCH, "/api/v1/workspace", Call::within(WORKSPACE).json(&brand)).await?;
    let documents = match knowledge {
        Some(folder) => documents_of(folder, true)?,
        None => shipped(),
    };
    delete_others(appliance, WORKSPACE, &documents).await?;
    let sent = send(appliance, WORKSPACE, &documents, "").await?;
    let failed = watch(appliance, WORKSPACE).await?;
    for (name, reason) in sent.refused.iter().chain(&failed) {
        let _ = writeln!(std::io::stderr(), "{name}: {reason}");
    }
    Ok(brand)
}

async fn show(
    appliance: Appliance,
    settings: &Settings,
    brand: &Value,
    origin: Origin,
) -> Result<(), Failure> {
    let suggestions = brand.get("suggestions").and_then(Value::as_array);
    let question = suggestions.and_then(|all| all.first()).and_then(Value::as_str);
    let mut output = std::io::stdout();
    if let Some(question) = question {
        let message = ask::ask(&appliance, WORKSPACE, question).await?;
        let _ = writeln!(output, "\nQuestion: {question}\n\n{}\n", ask::shown(&message));
    }
    let Some(app) = appliance.own else {
        let _ = writeln!(output, "The demo is running already in another process.");
        return Ok(());
    };
    let doors = open_doors(&app, settings)?;
    announce(&app, &doors.address).await?;
    let address = &doors.address;
    let _ = writeln!(output, "Chat:      {address}/chat/{WORKSPACE}");
    let _ = writeln!(output, "Dashboard: {address}/");
    let _ = writeln!(output, "The certificate is the appliance's own; its authority is at {address}/ca.pem");
    let _ = writeln!(output, "Press Ctrl-C to stop.");
    let _ = output.flush();
    doors.serve(app, origin).await
}

/// On the usual port, or on any other when that is taken.
fn open_doors(app: &crate::app::App, settings: &Settings) -> Result<Doors, Failure> {
    let listen = settings.server.https_listen;
    Doors::open(app, settings, listen)
        .or_else(|_| Doors::open(app, settings, SocketAddr::new(listen.ip(), 0)))
}
