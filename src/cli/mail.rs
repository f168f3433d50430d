//! `frontdesk mail`: whether letters arrive, and if not, at which step it ends and what to do.
//!
//! As `ai check`, this reads the settings and makes its own way out by them, so it opens no data directory and works whether or not the
//! appliance runs; what it sends is in no ledger but on the screen.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::app;
use crate::base::{Clock, SystemClock};
use crate::config::Settings;
use crate::notify::mail::{self, Report, Step};
use crate::outbound::SmtpStep;

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Send a letter to an address and show each step: name, connection, encryption, sign-in, and whether the server took it
    ///
    /// The server is that of the section [mail] of the settings. Needs no data directory and no running appliance. Ends with 1
    /// at the step that failed, and says what to do.
    #[command(after_long_help = "Examples:
  frontdesk mail test you@example.com
  frontdesk mail test you@example.com --json")]
    Test(TestArguments),
}

#[derive(Debug, Args)]
pub(super) struct TestArguments {
    /// Where to send it, such as you@example.com
    address: String,
    #[command(flatten)]
    shown: Shown,
}

pub(super) fn run(arguments: &SettingsArguments, command: &MailCommand) -> Result<(), Failure> {
    let MailCommand::Test(wish) = command;
    let settings = arguments.load()?.settings;
    let report = super::run_async(try_out(&settings, &wish.address))?;
    let text = if wish.shown.json {
        serde_json::to_string(&report).map_err(|error| Failure::new(error.to_string()))?
    } else {
        shown(&report, &wish.address)
    };
    say(&text);
    match report.problem {
        None => Ok(()),
        Some(problem) => Err(Failure::new(problem)),
    }
}

async fn try_out(settings: &Settings, address: &str) -> Result<Report, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = app::outbound(settings, &clock, None).map_err(|error| Failure::from_any(&error))?;
    Ok(mail::test(&app::mail(settings), &outbound, address, clock.now()).await?)
}

fn name(step: SmtpStep) -> &'static str {
    match step {
        SmtpStep::Resolve => "name",
        SmtpStep::Connect => "connection",
        SmtpStep::Encrypt => "encryption",
        SmtpStep::SignIn => "sign-in",
        SmtpStep::Accept => "letter",
    }
}

fn shown(report: &Report, address: &str) -> String {
    let line = |step: &Step| {
        let verdict = if step.ok { "ok" } else { "failed" };
        format!("  {:<10}  {verdict:<6}  {:>6} ms  {}\n", name(step.step), step.took_ms, step.detail)
    };
    let mut shown = format!("Mail through {}\n", report.server);
    shown.extend(report.steps.iter().map(line));
    if report.ok {
        _ = write!(
            shown,
            "The server took the letter for {address}. If it does not arrive, look among the junk."
        );
    }
    shown.trim_end().to_owned()
}
