//! Signals: SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reads again what can be read again.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::serve::Origin;
use super::{Failure, service_manager};
use crate::base::Clock as _;
use crate::base::SystemClock;
use crate::config::{Server, Setting};
use crate::http::Services;

/// What SIGHUP changes. Everything else is said to wait for a restart.
const RELOADED: [&str; 5] =
    ["log.level", "server.certificate_file", "server.private_key_file", "server.names", "server.hsts"];
/// The exit code of a process that a second signal has ended: 128 and the signal's number, as shells have it.
const FORCED: i32 = 130;

/// Reads the settings again.
pub(super) struct Reload {
    origin: Origin,
    services: Arc<Services>,
}

impl Reload {
    pub(super) fn new(origin: Origin, services: Arc<Services>) -> Self {
        Self { origin, services }
    }

    /// Reads settings and certificate again. What is wrong leaves everything as it was. Blocks.
    fn carry_out(&self) {
        let server = match self.origin.arguments.load() {
            Ok(loaded) => {
                if let Err(error) = self.origin.log.set_level(&loaded.settings.log.level) {
                    tracing::warn!(%error, "the log's level stays as it was");
                }
                let waiting = waiting(&self.origin.loaded.values, &loaded.values);
                if !waiting.is_empty() {
                    tracing::warn!(
                        settings = waiting.join(", "),
                        "these settings have changed and wait for a restart"
                    );
                }
                Some(self.server(loaded.settings.server))
            }
            Err(failure) => {
                tracing::warn!("the settings stay as they were: {failure}");
                None
            }
        };
        self.services.certificates.reload_and_log(server.as_ref(), SystemClock.now());
        tracing::info!("the settings were read again");
    }

    /// The settings of the doors that were opened, with what is read again.
    fn server(&self, new: Server) -> Server {
        let mut server = self.origin.loaded.settings.server.clone();
        server.certificate_file = new.certificate_file;
        server.private_key_file = new.private_key_file;
        server.names = new.names;
        server.hsts = new.hsts;
        server
    }
}

/// The settings that have changed and are not read again while running.
fn waiting(before: &[Setting], now: &[Setting]) -> Vec<String> {
    let changed = now.iter().filter(|new| {
        let old = before.iter().find(|old| old.key == new.key);
        old.is_none_or(|old| old.shown != new.shown)
    });
    changed.map(|setting| setting.key.clone()).filter(|key| !RELOADED.contains(&key.as_str())).collect()
}

/// The signals that are heard; from when this is made on, none is missed.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn hear() -> Result<Self, Failure> {
        let hear =
            |kind| signal(kind).map_err(|error| Failure::new(format!("Signals cannot be heard: {error}")));
        Ok(Self {
            terminate: hear(SignalKind::terminate())?,
            interrupt: hear(SignalKind::interrupt())?,
            hang_up: hear(SignalKind::hangup())?,
        })
    }
}

/// Listens until the process ends. `stop` is cancelled by the first SIGTERM or SIGINT.
pub(super) async fn listen_to_signals(signals: Signals, stop: CancellationToken, reload: Arc<Reload>) {
    let Signals { mut terminate, mut interrupt, mut hang_up } = signals;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = either(&mut terminate, &mut interrupt) => {
                tracing::info!("stopping; a second signal ends the process at once");
                stop.cancel();
            }
            _ = hang_up.recv() => {
                service_manager::reloading();
                let reload = reload.clone();
                let _ = tokio::task::spawn_blocking(move || reload.carry_out()).await;
                service_manager::ready();
            }
        }
    }
    either(&mut terminate, &mut interrupt).await;
    tracing::warn!("ending at once; jobs that were under way run again after the next start");
    end_at_once();
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// What was acknowledged is on disk, so nothing is lost that a drain would have saved but time.
#[allow(
    clippy::exit,
    reason = "a person has asked twice, and what would end the process in order may be what hangs"
)]
fn end_at_once() {
    std::process::exit(FORCED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn settings_that_need_a_restart_are_named_and_those_that_were_read_again_are_not() {
        let setting = |key: &str, shown: &str| Setting {
            key: key.to_owned(),
            shown: shown.to_owned(),
            origin: Origin::Default,
        };
        let before = [
            setting("log.level", "info"),
            setting("store.cache_bytes_max", "1"),
            setting("log.format", "text"),
        ];
        let now = [
            setting("log.level", "debug"),
            setting("store.cache_bytes_max", "2"),
            setting("log.format", "text"),
        ];
        assert_eq!(waiting(&before, &now), ["store.cache_bytes_max"]);
    }
}
