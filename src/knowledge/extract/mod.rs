//! From the bytes of a foreign file to a readable text.
//!
//! One file per format, each writing into the same `document::Writer`, so that whatever comes in, what goes
//! out is one text in light Markdown with a list of its blocks. What a file *is* is decided by its content
//! ([`sniff()`]); the name only breaks ties between kinds of text.
//!
//! Two doors lead in. [`extract`] does the work where it is called and trusts nothing in the file to be well
//! formed, but a parser may still panic, recurse without end or ask for all the memory there is. [`Extractor`]
//! therefore runs that same function in a child process ([`worker`]) with limits of its own, and turns whatever
//! becomes of the child into that one document's failure.
//!
//! Owns no table, no job and no event: the job of ingestion calls it. Limits are [`Limits`], by default 64 MiB a file, 16
//! MiB of text, 5,000 pages, a minute and 1 GiB of memory; 64 MiB of stack for the parsers. `app` says how many files are
//! taken apart at a time.

mod archive;
mod csv;
mod decode;
mod docx;
mod document;
mod error;
mod extractor;
mod html;
mod html_depth;
mod language;
mod limits;
mod markdown;
mod normalise;
mod pdf;
mod pdf_headings;
mod pdf_lines;
mod pdf_words;
mod plain;
mod run;
mod sniff;
mod table;
mod wire;
pub mod worker;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod isolation_tests;

pub use document::{Block, BlockKind, Extracted};
pub use error::Error;
pub use extractor::Extractor;
pub use limits::Limits;
pub use run::{extract, extract_as};
pub use sniff::{Format, sniff};
