//! PDF, page by page, so that a citation can name the page.
//!
//! Headings, lists, tables and code are those the reader recognises from fonts and rules. What is repeated at
//! the edge of page after page, and the dotted lines of a table of contents, is left out ([`super::pdf_lines`]).
//! A file whose pages are pictures is reported as scanned rather than passed on as empty.

use super::document::{Extracted, Writer};
use super::error::Error;
use super::limits::Limits;
use super::pdf_lines::{self, Piece};
use super::sniff::Format;
use super::table::{self, Cell};
use super::{pdf_headings, pdf_words};
use std::collections::HashMap;
use std::ops::ControlFlow;
use unpdf::model::ListStyle;
use unpdf::{
    Block, InlineContent, Metadata, Page, PageStreamOptions, Paragraph, ParseEvent, ParseOptions, PdfParser,
    Table,
};

/// A scan has fewer characters than this on a page: a page number, a stamp.
const SCAN_CHARACTERS_MAX: usize = 20;
/// And pictures over at least this share of it.
const SCAN_COVERAGE_MIN: f32 = 0.5;

/// What has been read of a file so far.
#[derive(Default)]
struct Reading {
    title: Option<String>,
    outline: HashMap<String, u8>,
    pages: Vec<(u32, Vec<Piece>)>,
    text_bytes: u64,
    characters: usize,
    covered_pages: u32,
    painted_pages: u32,
    failed_pages: u32,
    too_much: bool,
}

