//! Writing: from a template and its words to a letter as it travels (RFC 5322, MIME).
//!
//! Each letter has its text twice, plain and in HTML, says in its header that a machine wrote it (RFC 3834), and shows nothing that would
//! have to be fetched. The first line of the plain template is the subject. Whatever stands in a header is encoded by `lettre`, so that a
//! line break in a word cannot begin another header; what stands in HTML is escaped by the template engine.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use rust_embed::RustEmbed;

use super::error::Error;
use super::letter::{Locale, Words};
use super::service::MailSettings;
use crate::base::{LetterId, Timestamp};

/// A letter as it travels, in bytes.
pub const LETTER_BYTES_MAX: usize = 64 << 10;
/// Begins and ends a piece of text whose direction is its own (UAX #9), for programs that show plain text.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');
/// Headers that tell programs not to answer: RFC 3834, and what Exchange listens to.
const AUTOMATIC: [(&str, &str); 2] =
    [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];

#[derive(RustEmbed)]
#[folder = "assets/mail"]
struct Sheets;

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// What the Message-ID is made of.
    pub id: LetterId,
    /// To whom.
    pub to: &'a str,
    /// What it says.
    pub words: &'a Words,
    /// In which language.
    pub locale: Locale,
    /// The date on it.
    pub at: Timestamp,
}

/// A letter that is written.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The address that it is from, for the envelope.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The page.
    pub html: String,
    /// All of it, lines ended by CR LF.
    pub letter: Vec<u8>,
}

/// Writes a letter.
///
/// # Errors
/// [`Error::Unwritable`], [`Error::BadAddress`] or [`Error::TooLarge`].
pub fn compose(settings: &MailSettings, sheet: &Sheet<'_>) -> Result<Composed, Error> {
    let (subject, text, html) = write(settings, sheet)?;
    let from = mailbox(&settings.from)?;
    let sender = from.email.to_string();
    let to = Mailbox::new(None, sheet.to.parse().map_err(|_| bad(sheet.to))?);
    let id = format!("<{}@{}>", sheet.id, from.email.domain());
    let mut builder = Message::builder()
        .from(from)
        .to(to)
        .subject(subject.clone())
        .message_id(Some(id))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(sheet.at.as_millis()));
    if let Some(reply_to) = &settings.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    for (name, value) in AUTOMATIC {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let parts = MultiPart::alternative_plain_html(text.clone(), html.clone());
    let letter = builder.multipart(parts).map_err(|error| Error::Unwritable(error.into()))?.formatted();
    if letter.len() > LETTER_BYTES_MAX {
        return Err(Error::TooLarge { bytes: letter.len() });
    }
    Ok(Composed { sender, subject, text, html, letter })
}

fn bad(address: &str) -> Error {
    Error::BadAddress { address: address.to_owned() }
}

fn mailbox(text: &str) -> Result<Mailbox, Error> {
    text.parse().map_err(|_| bad(text))
}

/// Subject, plain text and page.
fn write(settings: &MailSettings, sheet: &Sheet<'_>) -> Result<(String, String, String), Error> {
    let unwritable = |error: minijinja::Error| Error::Unwritable(error.into());
    let environment = environment();
    let folder = sheet.locale.tag();
    let render = |name: &str, words: &Value| {
        let source = template(name)?;
        environment.render_named_str(name, &source, words.clone()).map_err(unwritable)
    };
    let words = context! {
        address => settings.public_address.clone(),
        to => sheet.to,
        lang => folder,
        dir => sheet.locale.direction(),
        ..Value::from(Serde(sheet.words))
    };
    let name = sheet.words.template().name();
    let written = render(&format!("{folder}/{name}.txt"), &words)?;
    let (subject, text) = written.split_once('\n').unwrap_or((written.as_str(), ""));
    let subject = subject.trim_start_matches("Subject:").trim().to_owned();
    let signature = render(&format!("{folder}/signature.txt"), &words)?;
    let text = format!("{}\n\n-- \n{}\n", text.trim(), signature.trim());
    let content = render(&format!("{folder}/{name}.html"), &words)?;
    let signature = render(&format!("{folder}/signature.html"), &words)?;
    let page = context! {
        subject => subject.clone(),
        content => Value::from_safe_string(content),
        signature => Value::from_safe_string(signature),
        ..words
    };
    Ok((subject, text, render("layout.html", &page)?))
}

fn template(name: &str) -> Result<String, Error> {
    let missing = || Error::Unwritable(format!("there is no template {name}").into());
    let file = Sheets::get(name).ok_or_else(missing)?;
    String::from_utf8(file.data.into_owned()).map_err(|error| Error::Unwritable(error.into()))
}

/// Pages are escaped, plain text is not; a word that is missing is an error.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("moment", moment);
    environment.add_filter("isolate", isolate);
    environment
}

/// A moment as people read it, in UTC: "23 November 2026, 14:05 UTC".
fn moment(written: &str) -> Result<String, minijinja::Error> {
    let unreadable =
        |error: jiff::Error| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string());
    let time: jiff::Timestamp = written.parse().map_err(unreadable)?;
    Ok(time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string())
}

/// Words in a script that runs from the right keep to themselves; others need nothing around them.
fn isolate(words: &str) -> String {
    let runs_left = |letter: char| matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    if words.chars().any(runs_left) { format!("{}{words}{}", ISOLATE.0, ISOLATE.1) } else { words.to_owned() }
}
