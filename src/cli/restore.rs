//! `frontdesk restore` and `frontdesk rollback`: the ways back. Both need the data directory for themselves.

use std::io::{BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::appliance::shown;
use super::backup::KeyArguments;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::base::{Clock as _, SystemClock, counted};
use crate::ops::{restore, rollback};
use crate::telemetry::start_log;

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The backup
    file: PathBuf,
    /// Restore though there is data: what is there is moved aside, not deleted
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    key: KeyArguments,
    #[command(flatten)]
    shown: Shown,
}

/// Restores a backup into the data directory of the settings.
pub(super) fn run(arguments: &SettingsArguments, wish: &RestoreArguments) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    let data_dir = &settings.store.data_dir;
    let opening = wish.key.opening()?;
    let input = BufReader::new(restore::open(&wish.file)?);
    let terminal = std::io::stderr().is_terminal();
    let mut entries = 0_u64;
    let told = |_: &str| {
        entries = entries.saturating_add(1);
        if terminal {
            let _ = write!(std::io::stderr(), "\rrestoring, {entries} entries ");
        }
    };
    let restored = restore::restore(input, &opening, data_dir, wish.force, SystemClock.now(), told);
    if terminal {
        let _ = writeln!(std::io::stderr());
    }
    let restored = restored?;
    let aside = restored.aside.as_deref().map(shown);
    let said = if wish.shown.json {
        let (manifest, contents) = (&restored.manifest, restored.contents);
        json!({ "data_dir": shown(data_dir), "aside": aside, "manifest": manifest, "contents": contents })
            .to_string()
    } else {
        sentence(data_dir, &restored, aside.as_deref())
    };
    say(&said);
    Ok(())
}

fn sentence(data_dir: &Path, restored: &restore::Restored, aside: Option<&str>) -> String {
    let manifest = &restored.manifest;
    let mut said = format!(
        "{} is as it was at {} ({}, {}, {}).",
        shown(data_dir),
        manifest.made_at,
        counted(restored.contents.keyspaces, "database", "databases"),
        counted(restored.contents.rows, "row", "rows"),
        counted(restored.contents.files, "file", "files")
    );
    if let Some(aside) = aside {
        said.push_str(&format!(
            "\nWhat was there before is in {aside}; delete it when you no longer need it."
        ));
    }
    if data_dir.join("configuration").is_dir() {
        let folder = shown(&data_dir.join("configuration"));
        said.push_str(&format!(
            "\nThe settings file that was in use is in {folder}; it is not read from there."
        ));
    }
    for one in &manifest.left_out {
        said.push_str(&format!("\n  not in the backup: {one}"));
    }
    said
}

/// Goes back to before the last upgrade.
pub(super) fn run_rollback(arguments: &SettingsArguments, how: Shown) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    let done = rollback::rollback(&settings.store.data_dir, SystemClock.now())?;
    let needs = match done.program.as_str() {
        "" => format!("the release with schema {}", done.schema),
        program => format!("Frontdesk {program}"),
    };
    let said = if how.json {
        json!({ "program": done.program, "schema": done.schema, "copy": shown(&done.copy), "aside": shown(&done.aside) })
            .to_string()
    } else {
        format!(
            "The data is as it was before the upgrade. Install {needs} before you start it: this release would upgrade it again.\n\
             What came after the upgrade is in {}.",
            shown(&done.aside)
        )
    };
    say(&said);
    Ok(())
}
