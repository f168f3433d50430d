//! What every format is turned into, and the writer that builds it.
//!
//! The text is light Markdown: `#` headings, `-` and `1.` lists, pipe tables, fenced code, paragraphs, one blank
//! line between blocks. Blocks are byte ranges into it, in order, not overlapping, always on character
//! boundaries; between two blocks there is nothing but line ends. Only [`Writer`] makes one, so this holds for
//! every format.

use super::error::Error;
use super::limits::Limits;
use super::normalise::{inline, one_line, plain_characters};
use super::sniff::Format;
use super::table;
use serde::{Deserialize, Serialize};

/// The readable text of a document and where in it things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// What the file turned out to be.
    pub format: Format,
    /// What the document calls itself.
    pub title: Option<String>,
    /// The whole text in light Markdown, normalised.
    pub text: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
    /// Pages, where the format has them.
    pub pages: Option<u32>,
    /// The language as an ISO 639-1 code, when it is clear.
    pub language: Option<String>,
}

/// One block of an [`Extracted`] text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// First byte in the text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The page it begins on, from 1, where the format has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// What a [`Block`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading, written `## like this`.
    Heading {
        /// 1 is the highest, 6 the lowest.
        level: u8,
    },
    /// Running text. Line ends in it are meant.
    Paragraph,
    /// One item of a list with its marker, on one or more lines.
    ListItem {
        /// 0 is the outermost list.
        depth: u8,
    },
    /// A whole pipe table; its first line is the header, its second the rule.
    Table,
    /// Code with its fences.
    Code,
}

/// Builds an [`Extracted`], block by block.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    blocks: Vec<Block>,
    page: Option<u32>,
    text_bytes_max: u64,
    blocks_max: usize,
}

impl Writer {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            text: String::new(),
            blocks: Vec::new(),
            page: None,
            text_bytes_max: limits.text_bytes_max,
            blocks_max: limits.blocks_max,
        }
    }

    /// The page that the following blocks stand on, from 1.
    pub(super) fn set_page(&mut self, page: u32) {
        self.page = Some(page);
    }

    pub(super) fn heading(&mut self, level: u8, raw: &str) -> Result<(), Error> {
        let words = one_line(raw);
        let words = words.trim_matches(|c: char| c == '#' || c.is_whitespace());
        if words.is_empty() {
            return Ok(());
        }
        let level = level.clamp(1, 6);
        let line = format!("{} {words}", "#".repeat(usize::from(level)));
        self.push(BlockKind::Heading { level }, &line)
    }

    pub(super) fn paragraph(&mut self, raw: &str) -> Result<(), Error> {
        let words = inline(raw);
        if words.is_empty() {
            return Ok(());
        }
        self.push(BlockKind::Paragraph, &words)
    }

    /// Running text whose indentation is meant, as in a plain text file.
    pub(super) fn preformatted(&mut self, raw: &str) -> Result<(), Error> {
        let plain = plain_characters(raw);
        let lines: Vec<&str> = plain.split('\n').map(str::trim_end).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return Ok(());
        }
        self.push(BlockKind::Paragraph, &lines.join("\n"))
    }

    /// One list item; `marker` is `-` or `3.`.
    pub(super) fn list_item(&mut self, depth: u8, marker: &str, raw: &str) -> Result<(), Error> {
        let words = inline(raw);
        if words.is_empty() {
            return Ok(());
        }
        let indent = "  ".repeat(usize::from(depth.min(8)));
        let continued = format!("\n{indent}  ");
        let item = format!("{indent}{marker} {}", words.replace('\n', &continued));
        self.push(BlockKind::ListItem { depth }, &item)
    }

    /// A table; the first row is its header.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) -> Result<(), Error> {
        match table::render(rows) {
            Some(lines) => self.push(BlockKind::Table, &lines),
            None => Ok(()),
        }
    }

    pub(super) fn code(&mut self, language: &str, raw: &str) -> Result<(), Error> {
        let plain = plain_characters(raw);
        let body = plain.trim_matches('\n').trim_end();
        if body.trim().is_empty() {
            return Ok(());
        }
        let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let language: String =
            language.chars().take_while(|c| c.is_ascii_alphanumeric() || "+-_#.".contains(*c)).collect();
        self.push(BlockKind::Code, &format!("{fence}{language}\n{body}\n{fence}"))
    }

    fn push(&mut self, kind: BlockKind, block: &str) -> Result<(), Error> {
        let in_list = matches!(kind, BlockKind::ListItem { .. })
            && self.blocks.last().is_some_and(|last| matches!(last.kind, BlockKind::ListItem { .. }));
        if !self.text.is_empty() {
            self.text.push_str(if in_list { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        if (start + block.len()) as u64 > self.text_bytes_max || self.blocks.len() >= self.blocks_max {
            return Err(Error::TooMuchText { bytes_max: self.text_bytes_max });
        }
        self.text.push_str(block);
        self.blocks.push(Block { kind, start, end: self.text.len(), page: self.page });
        Ok(())
    }

    /// The words of the first heading of level 1, which is what most documents are called.
    pub(super) fn first_heading(&self) -> Option<String> {
        let first = self.blocks.iter().find(|block| matches!(block.kind, BlockKind::Heading { .. }))?;
        if !matches!(first.kind, BlockKind::Heading { level: 1 }) {
            return None;
        }
        self.text.get(first.start..first.end).map(|line| line.trim_start_matches('#').trim().to_owned())
    }

    /// The document. `title` is what its metadata says; without it the first heading serves.
    pub(super) fn finish(
        self,
        format: Format,
        title: Option<&str>,
        pages: Option<u32>,
    ) -> Result<Extracted, Error> {
        if self.blocks.is_empty() {
            return Err(Error::NoText);
        }
        let title = title.map(one_line).filter(|title| !title.is_empty()).or_else(|| self.first_heading());
        let title = title.map(|title| title.chars().take(TITLE_CHARACTERS_MAX).collect());
        let language = super::language::detect(&self.text);
        Ok(Extracted { format, title, text: self.text, blocks: self.blocks, pages, language })
    }
}

/// A title longer than this is a paragraph that lost its way.
const TITLE_CHARACTERS_MAX: usize = 300;

impl Extracted {
    /// The text of `block`, empty if the range is not of this text.
    #[must_use]
    pub fn slice(&self, block: &Block) -> &str {
        self.text.get(block.start..block.end).unwrap_or_default()
    }
}
