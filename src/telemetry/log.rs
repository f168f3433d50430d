//! Log lines on standard error: text for people, JSON for machines; and the newest of them in memory, for a support bundle.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use super::redact::redacted;
use crate::base::{Clock as _, Fault, Kind, SystemClock};
use crate::config::{Log, LogFormat};

/// Lines that are kept in memory.
const LINES_MAX: usize = 2_000;
/// Bytes of a line that is kept.
const LINE_BYTES_MAX: usize = 1_000;

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

/// What can be asked of and told to the log of this process.
#[derive(Debug, Clone, Default)]
pub struct LogHandle {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    latest: Latest,
}

impl LogHandle {
    /// Logs by another filter from now on.
    ///
    /// # Errors
    /// [`BadFilter`], and everything stays as it was.
    pub fn set_level(&self, level: &str) -> Result<(), BadFilter> {
        let filter = filter(level)?;
        if let Some(handle) = &self.filter
            && let Err(error) = handle.reload(filter)
        {
            tracing::warn!(%error, "the log's level could not be changed");
        }
        Ok(())
    }

    /// The newest lines, oldest first, of what is worth a look; without secrets and addresses.
    #[must_use]
    pub fn latest(&self) -> Vec<String> {
        self.latest.0.lock().iter().map(|line| cut(redacted(line))).collect()
    }
}

fn filter(level: &str) -> Result<EnvFilter, BadFilter> {
    EnvFilter::try_new(level).map_err(|_| BadFilter { level: level.to_owned() })
}

/// Begins to log; once in the life of the process, further calls change nothing.
///
/// # Errors
/// [`BadFilter`].
pub fn start_log(log: &Log) -> Result<LogHandle, BadFilter> {
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let latest = Latest::default();
    let registry = tracing_subscriber::registry().with(filter).with(latest.clone());
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
        return Ok(LogHandle::default());
    }
    Ok(LogHandle { filter: Some(handle), latest })
}

/// The newest lines of the levels error, warn and info.
#[derive(Debug, Clone, Default)]
struct Latest(Arc<Mutex<VecDeque<String>>>);

/// What a span says, kept with it.
struct SpanText(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Latest {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text(attributes.metadata().name().to_owned());
        attributes.record(&mut text);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanText(text.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::INFO {
            return;
        }
        let mut text = Text(format!("{} {level}", SystemClock.now()));
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(SpanText(said)) = span.extensions().get::<SpanText>() {
                _ = write!(text.0, " {{{said}}}");
            }
        }
        _ = write!(text.0, " {}:", event.metadata().target());
        event.record(&mut text);
        let mut lines = self.0.lock();
        while lines.len() >= LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(cut(text.0));
    }
}

/// A line as long as one may be: when it is kept, and when it is shown, since what takes the place of a secret may be longer.
fn cut(mut line: String) -> String {
    let end = (0..=LINE_BYTES_MAX.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
    line.truncate(end.unwrap_or(0));
    line
}

/// Fields as `name=value`, the message without a name.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_no_filter_is_refused() {
        let log = |level: &str| Log { format: LogFormat::Text, level: level.to_owned() };
        assert!(EnvFilter::try_new(&log("info,frontdesk::store=debug").level).is_ok());
        assert!(start_log(&log("info,=%=")).is_err());
        assert!(LogHandle::default().set_level("=%=").is_err());
    }

    #[test]
    fn the_newest_lines_are_kept_with_their_request_and_without_secrets() {
        let latest = Latest::default();
        let handle = LogHandle { filter: None, latest: latest.clone() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(latest), || {
            let span = tracing::info_span!("request", id = "0123456789abcdef");
            let _entered = span.enter();
            tracing::debug!("nobody wants to know");
            for number in 0..LINES_MAX {
                tracing::info!(number, "counted");
            }
            tracing::warn!(
                from = "ada@example.com",
                "refused password=hunter2 {}",
                "x".repeat(2 * LINE_BYTES_MAX)
            );
        });
        let lines = handle.latest();
        assert_eq!(lines.len(), LINES_MAX);
        assert!(lines[0].ends_with(" counted number=1"), "{}", lines[0]);
        let last = lines.last().unwrap();
        assert!(
            last.contains("WARN {request id=\"0123456789abcdef\"}") && last.len() <= LINE_BYTES_MAX,
            "{last}"
        );
        assert!(!lines.iter().any(|line| line.contains("ada@") || line.contains("hunter2")));
    }
}
