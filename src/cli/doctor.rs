//! `frontdesk doctor`: examines the appliance and names each fault with its fix.
//!
//! A running appliance examines itself and tells through the control socket. One that is stopped is examined from outside, and
//! nothing of it is changed: no file but the lock is made, no database repaired or brought up to date. Servers that the settings name are asked
//! from here either way, with no key.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::shown::say;
use super::{Failure, SettingsArguments, Shown};
use crate::app;
use crate::base::{Clock, Fault as _, SystemClock};
use crate::config::Settings;
use crate::http::{self, control};
use crate::ops::{Finding, FindingState, examine};
use crate::store::{self, DataDirectory};

/// Succeeds unless something has failed.
pub(super) fn run(arguments: &SettingsArguments, how: Shown) -> Result<(), Failure> {
    let (running, findings) = match arguments.load() {
        Ok(loaded) => {
            let settings = loaded.settings;
            super::run_async(async move { examine_all(&settings).await })?
        }
        Err(failure) => {
            let fix = "Mend the settings file, the FRONTDESK_ variable or the flag that it names.";
            (false, vec![Finding::failed("settings", failure.to_string(), fix)])
        }
    };
    let failed = findings.iter().filter(|finding| finding.state == FindingState::Failed).count();
    let shown = if how.json {
        json!({ "ok": failed == 0, "running": running, "checks": findings }).to_string()
    } else {
        table(running, &findings)
    };
    say(shown.trim_end());
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("1 check has failed.")),
        several => Err(Failure::new(format!("{several} checks have failed."))),
    }
}

/// Whether the appliance runs, and what was found.
async fn examine_all(settings: &Settings) -> Result<(bool, Vec<Finding>), Failure> {
    let data_dir = settings.store.data_dir.clone();
    // While this process has the lock nobody begins to write.
    let lock = if data_dir.is_dir() { Some(DataDirectory::open(&data_dir)) } else { None };
    let running = matches!(lock, Some(Err(store::Error::InUse { .. })));
    let mut findings = if running {
        ask(&data_dir).await
    } else {
        let (settings, now) = (settings.clone(), SystemClock.now());
        let examined = tokio::task::spawn_blocking(move || examine::stopped(&settings, now)).await;
        examined.map_err(|error| Failure::new(format!("The examination broke off: {error}")))?
    };
    drop(lock);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match app::outbound(settings, &clock, None) {
        Ok(outbound) => {
            findings.extend(examine::providers(settings, &outbound).await);
            findings.push(examine::mail_server(&app::mail(settings), &outbound).await);
        }
        Err(error) => {
            let fix = "Mend the section [outbound] of the settings.";
            findings.push(Finding::failed("outbound", format!("{error:#}"), fix));
        }
    }
    Ok((running, findings))
}

/// What the running appliance says of itself.
async fn ask(data_dir: &std::path::Path) -> Vec<Finding> {
    match answer(data_dir).await {
        Ok(findings) => findings,
        Err(reason) => {
            let fix = "Look for a process that hangs (the log, systemctl status frontdesk), and restart it.";
            vec![Finding::failed(
                "server",
                format!("The data directory is in use, and the appliance does not answer: {reason}"),
                fix,
            )]
        }
    }
}

async fn answer(data_dir: &std::path::Path) -> Result<Vec<Finding>, String> {
    let request = Request::get("/api/v1/appliance").header("host", "localhost").body(Body::empty());
    let request = request.map_err(|error| error.to_string())?;
    let path = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_path_buf());
    let asked = control::client(control::path(&path));
    let answer = tokio::time::timeout(std::time::Duration::from_secs(30), asked.send_request(request)).await;
    let answer = answer.map_err(|_| "it took too long".to_owned())?;
    let answer = answer.map_err(|error: http::Error| error.public().into_owned())?;
    let checks = answer.json().get("checks").cloned().unwrap_or_default();
    serde_json::from_value(checks).map_err(|_| format!("it refused with {}", answer.status))
}

fn table(running: bool, findings: &[Finding]) -> String {
    let mut text = format!("The appliance is {}.\n", if running { "running" } else { "stopped" });
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    for finding in findings {
        let state = match finding.state {
            FindingState::Ok => "ok     ",
            FindingState::Warning => "warning",
            FindingState::Failed => "FAILED ",
        };
        _ = writeln!(text, "{state}  {:width$}  {}", finding.name, finding.detail.replace('\n', "\n    "));
        if let Some(fix) = &finding.fix {
            _ = writeln!(text, "         {:width$}  -> {fix}", "");
        }
    }
    text
}
