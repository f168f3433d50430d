//! `frontdesk serve`: opens the appliance and its doors, and drains them at the end.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::task::JoinSet;

use super::appliance::Appliance;
use super::signals::{Reload, Signals, listen_to_signals};
use super::{Failure, SettingsArguments, service_manager};
use crate::app::{App, Mode};
use crate::config::{Loaded, RECOVERY_VARIABLE, Settings};
use crate::http::{self, Leading, ServerOptions, control};
use crate::telemetry::{LogHandle, start_log};

/// How it is served.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Serve only operators and owners of workspaces, and do no background work: to mend what is broken
    #[arg(long, env = RECOVERY_VARIABLE, value_parser = clap::builder::BoolishValueParser::new(), action = clap::ArgAction::SetTrue)]
    recovery: bool,
}

/// Serves until the process is told to stop.
pub(super) fn run(arguments: &SettingsArguments, wish: &ServeArguments) -> Result<(), Failure> {
    let loaded = arguments.load()?;
    let log = start_log(&loaded.settings.log)?;
    let mode = if wish.recovery { Mode::Recovery } else { Mode::Usual };
    super::run_async(async move {
        let settings = loaded.settings.clone();
        let appliance = Appliance::open_as(mode, &settings).await?;
        let Some(app) = appliance.own else {
            return Err(Failure::new(format!(
                "The data directory {} is in use by another Frontdesk process. Stop that one, or choose another \
                 directory with --data-dir.",
                settings.store.data_dir.display()
            )));
        };
        let doors = Doors::open(&app, &settings, settings.server.https_listen)?;
        announce(&app, &doors.address).await?;
        doors.serve(app, Origin { arguments: arguments.clone(), loaded, log }).await
    })
}

/// Prints where the appliance is, and the setup link while nobody has used it.
pub(super) async fn announce(app: &App, address: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "Frontdesk is running at {address}");
    if app.services().operations.is_recovering() {
        let _ = writeln!(
            output,
            "Recovery mode: only operators and owners are served, and no background work is done."
        );
    }
    if let Some(link) = app.issue_setup_link(address).await? {
        let _ = writeln!(output, "Set it up, once, within 24 hours: {link}");
    }
    let _ = output.flush();
    Ok(())
}

/// Where the settings of a running appliance are read again.
pub(super) struct Origin {
    pub(super) arguments: SettingsArguments,
    pub(super) loaded: Loaded,
    pub(super) log: LogHandle,
}

/// The listeners of a running appliance.
pub(super) struct Doors {
    listener: TcpListener,
    /// Plain HTTP, which leads to HTTPS.
    plain: Option<TcpListener>,
    metrics: Option<TcpListener>,
    socket: control::Socket,
    signals: Signals,
    options: ServerOptions,
    leading: Leading,
    /// How people reach it.
    pub(super) address: String,
}

impl Doors {
    /// Takes the ports, so that everything that can go wrong does before anything is announced.
    pub(super) fn open(app: &App, settings: &Settings, listen: SocketAddr) -> Result<Self, Failure> {
        let signals = Signals::hear()?;
        let listener = http::listen(listen)?;
        let port = listener.local_addr().map_or(listen.port(), |address| address.port());
        let plain = settings.server.http_listen.map(http::listen).transpose()?;
        let metrics = settings.metrics.listen.map(http::listen).transpose()?;
        let certificates = &app.services().certificates;
        let options = ServerOptions {
            tls: certificates.config(),
            metrics: app.services().operations.shared_metrics(),
            connections_max: settings.server.connections_max,
            drain: Duration::from_secs(settings.server.drain_s),
        };
        let socket = control::listen(control::path(app.store().directory().path()))?;
        let leading = Leading::new(certificates.clone(), &settings.server, port);
        let address = settings.server.public_address(port);
        app.services().address.set(address.clone());
        Ok(Self { listener, plain, metrics, socket, signals, options, leading, address })
    }

    /// Serves until a signal or until a listener breaks, then drains.
    pub(super) async fn serve(self, app: App, origin: Origin) -> Result<(), Failure> {
        let (stop, services) = (app.stopping.clone(), app.services().clone());
        let counted = self.options.metrics.clone();
        for (what, listener) in [("plain HTTP", &self.plain), ("metrics", &self.metrics)] {
            if let Some(address) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
                tracing::info!(%address, "{what} is served");
            }
        }
        let mut doors = JoinSet::new();
        doors.spawn(http::run(self.listener, app.router(), self.options, stop.clone()));
        doors.spawn(control::serve(app.router(), self.socket, stop.clone()));
        if let Some(listener) = self.plain {
            let router = http::leading_to_https(self.leading);
            doors.spawn(http::run_plain(listener, router, counted.clone(), stop.clone()));
        }
        if let Some(listener) = self.metrics {
            let router = http::metrics_alone(services.operations.clone());
            doors.spawn(http::run_plain(listener, router, counted, stop.clone()));
        }
        services.operations.has_log(origin.log.clone(), origin.loaded.values.clone());
        services.health.ok("server");
        let reload = Reload::new(origin, services.clone());
        let signals = tokio::spawn(listen_to_signals(self.signals, stop.clone(), Arc::new(reload)));
        let watchdog = tokio::spawn(service_manager::stay_alive(stop.clone()));
        service_manager::ready();
        stop.cancelled().await;
        service_manager::stopping();
        services.health.failed("server", "The appliance is being stopped.");
        app.stop().await;
        watchdog.abort();
        let mut outcome = Ok(());
        while let Some(ended) = doors.join_next().await {
            let ended = ended.map_err(|error| Failure::new(format!("A listener ended badly: {error}")));
            outcome = outcome.and(ended.and_then(|served| served.map_err(Failure::from)));
        }
        signals.abort();
        outcome
    }
}
