//! The support bundle: one ZIP file with what somebody needs who helps from afar, and nothing that anybody wrote.
//!
//! In it are the release, the findings of the examination, the settings without secrets, health, counts, how many rows each table
//! has, dead letters without what they are about, and the newest lines of the log. Every text passes [`redacted`] on its way in;
//! the counts of rows, which are none, do not.
//! Rows themselves, documents, messages, names and addresses of people are never read for it.

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::operations::{JOBS_COUNTED_MAX, Operations};
use crate::base::PageRequest;
use crate::jobs::{self, JobState, JobView};
use crate::store::{Error, Keyspace, KeyspaceId};
use crate::telemetry::redacted;

/// Databases whose rows are counted.
const DATABASES_MAX: usize = 1_000;
/// Dead letters of one database that are listed.
const DEAD_LETTERS_MAX: usize = 50;
/// Jobs that are looked at for them: so many pages of so many rows.
const PAGES_MAX: usize = 100;
const PAGE_ROWS: usize = 100;
/// What is said of why a job failed.
const REASON_CHARS_MAX: usize = 300;

/// Makes the bundle. Blocks for a moment.
pub(super) fn make(operations: &Operations) -> Result<Vec<u8>, Error> {
    let parts = &operations.parts;
    let (mut tables, mut letters) = (Vec::new(), Vec::new());
    parts.store.visit_open(|keyspace| {
        if tables.len() < DATABASES_MAX {
            tables.push(tally(keyspace));
            letters.push(dead_letters(keyspace));
        }
    });
    let counts = operations.job_counts();
    let about = json!({
        "version": env!("CARGO_PKG_VERSION"), "started_at": operations.started_at, "made_at": parts.clock.now(),
        "recovery": parts.recovery, "target": std::env::consts::ARCH, "system": std::env::consts::OS,
    });
    let jobs = json!({
        "waiting": counts.waiting, "running": counts.running, "dead": counts.dead,
        "counted_up_to": JOBS_COUNTED_MAX, "dead_letters": letters,
    });
    let settings: String = operations
        .values()
        .iter()
        .map(|setting| format!("{} = {}  # {}\n", setting.key, setting.shown, setting.origin))
        .collect();
    let log = operations.log().map(|log| log.latest().join("\n")).unwrap_or_default();
    let files = [
        ("about.json", pretty(&about)),
        ("findings.json", pretty(&json!(operations.findings()))),
        ("health.json", pretty(&json!(parts.health.readiness()))),
        ("settings.txt", settings),
        ("metrics.txt", operations.metrics_text()),
        ("jobs.json", pretty(&jobs)),
        ("log.txt", log),
    ];
    // Names of our tables, some of which sound like secrets, and numbers.
    archive(&files, ("tables.json", &pretty(&json!(tables))))
        .map_err(|error| Error::Damaged { table: "ops.bundle", reason: error.to_string() })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn name(keyspace: &Keyspace) -> String {
    match keyspace.id() {
        KeyspaceId::System => "system".to_owned(),
        KeyspaceId::Tenant(tenant) => tenant.to_string(),
    }
}

/// How many rows each table has.
fn tally(keyspace: &Keyspace) -> Value {
    match keyspace.tally() {
        Ok(rows) => {
            let rows: serde_json::Map<_, _> =
                rows.into_iter().map(|(table, rows)| (table, json!(rows))).collect();
            json!({ "database": name(keyspace), "rows": rows })
        }
        Err(error) => json!({ "database": name(keyspace), "error": redacted(&error.to_string()) }),
    }
}

fn dead_letters(keyspace: &Keyspace) -> Value {
    let mut letters = Vec::new();
    let mut page = PageRequest { after: None, limit: Some(PAGE_ROWS) };
    for _ in 0..PAGES_MAX {
        // A page holds those of its rows that are dead, which may be none.
        let Ok(found) = keyspace.read(|tx| jobs::list(tx, JobState::Dead, &page)) else { break };
        letters.extend(found.items.into_iter().map(letter));
        match found.next_cursor {
            Some(next) if letters.len() < DEAD_LETTERS_MAX => page.after = Some(next),
            _ => break,
        }
    }
    letters.truncate(DEAD_LETTERS_MAX);
    json!({ "database": name(keyspace), "letters": letters })
}

fn letter(job: JobView) -> Value {
    let reason: String = job.last_error.unwrap_or_default().chars().take(REASON_CHARS_MAX).collect();
    json!({ "id": job.id, "kind": job.name, "attempts": job.attempts, "created_at": job.created_at, "reason": reason })
}

/// `as_is` is written as it is, and everything else without what nobody else is to read.
fn archive(files: &[(&str, String)], as_is: (&str, &str)) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, SimpleFileOptions::default())?;
        for line in text.lines() {
            archive.write_all(redacted(line).as_bytes())?;
            archive.write_all(b"\n")?;
        }
    }
    archive.start_file(as_is.0, SimpleFileOptions::default())?;
    archive.write_all(as_is.1.as_bytes())?;
    Ok(archive.finish()?.into_inner())
}
