//! What a file is, by its content.
//!
//! The name decides only between kinds of text (Markdown, HTML fragment, plain), and names the promise when the
//! content is nothing known. Everything that is not readable is refused here with what it is and what to do
//! instead, before any parser sees a byte.

use super::decode;
use super::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text without markup.
    Plain,
    /// `CommonMark` with tables and front matter.
    Markdown,
    /// A web page or a fragment of one.
    Html,
    /// Portable Document Format.
    Pdf,
    /// Word, Office Open XML.
    Docx,
    /// Comma-, semicolon- or tab-separated values.
    Csv,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Docx => "Word (DOCX)",
            Self::Csv => "CSV",
        })
    }
}

/// How far into a file the PDF header may stand (PDF 32000-1, implementation note 13).
const PDF_HEADER_WITHIN_BYTES: usize = 1024;
/// What is looked at to tell text from binary.
const SAMPLE_BYTES: usize = 64 << 10;
/// Where the directory of a zip file stands.
const ZIP_TAIL_BYTES: usize = 1 << 20;

/// What `bytes` are. `name` and `media_type` are what the sender said.
///
/// # Errors
/// When there is nothing in the file or it is of a kind that cannot be read.
pub fn sniff(name: &str, media_type: Option<&str>, bytes: &[u8]) -> Result<Format, Error> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty);
    }
    let head = bytes.get(..bytes.len().min(PDF_HEADER_WITHIN_BYTES)).unwrap_or_default();
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip(name, bytes);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Err(compound(bytes));
    }
    if find(head, b"%PDF-").is_some_and(|at| at == 0 || !is_text(bytes) || extension(name) == "pdf") {
        return Ok(Format::Pdf);
    }
    if let Some(error) = text_based(bytes) {
        return Err(error);
    }
    if is_text(bytes) {
        return Ok(text_kind(name, media_type, bytes));
    }
    Err(known_binary(bytes).unwrap_or_else(|| unknown(name)))
}

