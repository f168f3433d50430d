//! `frontdesk backup`: makes, lists and proves backups.
//!
//! One is made by the appliance that has the data directory, running or not, as the dashboard has it made; a file that is named is
//! then taken from it. What proves one looks at the file alone.

use std::io::{BufReader, BufWriter, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Method;
use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, shown};
use super::ask::text;
use super::egress::aligned;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::app::passphrase;
use crate::archive::{Opening, Protection, Recipient, Seal};
use crate::base::counted;
use crate::config::Settings;
use crate::ops::{Pace, restore, verify};
use crate::telemetry::start_log;

/// How often the appliance is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const BACKUPS: &str = "/api/v1/appliance/backups";
const IDENTITY_BYTES_MAX: u64 = 64 << 10;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct BackupArguments {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// Where to put it; in the folder of the backups when not given
    file: Option<PathBuf>,
    /// Encrypt FILE to this age public key (age1...)
    #[arg(long, value_name = "AGE1...", requires = "file", conflicts_with = "passphrase_file")]
    recipient: Option<String>,
    /// Encrypt FILE with the passphrase that this file holds
    #[arg(long, value_name = "FILE", requires = "file")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Show the backups, newest first, and whether each was proven good
    ///
    /// Those in the folder of the backups, made by the plan, by the dashboard or by this command.
    #[command(after_long_help = "Examples:
  frontdesk backup list
  frontdesk backup list --json")]
    List(Shown),
    /// Prove that a backup can be restored: unpack it aside, open and count everything, compare every hash
    ///
    /// Looks at the file alone and needs no data directory, so it can be done on another machine. Ends with 1 when the backup is
    /// not good.
    #[command(after_long_help = "Examples:
  frontdesk backup verify frontdesk.backup
  frontdesk backup verify frontdesk.backup --identity backup-key.txt
  frontdesk backup verify frontdesk.backup --passphrase-file ./passphrase --json")]
    Verify {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        key: KeyArguments,
        #[command(flatten)]
        shown: Shown,
    },
}

/// What opens an encrypted backup.
#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// The file with the age identity that opens it
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// The file with the passphrase that opens it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl KeyArguments {
    pub(super) fn opening(&self) -> Result<Opening, Failure> {
        use std::io::Read as _;
        if let Some(path) = &self.identity {
            let mut text = String::new();
            let read = std::fs::File::open(path);
            read.and_then(|file| file.take(IDENTITY_BYTES_MAX).read_to_string(&mut text))
                .map_err(|error| Failure::new(format!("The file {} cannot be read: {error}", shown(path))))?;
            return Ok(Opening::parse_identity(&text)?);
        }
        Ok(match &self.passphrase_file {
            Some(path) => Opening::Passphrase(read_passphrase(path)?),
            None => Opening::None,
        })
    }
}

fn read_passphrase(path: &Path) -> Result<crate::base::Secret, Failure> {
    passphrase(path)
        .map_err(|error| Failure::new(format!("The passphrase in {} cannot be used: {error}", shown(path))))
}

pub(super) fn run(arguments: &SettingsArguments, wish: &BackupArguments) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    let said = match &wish.command {
        None => super::run_async(make(settings, wish))?,
        Some(BackupCommand::List(shown)) => super::run_async(list(settings, *shown))?,
        Some(BackupCommand::Verify { file, key, shown }) => prove(file, key, *shown)?,
    };
    say(&said);
    Ok(())
}

async fn make(settings: Settings, wish: &BackupArguments) -> Result<String, Failure> {
    let protection = match (&wish.recipient, &wish.passphrase_file) {
        (Some(recipient), _) => Protection::Recipients(vec![Recipient::parse(recipient)?]),
        (None, Some(path)) => Protection::Passphrase(read_passphrase(path)?),
        (None, None) => Protection::None,
    };
    if let Some(file) = wish.file.as_ref().filter(|file| file.exists()) {
        return Err(Failure::new(format!("{} is there already. Choose another name.", shown(file))));
    }
    let appliance = Appliance::open(&settings).await?;
    let made = make_with(&appliance, wish.file.as_deref(), &protection).await;
    appliance.close().await;
    let (mut made, place) = made?;
    let sealed = !matches!(protection, Protection::None);
    let encrypted = sealed || made.get("encrypted").and_then(Value::as_bool).unwrap_or(false);
    if !encrypted {
        let _ = writeln!(
            std::io::stderr(),
            "This backup is not encrypted: it holds the appliance's key, and with it every secret. Keep it where only you can \
             read it, or encrypt backups with [backup] recipient or --recipient."
        );
    }
    if wish.shown.json {
        if let Some(made) = made.as_object_mut() {
            made.insert("encrypted".to_owned(), encrypted.into());
            made.insert("file".to_owned(), place.map_or(Value::Null, |path| shown(&path).into()));
        }
        return Ok(made.to_string());
    }
    let bytes = made.get("bytes").and_then(Value::as_u64).unwrap_or_default();
    let where_to = place.map_or_else(|| text(&made, "name"), |path| shown(&path));
    Ok(format!("{where_to}: {}, restored aside and proven good.", counted(bytes, "byte", "bytes")))
}

/// Has a backup made, waits for it, and takes it where a file is named. What the appliance says of it, and where it is.
async fn make_with(
    appliance: &Appliance,
    file: Option<&Path>,
    protection: &Protection,
) -> Result<(Value, Option<PathBuf>), Failure> {
    let asked = appliance.send(Method::POST, BACKUPS, Call::default()).await?;
    let name = text(&asked, "name");
    let made = wait(appliance, &name).await?;
    if made.get("verified_at").is_none_or(Value::is_null) {
        let problem = text(&made, "problem");
        return Err(Failure::new(format!("The backup {name} was made and is not good. {problem}")));
    }
    let Some(file) = file else { return Ok((made, None)) };
    let path = format!("{BACKUPS}/{name}");
    take(appliance, &path, file, protection).await?;
    // It was made to be taken away; what is left would be a second one that nobody asked for.
    appliance.send(Method::DELETE, &path, Call::default()).await?;
    Ok((made, Some(file.to_path_buf())))
}