/// The text of a PDF.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Error> {
    let parser = PdfParser::from_bytes_with_options(bytes, ParseOptions::new().sequential())
        .map_err(|error| failure(&error))?;
    let page_count = parser.page_count();
    if page_count > limits.pages_max {
        return Err(Error::TooManyPages { pages: page_count, pages_max: limits.pages_max });
    }
    if page_count == 0 {
        return Err(damaged("it has no pages"));
    }
    let mut reading = Reading::default();
    let options = PageStreamOptions { parallel: false, window_size: 1, ..PageStreamOptions::default() };
    parser
        .for_each_page(options, |event| {
            match event {
                ParseEvent::DocumentStart { metadata, outline, .. } => {
                    reading.title = title(&metadata);
                    reading.outline =
                        outline.map(|outline| pdf_headings::outline_levels(&outline)).unwrap_or_default();
                }
                ParseEvent::PageParsed(page) => reading.add(&page),
                ParseEvent::PageFailed { .. } => reading.failed_pages += 1,
                ParseEvent::Progress { .. } | ParseEvent::DocumentEnd { .. } => {}
            }
            reading.too_much = reading.text_bytes > limits.text_bytes_max;
            if reading.too_much { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .map_err(|error| failure(&error))?;
    reading.finish(page_count, limits)
}

impl Reading {
    fn add(&mut self, page: &Page) {
        let pieces: Vec<Piece> = page.elements.iter().flat_map(pieces).collect();
        for piece in &pieces {
            self.text_bytes += piece.text_bytes() as u64;
            self.characters += piece.characters();
        }
        self.covered_pages += u32::from(page.image_coverage >= SCAN_COVERAGE_MIN);
        self.painted_pages += u32::from(page.image_op_count > 0);
        self.pages.push((page.number, pieces));
    }

    fn finish(self, page_count: u32, limits: &Limits) -> Result<Extracted, Error> {
        if self.too_much {
            return Err(Error::TooMuchText { bytes_max: limits.text_bytes_max });
        }
        if self.failed_pages == page_count {
            return Err(damaged("no page could be read"));
        }
        let sparse = self.characters < SCAN_CHARACTERS_MAX * page_count as usize;
        let pictures =
            self.covered_pages * 2 >= page_count || (self.characters == 0 && self.painted_pages > 0);
        if sparse && pictures {
            return Err(Error::Scanned { pages: page_count });
        }
        let mut writer = Writer::new(limits);
        let mut pages = pdf_lines::without_furniture(self.pages);
        pdf_headings::settle_levels(&mut pages, &self.outline, self.title.as_deref());
        pdf_words::join_broken_words(&mut pages);
        for (number, pieces) in pages {
            writer.set_page(number);
            for piece in pieces {
                match piece {
                    Piece::Heading { level, text } => writer.heading(level, &text)?,
                    Piece::Paragraph(text) => writer.paragraph(&text)?,
                    Piece::Item { depth, marker, text } => writer.list_item(depth, &marker, &text)?,
                    Piece::Table(rows) => writer.table(&rows)?,
                    Piece::Code(text) => writer.code("", &text)?,
                }
            }
        }
        writer.finish(Format::Pdf, self.title.as_deref(), Some(page_count))
    }
}

fn pieces(block: &Block) -> Vec<Piece> {
    match block {
        Block::Paragraph(paragraph) => vec![paragraph_piece(paragraph)],
        Block::Table(table) => table_pieces(table),
        Block::Code { content } => vec![Piece::Code(content.clone())],
        Block::Raw { content } => {
            content.split("\n\n").map(|part| Piece::Paragraph(part.to_owned())).collect()
        }
        Block::Image { .. } | Block::HorizontalRule | Block::PageBreak | Block::SectionBreak => Vec::new(),
    }
}

fn paragraph_piece(paragraph: &Paragraph) -> Piece {
    let text = words(paragraph);
    if let Some(level) = paragraph.heading_level() {
        return Piece::Heading { level, text };
    }
    let Some(list) = &paragraph.style.list_info else { return Piece::Paragraph(text) };
    let marker = match &list.style {
        ListStyle::Unordered { .. } => "-".to_owned(),
        ListStyle::Ordered { .. } => {
            let marked = paragraph.plain_text();
            marked
                .strip_suffix(text.as_str())
                .map_or_else(|| "-".to_owned(), |marker| marker.trim().to_owned())
        }
    };
    Piece::Item { depth: list.level, marker, text }
}

fn words(paragraph: &Paragraph) -> String {
    paragraph
        .content
        .iter()
        .map(|part| match part {
            InlineContent::Text(run) => run.text.as_str(),
            InlineContent::LineBreak => "\n",
            InlineContent::Link { text, .. } => text.as_str(),
            InlineContent::Image { .. } => "",
        })
        .collect()
}

fn table_pieces(source: &Table) -> Vec<Piece> {
    let columns = source.cell_columns();
    if source.column_count() < 2 {
        return source.rows.iter().map(|row| Piece::Paragraph(row.plain_text())).collect();
    }
    let grid = source.rows.iter().zip(columns).map(|(row, columns)| {
        row.cells
            .iter()
            .zip(columns)
            .map(|(cell, column)| Cell {
                column,
                row_span: usize::from(cell.rowspan),
                text: cell.plain_text(),
            })
            .collect()
    });
    let mut pieces: Vec<Piece> =
        source.caption.iter().map(|caption| Piece::Paragraph(caption.clone())).collect();
    pieces.push(Piece::Table(table::spread(grid.collect())));
    pieces
}

/// The title in the metadata, unless it is what a program put there.
fn title(metadata: &Metadata) -> Option<String> {
    let title = metadata.title.as_deref()?.trim();
    let lower = title.to_lowercase();
    let made_up = lower.starts_with("microsoft word")
        || lower.starts_with("untitled")
        || [".doc", ".docx", ".odt", ".tex", ".dvi", ".indd", ".qxd", ".pdf", ".md", ".html"]
            .iter()
            .any(|ending| lower.ends_with(ending));
    (!title.is_empty() && !made_up).then(|| title.to_owned())
}

fn failure(error: &unpdf::Error) -> Error {
    match error.kind() {
        unpdf::ErrorKind::Encrypted | unpdf::ErrorKind::InvalidPassword => {
            Error::Encrypted { format: Format::Pdf }
        }
        _ => damaged(&error.to_string()),
    }
}

fn damaged(detail: &str) -> Error {
    Error::Damaged { format: Format::Pdf, detail: detail.to_owned() }
}
