//! Trying the mail server out, step by step: what was reached, what was not, and what to do about it.

use std::time::Duration;

use serde::Serialize;

use super::compose::{Sheet, compose};
use super::error::Error;
use super::letter::{Locale, Words};
use super::service::Mail;
use crate::base::{Fault as _, LetterId, Timestamp};
use crate::outbound::{Outbound, Parcel, SmtpError, SmtpStep, SmtpWay};

/// One step of the way.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Which.
    pub step: SmtpStep,
    /// Whether it was made.
    pub ok: bool,
    /// What was found, or what went wrong.
    pub detail: String,
    /// What to do, where it was not made.
    pub fix: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// How far a trial came.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether all of it went well.
    pub ok: bool,
    /// The mail server, as `host:port`.
    pub server: String,
    /// The steps, up to the one that was not made.
    pub steps: Vec<Step>,
    /// A stable code of what is wrong.
    pub code: Option<&'static str>,
    /// What is wrong and what to do.
    pub problem: Option<String>,
}

/// Connects, encrypts and signs in, and sends nothing.
///
/// # Errors
/// [`Error::NotSetUp`]; what goes wrong on the way is in the report.
pub async fn check(mail: &Mail, outbound: &Outbound) -> Result<Report, Error> {
    try_out(mail, outbound, None).await
}

/// Sends a letter to `to`.
///
/// # Errors
/// [`Error::NotSetUp`], or that the letter cannot be written, as to something that is no address; what goes wrong on the way is in the
/// report.
pub async fn test(mail: &Mail, outbound: &Outbound, to: &str, now: Timestamp) -> Result<Report, Error> {
    let settings = mail.settings().ok_or(Error::NotSetUp)?;
    let words = Words::Test { at: now };
    let sheet = Sheet { id: LetterId::new(now), to, words: &words, locale: Locale::default(), at: now };
    let composed = compose(settings, &sheet)?;
    let parcel =
        Parcel { sender: composed.sender, recipient: to.to_owned(), letter: composed.letter, tenant: None };
    try_out(mail, outbound, Some(&parcel)).await
}

async fn try_out(mail: &Mail, outbound: &Outbound, parcel: Option<&Parcel>) -> Result<Report, Error> {
    let settings = mail.settings().ok_or(Error::NotSetUp)?;
    let url = &settings.server.url;
    let server =
        format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let mut way = SmtpWay::default();
    let sent = outbound.mail(&settings.server, parcel, &mut way).await;
    let made = way.done.iter().map(|(step, detail, took)| Step {
        step: *step,
        ok: true,
        detail: detail.clone(),
        fix: None,
        took_ms: millis(*took),
    });
    let mut steps: Vec<Step> = made.collect();
    let error = sent.err();
    if let Some(error) = &error {
        let took_ms = millis(way.elapsed());
        let fix = Some(error.public().into_owned());
        steps.push(Step { step: way.at, ok: false, detail: cause(error), fix, took_ms });
    }
    let problem = error.as_ref().map(|error| error.public().into_owned());
    Ok(Report { ok: error.is_none(), server, steps, code: error.map(|error| error.code()), problem })
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// What went wrong, with what lies beneath.
fn cause(error: &SmtpError) -> String {
    let mut said = error.to_string();
    let mut beneath = std::error::Error::source(error);
    while let Some(cause) = beneath {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        beneath = cause.source();
    }
    said
}
