//! The examination of an appliance that is stopped; [`super::Operations::findings`] is that of one that runs.

use std::sync::Arc;

use super::{Finding, databases, machine, place, servers};
use crate::base::Timestamp;
use crate::config::Settings;
use crate::telemetry::Memory;

pub use servers::{mail_server, providers};

/// What the settings have in them that is no mistake and yet will not do what it seems to.
#[must_use]
pub fn settings(settings: &Settings) -> Vec<Finding> {
    let notices = settings.notices();
    if notices.is_empty() {
        return vec![Finding::ok("settings", "They are in order.")];
    }
    let fix = "Change it in the settings, or leave it so knowingly; `frontdesk config check` shows where it stands.";
    notices
        .into_iter()
        .map(|(key, notice)| Finding::warning("settings", format!("{key}: {notice}"), fix))
        .collect()
}

/// What can be examined whether the appliance runs or not. Blocks.
pub(super) fn always(settings: &Settings, memory: &Memory, now: Timestamp) -> Vec<Finding> {
    let path = &settings.store.data_dir;
    let mut findings = self::settings(settings);
    findings.extend([
        place::data_directory(path),
        place::disk(path),
        place::clock(path, now),
        machine::certificate(settings, now),
        machine::trusted_proxies(&settings.server),
        machine::file_limit(settings),
        machine::memory(settings, memory),
        machine::time_zone(settings),
        servers::local_model(settings),
    ]);
    findings
}

/// Everything about an appliance whose data directory no process has. Blocks, and changes nothing.
#[must_use]
pub fn stopped(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let memory = Arc::new(Memory::new(settings.server.memory_bytes_max));
    let mut findings = always(settings, &memory, now);
    let server = &settings.server;
    let doors = [
        ("server.https_listen", Some(server.https_listen)),
        ("server.http_listen", server.http_listen),
        ("metrics.listen", settings.metrics.listen),
    ];
    findings
        .extend(doors.into_iter().filter_map(|(setting, address)| Some(machine::port(setting, address?))));
    findings.push(servers::embedding());
    findings.extend(databases::stopped(&settings.store.data_dir));
    findings
}
