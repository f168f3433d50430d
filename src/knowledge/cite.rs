//! Opening a citation: the document's readable text around the passage, with the quoted sentences marked.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::document::{DocumentRow, Documents, Places, Version};
use super::{Error, Knowledge, utf16};
use crate::base::DocumentId;
use crate::files;
use crate::identity::Pass;
use crate::identity::pass::ReadKnowledge;
use crate::search::index::{self, group_of};
use crate::store::{Keyspace, Read as _};

/// The most bytes of a document's text that are shown around a passage.
pub const CITED_BYTES_MAX: usize = 256 << 10;
/// The most bytes of readable text; extraction makes less.
const TEXT_BYTES_MAX: u64 = 256 << 20;
/// Sentences marked at most.
const QUOTES_MAX: usize = 32;

/// What a message keeps of a passage that it cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// The document.
    pub document: DocumentId,
    /// The passage's number.
    pub chunk: u64,
    /// The sentences that were quoted, as they stood in the passage. The first is shown as the quote.
    pub quotes: Vec<String>,
}

/// A range of UTF-16 code units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Span {
    /// The first.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// A document opened at a passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CitedDocument {
    /// The document.
    pub document: DocumentId,
    /// What it calls itself.
    pub title: String,
    /// The path it was uploaded under.
    pub name: String,
    /// What kind of file it is.
    pub media_type: String,
    /// The headings the passage stands under, outermost first.
    pub heading: Vec<String>,
    /// The page it begins on, from 1, where there are pages.
    pub page: Option<u32>,
    /// The first quoted sentence, or the passage where none was quoted.
    pub quote: String,
    /// The readable text around the passage, in light Markdown.
    pub text: String,
    /// The passage in `text`; empty at 0 when the document has changed since and the passage is not in it any more.
    pub passage: Span,
    /// The quoted sentences in `text`, those that are still in it.
    pub quotes: Vec<Span>,
    /// Whether `text` is only a part of the document's.
    pub truncated: bool,
}

/// What the rows tell of a citation.
struct Found {
    row: DocumentRow,
    version: Version,
    heading: Vec<String>,
    page: Option<u32>,
    /// The passage in the whole text, in bytes.
    passage: Option<Range<usize>>,
}

impl Knowledge {
    /// Opens the document of a citation. If the document was replaced since, the quoted sentences are looked for in its new
    /// text.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the document was deleted, [`Error::Busy`], or when the store or the disk fails.
    pub async fn cited(
        &self,
        keyspace: &Keyspace,
        _pass: Pass<ReadKnowledge>,
        quoted: &Quoted,
    ) -> Result<CitedDocument, Error> {
        let (keyspace, quoted) = (keyspace.clone(), quoted.clone());
        self.inner.questions.run(move || cited(&keyspace, &quoted)).await?
    }
}

fn cited(keyspace: &Keyspace, quoted: &Quoted) -> Result<CitedDocument, Error> {
    let found = find(keyspace, quoted)?;
    let bytes = files::read_blocking(keyspace, found.version.text, TEXT_BYTES_MAX)?;
    let whole = String::from_utf8_lossy(&bytes);
    let ranges: Vec<Range<usize>> = quoted
        .quotes
        .iter()
        .take(QUOTES_MAX)
        .filter_map(|quote| find_within(&whole, found.passage.as_ref(), quote))
        .collect();
    let passage = found.passage.or_else(|| ranges.first().cloned()).unwrap_or(0..0);
    let window = window(&whole, &passage);
    let text = whole.get(window.clone()).unwrap_or_default();
    let span = |range: &Range<usize>| -> Option<Span> {
        let inside = range.start >= window.start && range.end <= window.end;
        inside.then(|| utf16::span(text, &(range.start - window.start..range.end - window.start)).into())
    };
    let shown = whole.get(passage.clone()).unwrap_or_default();
    Ok(CitedDocument {
        document: quoted.document,
        title: found.version.title,
        name: found.row.name,
        media_type: found.version.media_type,
        heading: found.heading,
        page: found.page,
        quote: quoted.quotes.first().cloned().unwrap_or_else(|| shown.to_owned()),
        passage: span(&passage).unwrap_or(Span { start: 0, end: 0 }),
        quotes: ranges.iter().filter_map(span).collect(),
        truncated: text.len() < whole.len(),
        text: text.to_owned(),
    })
}

fn find(keyspace: &Keyspace, quoted: &Quoted) -> Result<Found, Error> {
    keyspace.read(|tx| {
        let row = tx.get::<Documents>(&quoted.document)?.ok_or(Error::NotFound)?;
        let version = row.active.clone().ok_or(Error::NotReadYet)?;
        let current = version.group == group_of(quoted.chunk);
        let place = tx.get::<Places>(&quoted.chunk)?.filter(|_| current);
        let row_of_passage = index::passage(tx, quoted.chunk)?.filter(|_| current);
        let offset = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(Found {
            row,
            version,
            heading: row_of_passage.map(|passage| passage.headings).unwrap_or_default(),
            page: place.and_then(|place| place.page),
            passage: place.map(|place| offset(place.start)..offset(place.end)),
        })
    })
}

/// Where a quotation stands: within the passage, or else anywhere when the passage is gone.
fn find_within(whole: &str, passage: Option<&Range<usize>>, quote: &str) -> Option<Range<usize>> {
    let from = passage.map_or(0, |passage| passage.start);
    let to = passage.map_or(whole.len(), |passage| passage.end);
    let found = utf16::find(whole.get(from..to)?, quote)?;
    Some(found.start + from..found.end + from)
}

/// The part of the text to show: all of it, or whole lines around the passage.
fn window(whole: &str, passage: &Range<usize>) -> Range<usize> {
    if whole.len() <= CITED_BYTES_MAX {
        return 0..whole.len();
    }
    let around = CITED_BYTES_MAX.saturating_sub(passage.len()) / 2;
    let first = whole.ceil_char_boundary(passage.start.saturating_sub(around));
    let last = whole.floor_char_boundary(passage.end.saturating_add(around).min(whole.len()));
    let start = match whole.get(first..passage.start).and_then(|lead| lead.find('\n')) {
        Some(line) if first > 0 => first + line + 1,
        _ => first,
    };
    let end = match whole.get(passage.end..last).and_then(|tail| tail.rfind('\n')) {
        Some(line) if last < whole.len() => passage.end + line,
        _ => last,
    };
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_in_whole_lines_around_the_passage() {
        let line = "a line of words é\n";
        let whole = line.repeat(40_000);
        let passage = line.len() * 20_000..line.len() * 20_003 - 1;
        let window = window(&whole, &passage);
        let text = &whole[window.clone()];
        assert!(window.len() <= CITED_BYTES_MAX && window.len() > CITED_BYTES_MAX - 100);
        assert!(window.start < passage.start && window.end > passage.end);
        assert!(text.starts_with("a line") && text.ends_with('é'));
        assert_eq!(super::window("short", &(0..2)), 0..5);
        assert!(super::window(&whole, &(0..10)).start == 0);
    }
}