/// The ending of `name`, lower case, empty if there is none.
pub(super) fn extension(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn unsupported(found: impl Into<std::borrow::Cow<'static, str>>, advice: &'static str) -> Error {
    Error::UnsupportedType { found: found.into(), advice: advice.into() }
}

/// Zip-based formats are told apart by what they contain: the names of entries stand in the clear in the directory
/// at the end and before each entry.
fn zip(name: &str, bytes: &[u8]) -> Result<Format, Error> {
    let head = bytes.get(..bytes.len().min(SAMPLE_BYTES)).unwrap_or_default();
    let tail = bytes.get(bytes.len().saturating_sub(ZIP_TAIL_BYTES)..).unwrap_or_default();
    let holds = |part: &[u8]| find(head, part).is_some() || find(tail, part).is_some();
    if holds(b"word/document.xml") || holds(b"word/document2.xml") {
        return Ok(Format::Docx);
    }
    Err(if holds(b"xl/workbook.") {
        unsupported("an Excel workbook", "Save the sheet as CSV or PDF, and upload that.")
    } else if holds(b"ppt/presentation.") {
        unsupported("a PowerPoint presentation", "Export it as PDF, and upload that.")
    } else if holds(b"mimetypeapplication/vnd.oasis.opendocument") {
        unsupported("an OpenDocument file", "Save it as DOCX or PDF, and upload that.")
    } else if holds(b"mimetypeapplication/epub+zip") {
        unsupported("an e-book (EPUB)", "Convert it to PDF or HTML, and upload that.")
    } else if extension(name) == "docx" {
        Error::Damaged { format: Format::Docx, detail: "no word/document.xml in the archive".to_owned() }
    } else {
        unsupported("a ZIP archive", "Unpack it, and upload the documents in it.")
    })
}

/// OLE compound files: Office before 2007, and Office files with a password.
fn compound(bytes: &[u8]) -> Error {
    let wide = |word: &str| word.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let holds = |word: &str| find(bytes, &wide(word)).is_some();
    if holds("EncryptedPackage") {
        Error::Encrypted { format: Format::Docx }
    } else if holds("WordDocument") {
        unsupported("a Word document in the format before 2007", "Save it as DOCX or PDF, and upload that.")
    } else if holds("Workbook") {
        unsupported(
            "an Excel workbook in the format before 2007",
            "Save the sheet as CSV or PDF, and upload that.",
        )
    } else if holds("PowerPoint Document") {
        unsupported(
            "a PowerPoint presentation in the format before 2007",
            "Export it as PDF, and upload that.",
        )
    } else {
        unsupported(
            "an Office file in the format before 2007",
            "Save it in a current format or as PDF, and upload that.",
        )
    }
}

/// Formats for programs that look like text.
fn text_based(bytes: &[u8]) -> Option<Error> {
    if bytes.starts_with(b"{\\rtf") {
        return Some(unsupported("an RTF document", "Save it as DOCX or PDF, and upload that."));
    }
    if bytes.starts_with(b"%!PS") {
        return Some(unsupported("a PostScript file", "Convert it to PDF, and upload that."));
    }
    None
}

/// Only for what is no text: some signatures are two letters, and `BM` or `MZ` begin many a part number.
fn known_binary(bytes: &[u8]) -> Option<Error> {
    let kind = infer::get(bytes)?;
    let ending = kind.extension().to_ascii_uppercase();
    match kind.matcher_type() {
        infer::MatcherType::Image => Some(unsupported(
            article(&ending, "picture"),
            "Put its text into a document, or run text recognition (OCR) over it.",
        )),
        infer::MatcherType::Audio => {
            Some(unsupported(article(&ending, "sound recording"), "Upload a transcript of it as text."))
        }
        infer::MatcherType::Video => {
            Some(unsupported(article(&ending, "video"), "Upload a transcript of it as text."))
        }
        infer::MatcherType::App => {
            Some(unsupported(article(&ending, "program"), "Upload the document that describes it."))
        }
        infer::MatcherType::Archive => {
            Some(unsupported(article(&ending, "archive"), "Unpack it, and upload the documents in it."))
        }
        infer::MatcherType::Font => Some(unsupported(article(&ending, "font"), "Upload a document.")),
        infer::MatcherType::Book | infer::MatcherType::Doc => {
            Some(unsupported(article(&ending, "file"), "Save it as DOCX or PDF, and upload that."))
        }
        infer::MatcherType::Text | infer::MatcherType::Custom => None,
    }
}

fn article(ending: &str, noun: &str) -> String {
    let an = ending.starts_with(['A', 'E', 'F', 'I', 'M', 'O', 'S', 'X', '8']);
    format!("{} {ending} {noun}", if an { "an" } else { "a" })
}

fn unknown(name: &str) -> Error {
    let extension = extension(name);
    match extension.as_str() {
        "pdf" | "docx" | "html" | "htm" | "md" | "markdown" | "txt" | "text" | "csv" | "tsv" => {
            Error::Mislabelled { extension }
        }
        _ => unsupported(
            "a file of an unknown type",
            "Save it as PDF, DOCX, HTML, Markdown or plain text, and upload that.",
        ),
    }
}

/// Whether the beginning of `bytes` decodes to text: hardly any control or replacement characters.
fn is_text(bytes: &[u8]) -> bool {
    let sample = bytes.get(..bytes.len().min(SAMPLE_BYTES)).unwrap_or_default();
    let text = decode::decode_text(sample);
    let mut characters = 0_usize;
    let mut odd = 0_usize;
    for character in text.chars() {
        characters += 1;
        let control = character.is_control()
            && !matches!(character, '\t' | '\n' | '\r' | '\u{C}' | '\u{1B}' | '\u{85}');
        odd += usize::from(control || character == '\u{FFFD}');
    }
    // One broken character is normal where the sample ends; 2 in 100 still is a text with faults.
    odd <= 1 + characters / 50
}

fn text_kind(name: &str, media_type: Option<&str>, bytes: &[u8]) -> Format {
    let sample = decode::decode_text(bytes.get(..bytes.len().min(4096)).unwrap_or_default());
    if begins_as_html(&sample) {
        return Format::Html;
    }
    let media_type =
        media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let has_tag = sample.contains("</") || sample.contains("<p") || sample.contains("<br");
    match (extension(name).as_str(), media_type.as_str()) {
        ("html" | "htm" | "xhtml", _) | (_, "text/html" | "application/xhtml+xml") if has_tag => Format::Html,
        ("csv" | "tsv", _) => Format::Csv,
        ("txt" | "text" | "log" | "json" | "yaml" | "yml" | "toml" | "xml", _) => Format::Plain,
        ("md" | "markdown" | "mdown" | "mkd" | "mdx", _) | (_, "text/markdown") => Format::Markdown,
        (_, "text/csv" | "text/tab-separated-values") => Format::Csv,
        _ => Format::Plain,
    }
}

/// Whether a text starts like a page, after a declaration or comments.
fn begins_as_html(sample: &str) -> bool {
    let mut rest = sample.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let (closing, skipped) = if rest.starts_with("<!--") {
            ("-->", 4)
        } else if rest.starts_with("<?xml") {
            ("?>", 5)
        } else {
            break;
        };
        let Some(end) = rest.get(skipped..).and_then(|tail| tail.find(closing)) else { return false };
        rest = rest.get(skipped + end + closing.len()..).unwrap_or_default().trim_start();
    }
    let head: String = rest.chars().take(16).collect::<String>().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<title", "<meta "].iter().any(|tag| head.starts_with(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_wins_over_the_name() {
        let page = b"<!-- saved --><!DOCTYPE html><html><body><p>Hi</p></body></html>";
        assert_eq!(sniff("manual.pdf", Some("application/pdf"), page).unwrap(), Format::Html);
        assert_eq!(sniff("manual.txt", None, b"%PDF-1.7\n%\xE2\xE3").unwrap(), Format::Pdf);
        assert_eq!(sniff("notes.docx", None, b"plain words").unwrap(), Format::Plain);
        assert_eq!(sniff("readme.md", None, b"# Words").unwrap(), Format::Markdown);
    }

    #[test]
    fn words_that_begin_like_a_picture_or_a_program_are_words() {
        assert_eq!(sniff("parts.txt", None, b"BM-00 bearing\nMZ-17 fan").unwrap(), Format::Plain);
        assert_eq!(sniff("parts.md", None, b"MZ-17 is the fan.").unwrap(), Format::Markdown);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        assert!(sniff("a.pdf", None, png).unwrap_err().about("a.pdf").contains("a PNG picture"));
        assert!(sniff("a.txt", None, b"{\\rtf1 x}").unwrap_err().about("a.txt").contains("RTF"));
        let exe = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";
        assert!(matches!(sniff("setup.exe", None, exe), Err(Error::UnsupportedType { .. })));
        let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(matches!(sniff("a.pdf", None, &noise), Err(Error::Mislabelled { .. })));
        assert!(matches!(sniff("a.txt", None, b" \n\t "), Err(Error::Empty)));
        assert!(matches!(sniff("a.txt", None, b""), Err(Error::Empty)));
    }
}
