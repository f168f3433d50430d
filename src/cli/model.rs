//! `frontdesk model`: the language models in the data directory, of which one can run inside the appliance.
//!
//! The commands work on the folder and need no running appliance; one that runs takes up what has changed when it is started anew.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::egress::aligned;
use super::{Failure, SettingsArguments, Shown};
use crate::ai::local::{Folder, FolderError, Found};

/// Bytes between two looks at the progress of a copy.
const PROGRESS_BYTES: u64 = 64 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// Copy a GGUF file into the data directory, check it, and note its SHA-256
    ///
    /// The file is read, loaded and asked for one word before it counts as added.
    #[command(after_long_help = "Examples:
  frontdesk model add qwen2.5-1.5b-instruct-q4_k_m.gguf
  frontdesk model add model.gguf --sha256 \"$(cat model.gguf.sha256)\"")]
    Add(AddArguments),
    /// Show the models of the data directory
    #[command(after_long_help = "Example:
  frontdesk model list")]
    List(Shown),
    /// Compare a model with its SHA-256 and try it out
    #[command(after_long_help = "Example:
  frontdesk model check qwen2.5-1.5b-instruct-q4_k_m.gguf")]
    Check(Named),
    /// Delete a model from the data directory
    #[command(after_long_help = "Example:
  frontdesk model remove qwen2.5-1.5b-instruct-q4_k_m.gguf")]
    Remove(Named),
}

/// Which model.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The file's name in the data directory
    name: String,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// The GGUF file of an instruct or chat model
    file: PathBuf,
    /// Refuse the file if it does not have this SHA-256
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, command: &ModelCommand) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    let folder = Folder::of(&settings.store.data_dir);
    match command {
        ModelCommand::Add(wish) => add(&folder, wish),
        ModelCommand::List(shown) => list(&folder, &settings.local_model.file, *shown),
        ModelCommand::Check(Named { name, shown }) => check(&folder, name, *shown),
        ModelCommand::Remove(Named { name, shown }) => {
            folder.remove(name).map_err(|error| failure(&error))?;
            shown.print(&json!({ "removed": name }), &format!("{name} is removed."));
            Ok(())
        }
    }
}

fn add(folder: &Folder, wish: &AddArguments) -> Result<(), Failure> {
    let total = std::fs::metadata(&wish.file).map_or(0, |metadata| metadata.len());
    let (mut shown, terminal) = (0, std::io::stderr().is_terminal());
    let progress = |copied: u64| {
        if terminal && copied >= shown + PROGRESS_BYTES {
            shown = copied;
            let _ = write!(std::io::stderr(), "\rcopied {} of {} MB", copied >> 20, total >> 20);
        }
    };
    let found = folder.add(&wish.file, wish.sha256.as_deref(), progress).map_err(|error| failure(&error))?;
    if terminal && shown > 0 {
        let _ = writeln!(std::io::stderr());
    }
    let mut text = described(&found);
    let _ = write!(text, "\n{}", tried(&found.path)?);
    let others = folder.list().map_err(|error| failure(&error))?.len();
    if others > 1 {
        let _ = write!(text, "\nThere are {others} models now: name the one to use in local_model.file.");
    }
    text.push_str("\nA running appliance uses it after its next start. It answers where assistant.provider is \"local\", the default.");
    wish.shown.print(&json!({ "model": line(&found), "models": others }), &text);
    Ok(())
}

