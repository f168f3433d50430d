//! A folder of documents, brought into a workspace: what is new or changed is sent, and the reading of it watched.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Method;
use serde_json::Value;
use walkdir::WalkDir;

use super::Failure;
use super::appliance::{Appliance, Call, shown};

/// The most files of one folder.
const FILES_MAX: usize = 100_000;
/// How deep folders are followed.
const DEPTH_MAX: usize = 32;
/// How often the reading is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// In the root of a demo knowledge base: about it, and not of it.
const NOT_DOCUMENTS: [&str; 2] = ["README.md", "questions.json"];

/// A document to be: its name, and where its bytes are.
pub(super) enum Source {
    /// A file.
    File(PathBuf),
    /// Compiled in.
    Bytes(std::borrow::Cow<'static, [u8]>),
}

/// Documents by name.
pub(super) type Documents = BTreeMap<String, Source>;

/// The files below `folder` whose names do not begin with a dot.
pub(super) fn documents_of(folder: &Path, is_demo: bool) -> Result<Documents, Failure> {
    let mut documents = Documents::new();
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
    };
    for entry in
        WalkDir::new(folder).max_depth(DEPTH_MAX).sort_by_file_name().into_iter().filter_entry(visible)
    {
        let entry = entry.map_err(|error| Failure::new(format!("The folder cannot be read: {error}")))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let name = parts.join("/");
        if is_demo && NOT_DOCUMENTS.contains(&name.as_str()) {
            continue;
        }
        documents.insert(name, Source::File(entry.path().to_path_buf()));
        if documents.len() > FILES_MAX {
            return Err(Failure::new(format!("{} holds more than {FILES_MAX} files.", shown(folder))));
        }
    }
    Ok(documents)
}

/// What sending came to.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Refused by the appliance, with its sentence.
    pub(super) refused: Vec<(String, String)>,
    /// Accepted, new or known.
    pub(super) accepted: usize,
}

/// Sends every document; the appliance tells new, changed and known ones apart by their bytes.
pub(super) async fn send(
    appliance: &Appliance,
    workspace: &str,
    documents: &Documents,
    prefix: &str,
) -> Result<Sent, Failure> {
    let mut sent = Sent::default();
    for (name, source) in documents {
        let bytes = match source {
            Source::Bytes(bytes) => bytes.to_vec(),
            Source::File(path) => match tokio::fs::read(path).await {
                Ok(bytes) => bytes,
                Err(error) => {
                    sent.refused.push((name.clone(), format!("it cannot be read: {error}")));
                    continue;
                }
            },
        };
        let mut call = Call::within(workspace);
        call.body = Some(("application/octet-stream", bytes));
        let encoded: String =
            url::form_urlencoded::byte_serialize(format!("{prefix}{name}").as_bytes()).collect();
        let path = format!("/api/v1/documents/by-name/{}", encoded.replace('+', "%20"));
        match appliance.send(Method::PUT, &path, call).await {
            Ok(_) => sent.accepted += 1,
            Err(failure) => sent.refused.push((name.clone(), failure.to_string())),
        }
    }
    Ok(sent)
}

/// Deletes the documents of the workspace that are not in `documents`.
pub(super) async fn delete_others(
    appliance: &Appliance,
    workspace: &str,
    documents: &Documents,
) -> Result<(), Failure> {
    for document in list(appliance, workspace, "").await? {
        let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
        let id = document.get("id").and_then(Value::as_str).unwrap_or_default();
        if !documents.contains_key(name) {
            appliance
                .send(Method::DELETE, &format!("/api/v1/documents/{id}"), Call::within(workspace))
                .await?;
        }
    }
    Ok(())
}

/// All documents of the workspace whose filter is `filter`, such as `&state=failed`.
pub(super) async fn list(
    appliance: &Appliance,
    workspace: &str,
    filter: &str,
) -> Result<Vec<Value>, Failure> {
    let mut documents = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/documents?limit=100{filter}{cursor}");
        let page = appliance.send(Method::GET, &path, Call::within(workspace)).await?;
        documents.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(documents),
        }
    }
}

/// Waits until every document is ready or has failed, showing how far it is; returns the failed ones' names and reasons.
pub(super) async fn watch(appliance: &Appliance, workspace: &str) -> Result<Vec<(String, String)>, Failure> {
    let shows = std::io::stderr().is_terminal();
    let mut told = String::new();
    loop {
        let documents = list(appliance, workspace, "").await?;
        let state =
            |document: &Value, state: &str| document.get("state").and_then(Value::as_str) == Some(state);
        let ended = documents.iter().filter(|one| state(one, "ready") || state(one, "failed")).count();
        let number = |document: &Value, key: &str| {
            document
                .get("progress")
                .and_then(|progress| progress.get(key))
                .and_then(Value::as_u64)
                .unwrap_or(0)
        };
        let (done, total) = documents
            .iter()
            .fold((0, 0), |(done, total), one| (done + number(one, "done"), total + number(one, "total")));
        if shows {
            let line =
                format!("\rReading: {ended} of {} documents, {done} of {total} passages ", documents.len());
            let _ = write!(std::io::stderr(), "{line}");
        }
        if let Some(waits) = documents.iter().find_map(waiting).filter(|waits| *waits != told) {
            let _ = writeln!(std::io::stderr(), "{}Waiting: {waits}", if shows { "\n" } else { "" });
            waits.clone_into(&mut told);
        }
        if ended == documents.len() {
            if shows {
                let _ = write!(std::io::stderr(), "\r{:70}\r", "");
            }
            return Ok(documents.iter().filter(|one| state(one, "failed")).map(failure).collect());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What a document waits for, if it does not get on.
fn waiting(document: &Value) -> Option<&str> {
    document.get("waiting")?.get("detail")?.as_str()
}

fn failure(document: &Value) -> (String, String) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    (text(document.get("name")), text(document.get("failure").and_then(|failure| failure.get("detail"))))
}
