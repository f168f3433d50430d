//! `frontdesk support-bundle FILE`: writes what somebody needs who helps from afar, and nothing that anybody wrote.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::appliance::{Appliance, Call, shown};
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::telemetry::start_log;

/// Bytes of a bundle: thousands of lines and counts are not more.
const BUNDLE_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Args)]
pub(super) struct BundleArguments {
    /// The ZIP file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, wish: &BundleArguments) -> Result<(), Failure> {
    let loaded = arguments.load()?;
    let log = start_log(&loaded.settings.log)?;
    let bytes = super::run_async(async move {
        let appliance = Appliance::open(&loaded.settings).await?;
        if let Some(app) = &appliance.own {
            app.services().operations.has_log(log, loaded.values);
        }
        let fetched = fetch(&appliance).await;
        appliance.close().await;
        fetched
    })?;
    write(&wish.file, &bytes)?;
    let said = if wish.shown.json {
        json!({ "file": shown(&wish.file), "bytes": bytes.len() }).to_string()
    } else {
        format!(
            "{} holds findings, settings, counts and the log's newest lines, without secrets and without anything that anybody wrote. \
             Look through it before you send it.",
            shown(&wish.file)
        )
    };
    say(&said);
    Ok(())
}

async fn fetch(appliance: &Appliance) -> Result<Vec<u8>, Failure> {
    let body = appliance.stream("/api/v1/appliance/support-bundle", Call::default()).await?;
    let bytes = axum::body::to_bytes(body, BUNDLE_BYTES_MAX).await;
    bytes.map(Into::into).map_err(|error| Failure::new(format!("The bundle broke off: {error}")))
}

/// For the owner only: it says much of a site all the same.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", shown(path))))
}