/// A model for programs.
fn line(found: &Found) -> Map<String, Value> {
    let fields = [
        ("name", json!(found.name)),
        ("sha256", json!(found.digest)),
        ("header", json!(found.header.as_ref().ok())),
        ("problem", json!(found.header.as_ref().err().map(ToString::to_string))),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn list(folder: &Folder, chosen: &str, shown: Shown) -> Result<(), Failure> {
    let all = folder.list().map_err(|error| failure(&error))?;
    let used = match folder.choose(chosen) {
        Ok(found) => found.map(|found| found.name),
        Err(_) => None,
    };
    let models: Vec<_> = all
        .iter()
        .map(|found| {
            let mut model = line(found);
            model.insert("used".to_owned(), (used.as_ref() == Some(&found.name)).into());
            model
        })
        .collect();
    shown.print(&json!({ "models": models }), &table(&all, used.as_deref()));
    Ok(())
}

fn table(all: &[Found], used: Option<&str>) -> String {
    if all.is_empty() {
        return "There are no models in the data directory. Add one with: frontdesk model add FILE"
            .to_owned();
    }
    let mut rows = vec![["MODEL", "SIZE", "WEIGHTS", "CONTEXT", "LICENCE", ""].map(str::to_owned)];
    for found in all {
        let used = if used == Some(&found.name) { "used" } else { "" };
        rows.push(match &found.header {
            Ok(header) => [
                found.name.clone(),
                format!("{} MB", header.file_bytes >> 20),
                millions(header.parameters),
                format!("{} tokens", header.context_tokens),
                header.licence.clone().unwrap_or_else(|| "not stated".to_owned()),
                used.to_owned(),
            ],
            Err(error) => [
                found.name.clone(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                format!("cannot be used: {error}"),
            ],
        });
    }
    aligned(&rows, &[1, 2, 3])
}

fn check(folder: &Folder, name: &str, shown: Shown) -> Result<(), Failure> {
    let checked = checked(folder, name);
    if shown.json {
        let (found, problem) = match &checked {
            Ok((found, _)) => (json!(line(found)), None),
            Err(failure) => (json!({ "name": name }), Some(failure.to_string())),
        };
        shown.print(&json!({ "ok": checked.is_ok(), "model": found, "problem": problem }), "");
    }
    let (_, text) = checked?;
    if !shown.json {
        let _ = writeln!(std::io::stdout(), "{text}");
    }
    Ok(())
}

/// The model, and what is to be said of it.
fn checked(folder: &Folder, name: &str) -> Result<(Found, String), Failure> {
    let found = folder.choose(name).map_err(|error| failure(&error))?;
    let found = found.ok_or_else(|| failure(&FolderError::Unknown(name.to_owned())))?;
    if let Err(error) = &found.header {
        return Err(Failure::new(format!("{name} cannot be used: {error}")));
    }
    found.verify().map_err(|error| failure(&error))?;
    let digest = match &found.digest {
        Some(digest) => format!("SHA-256 {digest}, as noted when it was added."),
        None => "No SHA-256 was noted: the file was not added by command.".to_owned(),
    };
    let text = format!("{}\n{digest}\n{}", described(&found), tried(&found.path)?);
    Ok((found, text))
}

fn described(found: &Found) -> String {
    let Ok(header) = &found.header else { return found.name.clone() };
    format!(
        "{}: {} ({}), {} weights, {} MB, up to {} tokens, licence {}.",
        found.name,
        header.name.as_deref().unwrap_or("without a name"),
        header.architecture,
        millions(header.parameters),
        header.file_bytes >> 20,
        header.context_tokens,
        header.licence.as_deref().unwrap_or("not stated"),
    )
}

fn millions(count: u64) -> String {
    if count >= 1_000_000_000 {
        format!("{}.{} B", count / 1_000_000_000, count / 100_000_000 % 10)
    } else {
        format!("{}.{} M", count / 1_000_000, count / 100_000 % 10)
    }
}

/// What came of loading it and letting it write a token, in a process of its own.
#[cfg(feature = "local-model")]
fn tried(file: &Path) -> Result<String, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::new(error.to_string()))?;
    match crate::ai::local::try_in_second_process(&program, file) {
        Ok(()) => Ok("It loads and writes.".to_owned()),
        Err(error) => Err(Failure::new(format!("{}: {error}.", file.display()))),
    }
}

#[cfg(not(feature = "local-model"))]
#[expect(clippy::unnecessary_wraps, reason = "as with the engine, which may fail")]
fn tried(_: &Path) -> Result<String, Failure> {
    Ok("This build of Frontdesk cannot run local models, so it was not tried out.".to_owned())
}

fn failure(error: &FolderError) -> Failure {
    Failure::new(error.to_string())
}

/// `frontdesk try-model FILE`, hidden: loads the file and lets it write one token, in a process of its own.
#[cfg(feature = "local-model")]
pub(super) fn try_out(file: &Path) -> Result<(), Failure> {
    crate::ai::local::try_out(file).map_err(Failure::new)
}

#[cfg(not(feature = "local-model"))]
pub(super) fn try_out(_: &Path) -> Result<(), Failure> {
    Err(Failure::new("this build of Frontdesk cannot run local models".to_owned()))
}
