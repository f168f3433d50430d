//! Why a file could not be read, in words for the person who uploaded it.
//!
//! Each variant is a situation that calls for a different remedy. The sentence says what is wrong with the file
//! and what to do next; [`Error::about`] puts the file's name into it. Variants travel from the worker process
//! to the server as JSON, so they hold data and no causes, except those that only arise on the server's side.

use super::sniff::Format;
use crate::base::fault::{Fault, Kind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Error {
    /// There are no bytes, or nothing but blanks.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than the limit.
    #[error("the file has {bytes} bytes, {bytes_max} are allowed")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The file needs a password.
    #[error("the {format} file is encrypted")]
    Encrypted {
        /// What kind of file it is.
        format: Format,
    },
    /// A PDF whose pages are pictures.
    #[error("the PDF has {pages} pages and next to no text")]
    Scanned {
        /// Pages of the PDF.
        pages: u32,
    },
    /// The file is sound and holds no text.
    #[error("the file holds no text")]
    NoText,
    /// A kind of file that cannot be read.
    #[error("files of this type are not supported: {found}")]
    UnsupportedType {
        /// What it is, as a noun with its article: "a PNG picture".
        found: Cow<'static, str>,
        /// What to do instead.
        advice: Cow<'static, str>,
    },
    /// The name promises a format and the content is not recognisable as that or anything else.
    #[error("the name says .{extension}, the content is unknown")]
    Mislabelled {
        /// The ending of the name, lower case.
        extension: String,
    },
    /// The format is right and the content breaks its rules.
    #[error("the {format} file is damaged: {detail}")]
    Damaged {
        /// What kind of file it is.
        format: Format,
        /// The parser's words, for the log.
        detail: String,
    },
    /// Unpacks to far more than it is.
    #[error("the file unpacks to more than is allowed: {detail}")]
    ZipBomb {
        /// Which limit it broke, for the log.
        detail: String,
    },
    /// More pages than the limit.
    #[error("the file has {pages} pages, {pages_max} are allowed")]
    TooManyPages {
        /// Pages of the file.
        pages: u32,
        /// The limit.
        pages_max: u32,
    },
    /// More text than the limit.
    #[error("the text is longer than {bytes_max} bytes or has too many blocks")]
    TooMuchText {
        /// The limit.
        bytes_max: u64,
    },
    /// Nested deeper than the limit, or deeper than the parser's stack.
    #[error("the content is nested too deeply")]
    TooDeep,
    /// Took longer than the limit.
    #[error("reading took longer than {wall_ms_max} ms")]
    TooSlow {
        /// The limit.
        wall_ms_max: u64,
    },
    /// Needed more memory than the limit.
    #[error("reading needed more memory than is allowed")]
    OutOfMemory,
    /// The parser gave up without saying why: a panic, an abort or a signal.
    #[error("the parser crashed: {detail}")]
    Crashed {
        /// What is known, for the log.
        detail: String,
    },
    /// The worker process could not be started or talked to.
    #[error("the extraction worker is not available")]
    #[serde(skip)]
    WorkerUnavailable(#[source] std::io::Error),
    /// The worker answered in a way that makes no sense.
    #[error("the extraction worker answered nonsense: {detail}")]
    #[serde(skip)]
    WorkerConfused {
        /// What was wrong with the answer, for the log.
        detail: String,
    },
}

impl Error {
    /// The sentence for people, naming the file.
    #[must_use]
    pub fn about(&self, name: &str) -> String {
        self.sentence(&format!("“{name}”"))
    }

    fn sentence(&self, file: &str) -> String {
        match self {
            Self::Empty => {
                format!("{file} is empty. Check that it was saved completely, and upload it again.")
            }
            Self::TooLarge { bytes, bytes_max } => format!(
                "{file} has {}; the limit is {}. Split it into smaller files, or leave out the pictures.",
                size(*bytes),
                size(*bytes_max)
            ),
            Self::Encrypted { format } => format!(
                "{file} is protected by a password. Save a copy of the {format} file without one, and upload that."
            ),
            Self::Scanned { pages } => format!(
                "{file} holds pictures of {pages} page{}, but no text. Run text recognition (OCR) over it, and upload the result.",
                if *pages == 1 { "" } else { "s" }
            ),
            Self::NoText => {
                format!("{file} holds no text that could be read. Upload a version of it that has text.")
            }
            Self::UnsupportedType { found, advice } => {
                format!("{file} is {found}, which cannot be read. {advice}")
            }
            Self::Mislabelled { extension } => format!(
                "{file} is named like a .{extension} file, but its content is not one. Open it in the program it comes from, save it again, and upload that."
            ),
            Self::Damaged { format, .. } => format!(
                "{file} is a damaged or incomplete {format} file. Open it in the program it comes from, save it again, and upload that."
            ),
            Self::ZipBomb { .. } => format!(
                "{file} unpacks to far more than a document holds, so it was not opened. If it is genuine, export it as PDF and upload that."
            ),
            Self::TooManyPages { pages, pages_max } => {
                format!("{file} has {pages} pages; the limit is {pages_max}. Split it into smaller files.")
            }
            Self::TooMuchText { bytes_max } => format!(
                "{file} holds more text than the limit of {}. Split it into smaller files.",
                size(*bytes_max)
            ),
            Self::TooDeep => format!(
                "The content of {file} is nested too deeply to be read. Export it again in a simpler form, as plain text or PDF, and upload that."
            ),
            Self::TooSlow { wall_ms_max } => format!(
                "Reading {file} took longer than {} seconds, so it was stopped. Split it into smaller files, or export it in another format.",
                wall_ms_max.div_ceil(1000)
            ),
            Self::OutOfMemory => format!(
                "Reading {file} needed more memory than is allowed. Split it into smaller files, or leave out the pictures."
            ),
            Self::Crashed { .. } => format!(
                "{file} could not be read: its content made the reader stop. Save it again in the program it comes from, or export it in another format."
            ),
            Self::WorkerUnavailable(_) | Self::WorkerConfused { .. } => {
                format!("{file} could not be read because of a fault on the server. It will be tried again.")
            }
        }
    }
}

/// A size in the unit people use for it.
fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 {
        format!("{} MiB", bytes.div_ceil(1 << 20))
    } else if bytes >= 1 << 10 {
        format!("{} KiB", bytes.div_ceil(1 << 10))
    } else {
        format!("{bytes} bytes")
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } | Self::TooManyPages { .. } | Self::TooMuchText { .. } => Kind::TooLarge,
            Self::Empty
            | Self::Encrypted { .. }
            | Self::Scanned { .. }
            | Self::NoText
            | Self::UnsupportedType { .. }
            | Self::Mislabelled { .. }
            | Self::Damaged { .. }
            | Self::ZipBomb { .. }
            | Self::TooDeep
            | Self::TooSlow { .. }
            | Self::OutOfMemory
            | Self::Crashed { .. } => Kind::Invalid,
            Self::WorkerUnavailable(_) => Kind::Unavailable,
            Self::WorkerConfused { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "file_empty",
            Self::TooLarge { .. } => "file_too_large",
            Self::Encrypted { .. } => "file_encrypted",
            Self::Scanned { .. } => "file_scanned",
            Self::NoText => "file_without_text",
            Self::UnsupportedType { .. } => "file_type_unsupported",
            Self::Mislabelled { .. } => "file_mislabelled",
            Self::Damaged { .. } => "file_damaged",
            Self::ZipBomb { .. } => "file_unpacks_too_large",
            Self::TooManyPages { .. } => "file_too_many_pages",
            Self::TooMuchText { .. } => "file_too_much_text",
            Self::TooDeep => "file_nested_too_deeply",
            Self::TooSlow { .. } => "file_too_slow",
            Self::OutOfMemory => "file_needs_too_much_memory",
            Self::Crashed { .. } => "file_crashed_reader",
            Self::WorkerUnavailable(_) => "extract_worker_unavailable",
            Self::WorkerConfused { .. } => "extract_worker_confused",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        let sentence = self.sentence("This file");
        Cow::Owned(sentence.replace("of This", "of this").replace("Reading This", "Reading this"))
    }

    fn retryable(&self) -> bool {
        match self {
            Self::WorkerUnavailable(_) | Self::WorkerConfused { .. } => true,
            Self::Empty
            | Self::TooLarge { .. }
            | Self::Encrypted { .. }
            | Self::Scanned { .. }
            | Self::NoText
            | Self::UnsupportedType { .. }
            | Self::Mislabelled { .. }
            | Self::Damaged { .. }
            | Self::ZipBomb { .. }
            | Self::TooManyPages { .. }
            | Self::TooMuchText { .. }
            | Self::TooDeep
            | Self::TooSlow { .. }
            | Self::OutOfMemory
            | Self::Crashed { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_names_the_file_and_survives_the_wire() {
        let errors = [
            Error::Empty,
            Error::TooLarge { bytes: 70 << 20, bytes_max: 64 << 20 },
            Error::Encrypted { format: Format::Pdf },
            Error::Scanned { pages: 1 },
            Error::UnsupportedType { found: "a PNG picture".into(), advice: "Upload text.".into() },
            Error::TooDeep,
            Error::TooSlow { wall_ms_max: 60_000 },
        ];
        for error in errors {
            assert!(error.about("returns.pdf").contains("“returns.pdf”"));
            let wire = serde_json::to_string(&error).unwrap();
            let back: Error = serde_json::from_str(&wire).unwrap();
            assert_eq!(back.code(), error.code());
            assert_eq!(back.about("a"), error.about("a"));
            assert!(error.public().to_lowercase().contains("this file"));
        }
    }
}
