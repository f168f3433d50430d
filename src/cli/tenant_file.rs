//! `frontdesk tenant export` and `import`: the file that carries a workspace.

use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::appliance::{Appliance, Call, shown};
use super::ask::text;
use super::tenant::path;
use super::{Failure, Shown};
use crate::archive::{Contents, Limits, Manifest, Opening, Reader};
use crate::base::counted;

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The workspace's short name
    slug: String,
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// The file of an export
    file: PathBuf,
    /// A short name in place of its own; needed for a copy of a workspace that is here
    #[arg(long, value_name = "SHORT-NAME")]
    slug: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

/// Writes the file aside, reads it once to its end, and only then gives it its name.
pub(super) async fn export(appliance: &Appliance, wish: &ExportArguments) -> Result<String, Failure> {
    if wish.file.exists() {
        return Err(Failure::new(format!("{} is there already. Nothing was written.", shown(&wish.file))));
    }
    let folder = wish.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = tempfile::Builder::new().prefix(".frontdesk-workspace-").tempfile_in(folder);
    let aside = aside.map_err(|error| unwritten(&wish.file, &error))?;
    let path = format!("{}/export", path(appliance, &wish.slug).await?);
    let mut pieces = appliance.stream(&path, Call::default()).await?.into_data_stream();
    let copy = aside.reopen().map_err(|error| unwritten(&wish.file, &error))?;
    let mut file = tokio::fs::File::from_std(copy);
    while let Some(piece) = pieces.next().await {
        let piece = piece
            .map_err(|error| Failure::new(format!("The export broke off: {error}. Nothing was written.")))?;
        file.write_all(&piece).await.map_err(|error| unwritten(&wish.file, &error))?;
    }
    file.sync_all().await.map_err(|error| unwritten(&wish.file, &error))?;
    let (manifest, contents) = read_through(aside.path())?;
    aside.persist_noclobber(&wish.file).map_err(|error| unwritten(&wish.file, &error.error))?;
    let bytes = std::fs::metadata(&wish.file).map_or(0, |about| about.len());
    if wish.shown.json {
        let said = json!({
            "file": shown(&wish.file), "bytes": bytes, "rows": contents.rows, "files": contents.files,
            "left_out": manifest.left_out,
        });
        return Ok(said.to_string());
    }
    let left_out = listed("It does not hold:", &manifest.left_out);
    Ok(format!(
        "{} holds {}: {}, {}, {}. It is not encrypted; keep it as you keep the workspace.{left_out}",
        shown(&wish.file),
        wish.slug,
        counted(contents.rows, "row", "rows"),
        counted(contents.files, "file", "files"),
        counted(bytes, "byte", "bytes")
    ))
}

fn unwritten(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", shown(file)))
}

/// Reads an archive to its end, which proves it whole.
fn read_through(file: &Path) -> Result<(Manifest, Contents), Failure> {
    let input = std::fs::File::open(file).map_err(|error| unwritten(file, &error))?;
    let mut reader = Reader::open(std::io::BufReader::new(input), &Opening::None, Limits::default())?;
    let manifest = reader.manifest().clone();
    while reader.next_entry()?.is_some() {}
    Ok((manifest, reader.contents()))
}

fn listed(head: &str, sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = sentences.iter().map(|sentence| format!("\n  - {sentence}")).collect();
    format!("\n{head}{}", lines.concat())
}

pub(super) async fn import(appliance: &Appliance, wish: &ImportArguments) -> Result<String, Failure> {
    let slug = wish.slug.as_ref().map_or_else(String::new, |slug| {
        let encoded: String = url::form_urlencoded::byte_serialize(slug.as_bytes()).collect();
        format!("?slug={encoded}")
    });
    let file = tokio::fs::File::open(&wish.file).await;
    let file =
        file.map_err(|error| Failure::new(format!("{} cannot be read: {error}", shown(&wish.file))))?;
    let taken = appliance.upload(&format!("/api/v1/tenants/import{slug}"), file).await?;
    if wish.shown.json {
        return Ok(taken.to_string());
    }
    let number = |key: &str| taken.get(key).and_then(Value::as_u64).unwrap_or_default();
    let absent: Vec<String> = taken
        .get("not_imported")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| format!("{} <{}>, {}", text(one, "name"), text(one, "email"), text(one, "role")))
        .collect();
    let strings = taken.get("left_out").and_then(Value::as_array).into_iter().flatten();
    let left_out: Vec<String> = strings.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(format!(
        "{} is here as {}: {}, {}, {}.{}{}",
        text(&taken, "name"),
        text(&taken, "slug"),
        counted(number("rows"), "row", "rows"),
        counted(number("files"), "file", "files"),
        counted(number("members"), "member", "members"),
        listed("These people are not members here; invite them:", &absent),
        listed("The file did not hold:", &left_out)
    ))
}
