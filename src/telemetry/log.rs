//! Log lines on standard error: text for people, JSON for machines.

use std::borrow::Cow;

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::base::{Fault, Kind};
use crate::config::{Log, LogFormat};

/// `log.level` cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("log.level \"{level}\" is neither a level nor a filter such as \"info,frontdesk::store=debug\"")]
pub struct BadFilter {
    /// As it was written.
    pub level: String,
}

impl Fault for BadFilter {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        "log_level_invalid"
    }

    fn public(&self) -> Cow<'static, str> {
        "log.level is neither a level (error, warn, info, debug, trace) nor a filter such as \"info,frontdesk::store=debug\"."
            .into()
    }

    fn retryable(&self) -> bool {
        false
    }
}

/// Begins to log; once in the life of the process, further calls change nothing.
///
/// # Errors
/// [`BadFilter`].
pub fn start_log(log: &Log) -> Result<(), BadFilter> {
    let filter = EnvFilter::try_new(&log.level).map_err(|_| BadFilter { level: log.level.clone() })?;
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match log.format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours)).try_init()
        }
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
    };
    if begun.is_err() {
        tracing::debug!("logging had begun already");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_no_filter_is_refused() {
        let log = |level: &str| Log { format: LogFormat::Text, level: level.to_owned() };
        assert!(EnvFilter::try_new(&log("info,frontdesk::store=debug").level).is_ok());
        assert!(start_log(&log("info,=%=")).is_err());
    }
}
