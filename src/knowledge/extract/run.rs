//! From bytes to text in one call, in this process.

use super::document::{Extracted, Writer};
use super::error::Error;
use super::limits::Limits;
use super::sniff::{Format, sniff};
use super::{csv, decode, docx, html, markdown, pdf, plain};

/// The readable text of a file. `name` and `media_type` are what the sender said of it; its content decides.
///
/// Synchronous, and only as robust as the parsers are: for files from outside use [`super::Extractor`].
///
/// # Errors
/// What is wrong with the file.
pub fn extract(
    name: &str,
    media_type: Option<&str>,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Extracted, Error> {
    if bytes.len() as u64 > limits.file_bytes_max {
        return Err(Error::TooLarge { bytes: bytes.len() as u64, bytes_max: limits.file_bytes_max });
    }
    extract_as(sniff(name, media_type, bytes)?, bytes, limits)
}

/// The readable text of a file that is taken to be of `format`.
///
/// # Errors
/// What is wrong with the file.
pub fn extract_as(format: Format, bytes: &[u8], limits: &Limits) -> Result<Extracted, Error> {
    match format {
        Format::Pdf => pdf::extract(bytes, limits),
        Format::Docx => docx::extract(bytes, limits),
        Format::Html => html::extract(&decode::decode(bytes, true), limits),
        Format::Csv => csv::extract(&decode::decode_text(bytes), limits),
        Format::Plain => plain::extract(&bounded(bytes, limits)?, limits),
        Format::Markdown => {
            let source = bounded(bytes, limits)?;
            let mut writer = Writer::new(limits);
            let title = markdown::write(&source, markdown::Links::Keep, limits, &mut writer)?;
            writer.finish(Format::Markdown, title.as_deref(), None)
        }
    }
}

/// The text of a file that is all text: what is too long is refused before any work is done on it.
fn bounded(bytes: &[u8], limits: &Limits) -> Result<String, Error> {
    let text = decode::decode_text(bytes);
    if text.len() as u64 > limits.text_bytes_max {
        return Err(Error::TooMuchText { bytes_max: limits.text_bytes_max });
    }
    Ok(text)
}
