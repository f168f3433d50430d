//! `frontdesk audit`: the audit trail listed, taken out, and verified; a file of it verified where there is no appliance.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, shown, with_appliance};
use super::ask::text;
use super::egress::aligned;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::base::counted;
use crate::identity::audit::verify_file;

/// Rows of a page that is asked for.
const PAGE_ROWS: usize = 100;
/// What stands where there is nothing to say.
const NOTHING: &str = "-";

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Show who did what, newest first: on the appliance, or in one workspace
    #[command(after_long_help = "Examples:
  frontdesk audit list
  frontdesk audit list --workspace acme --action member.removed
  frontdesk audit list --actor console --limit 500 --json")]
    List(Listed),
    /// Write the trail out, a line of JSON for each entry, to a file or to standard output
    ///
    /// Whoever has the file can prove it whole with frontdesk audit verify FILE, without this appliance.
    #[command(after_long_help = "Examples:
  frontdesk audit export audit.jsonl
  frontdesk audit export acme.jsonl --workspace acme --json
  frontdesk audit export > audit.jsonl")]
    Export(Exported),
    /// Check that no entry was changed, removed, added or cut off: in the whole appliance, or in an exported file
    ///
    /// Without FILE every trail of this appliance is checked: its own and each workspace's. The first entry that does not
    /// hold is named, and the command ends with 1.
    #[command(after_long_help = "Examples:
  frontdesk audit verify
  frontdesk audit verify --workspace acme
  frontdesk audit verify audit.jsonl --json")]
    Verify(Checked),
}

#[derive(Debug, Args)]
pub(super) struct Listed {
    /// What concerns this workspace, in place of the appliance's trail
    #[arg(long, value_name = "SHORT-NAME")]
    workspace: Option<String>,
    /// Only what happened so, such as member.removed
    #[arg(long)]
    action: Option<String>,
    /// Only what this one did: an id, or console, appliance, nobody
    #[arg(long)]
    actor: Option<String>,
    /// Entries at most, the newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct Exported {
    /// Where to; standard output when not given
    file: Option<PathBuf>,
    /// What concerns this workspace, in place of the appliance's trail
    #[arg(long, value_name = "SHORT-NAME")]
    workspace: Option<String>,
    /// Print one line of JSON about the file that was written
    #[arg(long, requires = "file")]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Checked {
    /// A file that was exported; the appliance's trails when not given
    #[arg(conflicts_with = "workspace")]
    file: Option<PathBuf>,
    /// Check only this workspace's own trail
    #[arg(long, value_name = "SHORT-NAME")]
    workspace: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, command: &AuditCommand) -> Result<(), Failure> {
    if let AuditCommand::Verify(Checked { file: Some(file), shown, .. }) = command {
        return check_file(file, *shown);
    }
    with_appliance(arguments, async |appliance| match command {
        AuditCommand::List(wish) => list(appliance, wish).await,
        AuditCommand::Export(wish) => export(appliance, wish).await,
        AuditCommand::Verify(wish) => check(appliance, wish).await,
    })
}

/// The appliance's route, or the workspace's.
fn route(workspace: Option<&str>, rest: &str) -> String {
    let base = if workspace.is_some() { "/api/v1/audit" } else { "/api/v1/appliance/audit" };
    format!("{base}{rest}")
}

fn call(workspace: Option<&str>) -> Call<'_> {
    Call { workspace, ..Call::default() }
}

async fn list(appliance: &Appliance, wish: &Listed) -> Result<(), Failure> {
    let limit = usize::try_from(wish.limit).unwrap_or(PAGE_ROWS);
    let workspace = wish.workspace.as_deref();
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    while entries.len() < limit {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &PAGE_ROWS.min(limit - entries.len()).to_string());
        let given =
            [("action", wish.action.as_ref()), ("actor", wish.actor.as_ref()), ("cursor", cursor.as_ref())];
        for (name, value) in given {
            value.into_iter().for_each(|value| _ = query.append_pair(name, value));
        }
        let path = route(workspace, &format!("?{}", query.finish()));
        let page = appliance.send(Method::GET, &path, call(workspace)).await?;
        entries.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    say(&if wish.shown.json { json!({ "items": entries }).to_string() } else { table(&entries) });
    Ok(())
}

fn table(entries: &[Value]) -> String {
    if entries.is_empty() {
        return "Nothing was written down.".to_owned();
    }
    let mut rows = vec![["at", "who", "what", "about", "how", "from"].map(str::to_owned)];
    rows.extend(entries.iter().map(row));
    aligned(&rows, &[]).trim_end().to_owned()
}

fn row(entry: &Value) -> [String; 6] {
    let word = |value: &Value, key: &str| Some(text(value, key)).filter(|word| !word.is_empty());
    let or_nothing = |word: Option<String>| word.unwrap_or_else(|| NOTHING.to_owned());
    let actor = entry.get("actor").cloned().unwrap_or_default();
    let who = word(&actor, "name").or_else(|| word(&actor, "id")).or_else(|| word(&actor, "kind"));
    let about = word(entry, "subject_name").or_else(|| word(entry, "subject"));
    let details = entry.get("details").and_then(Value::as_object);
    let how: Vec<_> = details
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let how = Some(how.join(" ")).filter(|how| !how.is_empty());
    [
        text(entry, "at"),
        or_nothing(who),
        text(entry, "action"),
        or_nothing(about),
        or_nothing(how),
        or_nothing(word(entry, "address")),
    ]
}

