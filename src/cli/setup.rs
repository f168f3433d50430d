//! `frontdesk setup`: a new setup link, in place of the one printed at the first start; or, with everything given, the first
//! account and workspace without anybody at a browser.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::appliance::{Appliance, Call, shown};
use super::ask::text;
use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::base::Secret;
use crate::config::Settings;
use crate::telemetry::start_log;

/// What is longer is no password.
const PASSWORD_FILE_BYTES_MAX: u64 = 4 << 10;

/// The first account and workspace.
#[derive(Debug, Args)]
pub(super) struct SetupArguments {
    /// Set the appliance up now, with this address to sign in with; without it, a link for the browser is printed
    #[arg(long, requires_all = ["name", "workspace", "password_file"])]
    email: Option<String>,
    /// What the person is called
    #[arg(long, requires = "email")]
    name: Option<String>,
    /// What the first workspace is called
    #[arg(long, requires = "email")]
    workspace: Option<String>,
    /// A file that holds the password and nothing else; - for standard input
    #[arg(long, requires = "email", value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    shown: Shown,
}

/// The password in a file, without the line's end.
fn password_in(file: &Path) -> Result<Secret, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(PASSWORD_FILE_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file)
            .and_then(|file| file.take(PASSWORD_FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::new(format!("The password could not be read from {}: {error}", shown(file)))
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Sets the appliance up, or prints a new link while nobody has.
pub(super) fn run(arguments: &SettingsArguments, wish: &SetupArguments) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    let body = match (&wish.email, &wish.name, &wish.workspace, &wish.password_file) {
        (Some(email), Some(name), Some(workspace), Some(file)) => Some(json!({
            "email": email, "name": name, "workspace_name": workspace,
            "password": password_in(file)?.expose(),
        })),
        _ => None,
    };
    let said = super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let done = match &body {
            Some(body) => set_up(&appliance, body, wish.shown).await,
            None => link(&appliance, &settings, wish.shown).await,
        };
        appliance.close().await;
        done
    })?;
    say(&said);
    Ok(())
}

async fn set_up(appliance: &Appliance, body: &Value, how: Shown) -> Result<String, Failure> {
    let made = appliance.send(Method::POST, "/api/v1/setup", Call::default().json(body)).await?;
    let of = |part: &str, name: &str| made.get(part).map(|part| text(part, name)).unwrap_or_default();
    // The link that the first start printed is worth nothing any more.
    Ok(if how.json {
        made.to_string()
    } else {
        format!(
            "{} runs the appliance and owns the workspace {}. Sign in with {}.",
            of("account", "name"),
            of("tenant", "slug"),
            of("account", "email")
        )
    })
}

async fn link(appliance: &Appliance, settings: &Settings, how: Shown) -> Result<String, Failure> {
    let done = || Failure::new("The appliance has been set up. Sign in at its address.");
    let link = match &appliance.own {
        None => {
            let file = settings.store.data_dir.join(crate::app::SETUP_LINK_FILE);
            std::fs::read_to_string(&file).map_err(|_| done())?.trim_end().to_owned()
        }
        Some(app) => {
            let address = settings.server.public_address(settings.server.https_listen.port());
            app.issue_setup_link(&address).await?.ok_or_else(done)?
        }
    };
    Ok(if how.json { json!({ "link": link }).to_string() } else { link })
}
