//! `frontdesk serve`: opens the appliance and its doors, and drains them at the end.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::appliance::Appliance;
use super::{Failure, SettingsArguments};
use crate::app::App;
use crate::config::Settings;
use crate::http::{self, ServerOptions, control};
use crate::telemetry::start_log;

/// Serves until the process is told to stop.
pub(super) fn run(arguments: &SettingsArguments) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let Some(app) = appliance.own else {
            return Err(Failure::new(format!(
                "The data directory {} is in use by another Frontdesk process. Stop that one, or choose another \
                 directory with --data-dir.",
                settings.store.data_dir.display()
            )));
        };
        let doors = Doors::open(&app, &settings, settings.server.https_listen)?;
        announce(&app, &doors.address).await?;
        doors.serve(app).await
    })
}

/// Prints where the appliance is, and the setup link while nobody has used it.
pub(super) async fn announce(app: &App, address: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "Frontdesk is running at {address}");
    if let Some(link) = app.issue_setup_link(address).await? {
        let _ = writeln!(output, "Set it up, once, within 24 hours: {link}");
    }
    let _ = output.flush();
    Ok(())
}

/// The listeners of a running appliance.
pub(super) struct Doors {
    listener: std::net::TcpListener,
    socket: control::Socket,
    options: ServerOptions,
    /// How people reach it.
    pub(super) address: String,
}

impl Doors {
    /// Takes the port, so that everything that can go wrong does before anything is announced.
    pub(super) fn open(app: &App, settings: &Settings, listen: SocketAddr) -> Result<Self, Failure> {
        let listener = http::listen(listen)?;
        let port = listener.local_addr().map_or(listen.port(), |address| address.port());
        let options = ServerOptions {
            tls: app.tls.clone(),
            connections_max: settings.server.connections_max,
            drain: Duration::from_secs(settings.server.drain_s),
        };
        let socket = control::listen(control::path(app.store().directory().path()))?;
        let address = settings.server.public_address(port);
        app.services().address.set(address.clone());
        Ok(Self { listener, socket, options, address })
    }

    /// Serves until a signal or until a listener breaks, then drains.
    pub(super) async fn serve(self, app: App) -> Result<(), Failure> {
        let stop = app.stopping.clone();
        let doors = tokio::spawn(http::run(self.listener, app.router(), self.options, stop.clone()));
        let console = {
            let (router, stop) = (app.router(), stop.clone());
            tokio::spawn(control::serve(router, self.socket, stop))
        };
        app.services().health.ok("server");
        tokio::spawn(stop_on_signal(stop.clone()));
        stop.cancelled().await;
        app.services().health.failed("server", "The appliance is being stopped.");
        app.stop().await;
        let served = [doors.await, console.await];
        for one in served {
            one.map_err(|error| Failure::new(format!("A listener ended badly: {error}")))??;
        }
        Ok(())
    }
}

/// SIGTERM, SIGINT: drain.
async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; stop the process by other means");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}