async fn export(appliance: &Appliance, wish: &Exported) -> Result<(), Failure> {
    let workspace = wish.workspace.as_deref();
    let body = appliance.stream(&route(workspace, "/export"), call(workspace)).await?;
    let mut lines = body.into_data_stream();
    let failed = |path: &Path| {
        let path = shown(path);
        move |error: std::io::Error| Failure::new(format!("The file {path} cannot be written: {error}"))
    };
    let mut output: Box<dyn Write> = match &wish.file {
        Some(path) => Box::new(File::create_new(path).map_err(failed(path))?),
        None => Box::new(std::io::stdout()),
    };
    let (mut entries, mut bytes) = (0_usize, 0_usize);
    while let Some(piece) = lines.next().await {
        let piece = piece
            .map_err(|error| Failure::new(format!("The export broke off, so it is not whole: {error}")))?;
        entries += piece.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"entry\"")).count();
        bytes += piece.len();
        let written = output.write_all(&piece);
        written.map_err(failed(wish.file.as_deref().unwrap_or(Path::new("standard output"))))?;
    }
    let Some(path) = &wish.file else { return Ok(()) };
    output.flush().map_err(failed(path))?;
    let path = shown(path);
    say(&if wish.json {
        json!({ "file": path, "bytes": bytes }).to_string()
    } else {
        format!(
            "The trail is written to {path}: {}, {}.",
            number_of(entries),
            counted(bytes, "byte", "bytes")
        )
    });
    Ok(())
}

fn number_of(entries: impl Display + PartialEq + From<u8> + Copy) -> String {
    counted(entries, "entry", "entries")
}

/// One trail and what was found of it.
struct Found {
    whose: String,
    answer: Value,
}

impl Found {
    fn is_whole(&self) -> bool {
        self.answer.get("broken").is_none_or(Value::is_null)
    }

    fn sentence(&self) -> String {
        let entries = self.answer.get("entries").and_then(Value::as_u64).unwrap_or_default();
        if self.is_whole() {
            format!(
                "{}: {}, whole. The last has the hash {}.",
                self.whose,
                number_of(entries),
                text(&self.answer, "hash")
            )
        } else {
            format!("{}: {}.", self.whose, text(&self.answer, "detail"))
        }
    }
}

async fn check(appliance: &Appliance, wish: &Checked) -> Result<(), Failure> {
    let mut found = Vec::new();
    let workspaces = if let Some(only) = &wish.workspace {
        vec![only.clone()]
    } else {
        let answer = appliance.send(Method::GET, &route(None, "/verification"), Call::default()).await?;
        found.push(Found { whose: "The appliance".to_owned(), answer });
        appliance.workspaces().await?
    };
    for slug in &workspaces {
        let path = route(Some(slug), "/verification");
        let answer = appliance.send(Method::GET, &path, Call::within(slug)).await?;
        found.push(Found { whose: format!("The workspace {slug}"), answer });
    }
    if wish.shown.json {
        let trails = found.iter().map(|one| {
            let mut trail = one.answer.clone();
            if let Some(object) = trail.as_object_mut() {
                object.insert("whose".to_owned(), one.whose.clone().into());
            }
            trail
        });
        say(&json!({ "trails": trails.collect::<Vec<_>>() }).to_string());
    } else {
        found.iter().filter(|one| one.is_whole()).for_each(|one| say(&one.sentence()));
    }
    match found.iter().find(|one| !one.is_whole()) {
        None => Ok(()),
        Some(first) => Err(Failure::new(format!("The audit trail does not hold. {}", first.sentence()))),
    }
}

fn check_file(path: &Path, how: Shown) -> Result<(), Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new(format!("The file {} cannot be read: {error}", shown(path)));
    let verified = verify_file(BufReader::new(File::open(path).map_err(unreadable)?)).map_err(unreadable)?;
    let (entries, broken) = (verified.entries, verified.broken);
    if how.json {
        let broken =
            broken.as_ref().map(|broken| json!({ "line": broken.line, "detail": broken.to_string() }));
        say(&json!({ "file": shown(path), "entries": entries, "broken": broken }).to_string());
    }
    match broken {
        Some(broken) => Err(Failure::new(format!("The file does not hold: {broken}."))),
        None if how.json => Ok(()),
        None => {
            say(&format!("{}: {}, whole.", shown(path), number_of(entries)));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_who_did_what_by_name_where_there_is_one() {
        let entries = [
            json!({"at": "2026-01-01T00:00:00.000Z", "action": "member.removed", "actor": {"kind": "account", "id": "acc_1", "name": "Ada"},
                "subject": "acc_2", "subject_name": null, "details": {"role_before": "agent"}, "address": "192.0.2.1"}),
            json!({"at": "2026-01-01T00:00:00.000Z", "action": "backup.made", "actor": {"kind": "console", "id": null, "name": null},
                "subject": null, "subject_name": null, "details": {}, "address": null}),
        ];
        let shown = table(&entries);
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[1].contains("Ada") && lines[1].contains("acc_2"), "{shown}");
        assert!(lines[1].ends_with("role_before=agent  192.0.2.1"), "{shown}");
        assert!(lines[2].contains("console") && lines[2].ends_with('-'), "{shown}");
        assert_eq!(table(&[]), "Nothing was written down.");
    }
}