/// Waits until the backup is in the list, proven or not.
async fn wait(appliance: &Appliance, name: &str) -> Result<Value, Failure> {
    let terminal = std::io::stderr().is_terminal();
    loop {
        let list = appliance.send(Method::GET, BACKUPS, Call::default()).await?;
        let running = list.get("running").filter(|running| text(running, "name") == name);
        let found = list.get("items").and_then(Value::as_array);
        let found = found.into_iter().flatten().find(|one| text(one, "name") == name);
        if let Some(running) = running.filter(|_| terminal) {
            let bytes = running.get("bytes").and_then(Value::as_u64).unwrap_or_default();
            let step = if found.is_some() { "proving" } else { "writing" };
            let _ = write!(std::io::stderr(), "\r{step}, {} MiB ", bytes >> 20);
        }
        if let (None, Some(found)) = (running, found) {
            if terminal {
                let _ = writeln!(std::io::stderr());
            }
            return Ok(found.clone());
        }
        let failure = list.get("last_failure").filter(|failure| text(failure, "name") == name);
        if let (None, Some(failure)) = (running, failure) {
            return Err(Failure::new(format!("The backup failed. {}", text(failure, "problem"))));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Copies a backup out of the appliance, beside its name first.
async fn take(
    appliance: &Appliance,
    path: &str,
    file: &Path,
    protection: &Protection,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{} cannot be written: {error}", shown(file)));
    let unfinished = file.with_added_extension("unfinished");
    let mut options = std::fs::OpenOptions::new();
    let output =
        options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let mut output = Seal::begin(BufWriter::new(output), protection)?;
    let mut body = appliance.stream(path, Call::default()).await?.into_data_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| Failure::new(format!("The backup broke off: {error}")))?;
        output.write_all(&piece).map_err(failed)?;
    }
    let mut output = output.finish()?;
    output.flush().and_then(|()| output.get_ref().sync_all()).map_err(failed)?;
    std::fs::rename(&unfinished, file).map_err(failed)
}

async fn list(settings: Settings, shown: Shown) -> Result<String, Failure> {
    let appliance = Appliance::open(&settings).await?;
    let list = appliance.send(Method::GET, BACKUPS, Call::default()).await;
    appliance.close().await;
    let list = list?;
    Ok(if shown.json { list.to_string() } else { table(&list) })
}

fn table(list: &Value) -> String {
    let items: Vec<_> = list.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    if items.is_empty() {
        return "There is no backup yet. `frontdesk backup` makes one.".to_owned();
    }
    let mut rows = vec![["made", "bytes", "encrypted", "state", "name"].map(str::to_owned)];
    rows.extend(items.iter().map(|one| {
        let state = match (text(one, "verified_at"), text(one, "problem")) {
            (at, _) if !at.is_empty() => "good".to_owned(),
            (_, problem) if !problem.is_empty() => problem,
            _ => "not proven".to_owned(),
        };
        let bytes = one.get("bytes").and_then(Value::as_u64).unwrap_or_default();
        let encrypted = one.get("encrypted").and_then(Value::as_bool).unwrap_or_default();
        let encrypted = if encrypted { "yes" } else { "no" };
        [text(one, "made_at"), bytes.to_string(), encrypted.to_owned(), state, text(one, "name")]
    }));
    aligned(&rows, &[1]).trim_end().to_owned()
}

fn prove(file: &Path, key: &KeyArguments, how: Shown) -> Result<String, Failure> {
    let opening = key.opening()?;
    let input = restore::open(file)?;
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch =
        tempfile::Builder::new().prefix(".verify-").tempdir_in(beside).or_else(|_| tempfile::tempdir());
    let scratch =
        scratch.map_err(|error| Failure::new(format!("There is no place to unpack the backup: {error}")))?;
    let proof = verify::verify(BufReader::new(input), &opening, scratch.path(), Pace::full())?;
    let contents = proof.contents;
    if how.json {
        return Ok(json!({ "good": true, "manifest": proof.manifest, "contents": contents }).to_string());
    }
    let mut said = format!(
        "{} is good: made {} by Frontdesk {}, {} with {}, {}, {}.",
        shown(file),
        proof.manifest.made_at,
        proof.manifest.program,
        counted(contents.keyspaces, "database", "databases"),
        counted(contents.rows, "row", "rows"),
        counted(contents.files, "file", "files"),
        counted(contents.bytes, "byte", "bytes")
    );
    for one in &proof.manifest.left_out {
        said.push_str(&format!("\n  not in it: {one}"));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_of_each_whether_it_is_good() {
        let shown = table(&json!({"items": [
            {"name": "b", "made_at": "2026-01-02T00:00:00Z", "bytes": 12, "encrypted": true, "verified_at": "2026-01-02T00:00:01Z", "problem": null},
            {"name": "a", "made_at": "2026-01-01T00:00:00Z", "bytes": 1234, "encrypted": false, "verified_at": null, "problem": "cut off"},
        ]}));
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[1].contains("yes") && lines[1].contains("good") && lines[1].ends_with('b'), "{shown}");
        assert!(lines[2].contains("cut off") && lines[2].ends_with('a'), "{shown}");
        assert!(table(&json!({"items": []})).contains("frontdesk backup"));
    }
}
