//! What the service manager is told (`sd_notify(3)`): ready, reloading, stopping, and that the process lives.
//!
//! Nothing is told where no service manager listens (`NOTIFY_SOCKET`).

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

/// The doors are open.
pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("Serving")]);
}

/// The settings are read again; [`ready`] says when that is over.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// What is under way is finished.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Stopping")]);
}

/// Says that the runtime still runs its tasks, twice as often as the service manager wants to hear it, as long as it wants to.
pub(super) async fn stay_alive(stopping: CancellationToken) {
    let Some(every) = sd_notify::watchdog_enabled() else { return };
    let mut beats = tokio::time::interval((every / 2).max(Duration::from_millis(10)));
    loop {
        // Draining too: a process that is stopped by its watchdog loses what it had under way.
        beats.tick().await;
        // A task on another thread, so that one that is stuck is noticed.
        if tokio::spawn(async {}).await.is_ok() {
            tell(&[NotifyState::Watchdog]);
        }
        if stopping.is_cancelled() {
            tracing::trace!("stopping, and alive");
        }
    }
}
