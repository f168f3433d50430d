//! Sending: the durable job that takes a letter to the mail server.
//!
//! A letter that is what is wrong (an address that nobody has) is a dead letter at once and leaves the others alone. A server that is what is
//! wrong is tried again for [`SendLetter::ATTEMPTS_MAX`] attempts, and the health says so until it takes a letter again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compose::{Sheet, compose};
use super::error::Error;
use super::letter::{Locale, Template, Words};
use super::service::Mail;
use crate::base::{Fault as _, LetterId, Sealed, TenantId, Timestamp};
use crate::jobs::{Failure, Job, Lane, Work, Worker};
use crate::outbound::{Outbound, Parcel, SmtpWay};
use crate::telemetry::Health;

/// What the health calls it.
const PART: &str = "mail";

/// A letter that waits to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendLetter {
    /// Its id, which its Message-ID is made of.
    pub(super) id: LetterId,
    /// To whom.
    pub(super) to: String,
    /// What about.
    pub(super) template: Template,
    /// In which language.
    pub(super) locale: Locale,
    /// On whose behalf.
    pub(super) tenant: Option<TenantId>,
    /// What it says, sealed for [`SendLetter::row`].
    pub(super) words: Sealed,
    /// The same for letters that say the same to the same.
    pub(super) alike: String,
    /// When it was posted.
    pub(super) posted: Timestamp,
    /// After that there is no use in sending it.
    pub(super) good_until: Timestamp,
}

impl SendLetter {
    /// What its words are sealed for.
    pub(super) fn row(id: LetterId, to: &str) -> String {
        format!("notify.letter {id} {to}")
    }
}

impl Job for SendLetter {
    const NAME: &'static str = "notify.send_letter";
    const LANE: Lane = Lane::Letter;
    /// With pauses from a second up to an hour that makes about 20 hours.
    const ATTEMPTS_MAX: u32 = 30;

    fn dedup_key(&self) -> Option<String> {
        Some(self.alike.clone())
    }
}

/// Does [`SendLetter`].
#[derive(Debug, Clone)]
pub struct Postman {
    mail: Mail,
    outbound: Outbound,
    health: Arc<Health>,
}

impl Postman {
    /// Sends through `outbound`, and tells `health` how it goes.
    #[must_use]
    pub fn new(mail: Mail, outbound: Outbound, health: Arc<Health>) -> Self {
        Self { mail, outbound, health }
    }

    async fn send(&self, job: &SendLetter, now: Timestamp) -> Result<String, Error> {
        let (Some(settings), Some(sealer)) = (self.mail.settings(), self.mail.sealer()) else {
            return Err(Error::NotSetUp);
        };
        if now > job.good_until {
            return Err(Error::Expired);
        }
        let words = sealer.open(&SendLetter::row(job.id, &job.to), &job.words)?;
        let words: Words =
            serde_json::from_str(words.expose()).map_err(|error| Error::Unwritable(error.into()))?;
        let sheet = Sheet { id: job.id, to: &job.to, words: &words, locale: job.locale, at: job.posted };
        let composed = compose(settings, &sheet)?;
        let parcel = Parcel {
            sender: composed.sender,
            recipient: job.to.clone(),
            letter: composed.letter,
            tenant: job.tenant.map(|tenant| tenant.to_string()),
        };
        Ok(self.outbound.mail(&settings.server, Some(&parcel), &mut SmtpWay::default()).await?)
    }

    fn tell_health(&self, error: &Error) {
        match error {
            Error::Smtp(error) if !error.is_of_the_letter() => {
                let detail = "letters cannot be delivered and wait; `frontdesk mail test ADDRESS` says why";
                self.health.degraded(PART, detail);
            }
            Error::Smtp(_) => self.health.ok(PART),
            _ => {}
        }
    }
}

impl Worker<SendLetter> for Postman {
    async fn run(&self, work: Work<SendLetter>) -> Result<(), Failure> {
        match self.send(&work.job, work.now).await {
            Ok(_) => {
                self.health.ok(PART);
                tracing::info!(letter = %work.job.id, template = work.job.template.name(), "a letter was sent");
                Ok(())
            }
            Err(error) => {
                self.tell_health(&error);
                Err(verdict(&error, &work.job.to))
            }
        }
    }
}

/// What becomes of a letter that was not taken, and what a person reads about it.
fn verdict(error: &Error, to: &str) -> Failure {
    let reason = format!("to {to}: {} ({})", error.public(), error.code());
    match error {
        Error::Smtp(smtp) if smtp.is_of_the_letter() && !smtp.retryable() => Failure::Permanent(reason),
        // What the settings forbid or have wrong is mended by a person, and then the letter goes out.
        Error::Smtp(_) | Error::NotSetUp => Failure::Retry(reason),
        Error::DoesNotOpen(_)
        | Error::Unwritable(_)
        | Error::BadAddress { .. }
        | Error::TooLarge { .. }
        | Error::Expired => Failure::Permanent(reason),
    }
}
