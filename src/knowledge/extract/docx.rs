//! Word documents, after the archive has been found harmless.
//!
//! Headings come from styles; only in a document without a single styled heading are they inferred from size and
//! weight. Deleted text of tracked changes is left out, notes follow the text, page headers and footers go. A
//! DOCX has no pages before somebody prints it.

use super::archive;
use super::document::{Extracted, Writer};
use super::error::Error;
use super::limits::Limits;
use super::sniff::Format;
use super::table::{self, Cell};
use undoc::model::RevisionType;
use undoc::render::HeadingAnalyzer;
use undoc::{Block, Document, ListType, Paragraph, Table};

/// Tables in cells of tables are read to this depth.
const NESTED_TABLES_MAX: usize = 4;
/// An inferred heading is no longer than this.
const INFERRED_HEADING_CHARACTERS_MAX: usize = 100;

/// The text of a Word document.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Error> {
    archive::check(bytes, Format::Docx, limits)?;
    let document = undoc::docx::DocxParser::from_bytes(bytes.to_vec())
        .and_then(|mut parser| parser.parse())
        .map_err(|error| failure(&error))?;
    let mut writer = Writer::new(limits);
    let inferred = inferred_headings(&document);
    let mut code: Vec<String> = Vec::new();
    let mut numbers = Numbers::default();
    for (section_index, section) in document.sections.iter().enumerate() {
        for (block_index, block) in section.content.iter().enumerate() {
            if let Block::Paragraph(paragraph) = block
                && is_code(paragraph)
            {
                code.push(words(paragraph));
                continue;
            }
            writer.code("", &std::mem::take(&mut code).join("\n"))?;
            let level = inferred.as_ref().and_then(|levels| *levels.get(section_index)?.get(block_index)?);
            write_block(block, level, &mut numbers, &mut writer)?;
        }
    }
    writer.code("", &code.join("\n"))?;
    writer.finish(Format::Docx, document.metadata.title.as_deref(), None)
}

fn write_block(
    block: &Block,
    inferred: Option<u8>,
    numbers: &mut Numbers,
    writer: &mut Writer,
) -> Result<(), Error> {
    match block {
        Block::Paragraph(paragraph) => {
            let text = words(paragraph);
            let level =
                if paragraph.heading.is_heading() { Some(paragraph.heading.level()) } else { inferred };
            if let Some(level) = level {
                *numbers = Numbers::default();
                return writer.heading(level, &text);
            }
            match list_place(paragraph) {
                Some((depth, numbered)) if !text.trim().is_empty() => {
                    let said = paragraph.list_info.as_ref().and_then(|list| list.number);
                    let marker =
                        if numbered { format!("{}.", numbers.next(depth, said)) } else { "-".to_owned() };
                    writer.list_item(depth, &marker, &text)
                }
                _ => {
                    *numbers = Numbers::default();
                    writer.paragraph(&text)
                }
            }
        }
        Block::Table(table) => {
            *numbers = Numbers::default();
            write_table(table, writer)
        }
        Block::Note { content, .. } => content.iter().try_for_each(|note| writer.paragraph(&words(note))),
        Block::PageBreak | Block::SectionBreak | Block::Image { .. } => Ok(()),
    }
}

/// The last number of each open list. Some programs write each item of a list as a list of its own that begins
/// anew; items that follow one another are counted on.
#[derive(Debug, Default)]
struct Numbers(Vec<u32>);

impl Numbers {
    fn next(&mut self, depth: u8, said: Option<u32>) -> u32 {
        let depth = usize::from(depth.min(16));
        self.0.truncate(depth + 1);
        self.0.resize(depth + 1, 0);
        let Some(last) = self.0.last_mut() else { return 1 };
        *last = said.unwrap_or(0).max(last.saturating_add(1));
        *last
    }
}

/// The depth of a list item and whether it is numbered, from its numbering or else from its style.
fn list_place(paragraph: &Paragraph) -> Option<(u8, bool)> {
    if let Some(list) = paragraph.list_info.as_ref().filter(|list| list.list_type != ListType::None) {
        return Some((list.level, list.list_type == ListType::Numbered));
    }
    let style = paragraph.style_name.as_deref()?.to_lowercase();
    let (rest, numbered) = match (style.strip_prefix("list bullet"), style.strip_prefix("list number")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return None,
    };
    Some((rest.trim().parse::<u8>().map_or(0, |level| level.saturating_sub(1)), numbered))
}

fn write_table(source: &Table, writer: &mut Writer) -> Result<(), Error> {
    if let Some(caption) = &source.caption {
        writer.paragraph(caption)?;
    }
    if source.column_count() < 2 {
        // A table of one column is a frame around text.
        return source.rows.iter().flat_map(|row| &row.cells).try_for_each(|cell| {
            cell.content.iter().try_for_each(|paragraph| {
                write_block(&Block::Paragraph(paragraph.clone()), None, &mut Numbers::default(), writer)
            })?;
            cell.nested_tables.iter().try_for_each(|table| writer.paragraph(&table_words(table, 1)))
        });
    }
    let grid = source.rows.iter().zip(source.cell_columns()).map(|(row, columns)| {
        row.cells
            .iter()
            .zip(columns)
            .map(|(cell, column)| Cell {
                column,
                row_span: cell.row_span as usize,
                text: cell_words(cell, 0),
            })
            .collect()
    });
    writer.table(&table::spread(grid.collect()))
}

fn cell_words(cell: &undoc::Cell, depth: usize) -> String {
    let mut parts: Vec<String> = cell.content.iter().map(words).collect();
    if depth < NESTED_TABLES_MAX {
        parts.extend(cell.nested_tables.iter().map(|table| table_words(table, depth + 1)));
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join(" ")
}

fn table_words(table: &Table, depth: usize) -> String {
    let rows: Vec<String> = table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell_words(cell, depth)).collect::<Vec<_>>().join(", "))
        .collect();
    rows.join("; ")
}

fn words(paragraph: &Paragraph) -> String {
    let mut text = String::new();
    for run in paragraph.runs.iter().filter(|run| run.revision != RevisionType::Deleted) {
        text.push_str(&run.text);
        if run.line_break {
            text.push('\n');
        }
    }
    text
}

/// Set in a typewriter face from end to end, or in a style made for code.
fn is_code(paragraph: &Paragraph) -> bool {
    if paragraph.heading.is_heading()
        || paragraph.list_info.as_ref().is_some_and(|list| list.list_type != ListType::None)
    {
        return false;
    }
    let style = paragraph.style_name.as_deref().unwrap_or_default().to_lowercase();
    let mut runs = paragraph.runs.iter().filter(|run| !run.text.trim().is_empty()).peekable();
    let has_words = runs.peek().is_some();
    has_words
        && (runs.all(|run| run.style.code) || style.contains("preformatted") || style.contains("source code"))
}

/// Levels by section and block, for a document in which no heading has a style.
fn inferred_headings(document: &Document) -> Option<Vec<Vec<Option<u8>>>> {
    let styled = document
        .sections
        .iter()
        .flat_map(|section| &section.content)
        .any(|block| matches!(block, Block::Paragraph(paragraph) if paragraph.heading.is_heading()));
    if styled {
        return None;
    }
    let decisions = HeadingAnalyzer::with_defaults().analyze(document);
    let levels = document.sections.iter().zip(decisions).map(|(section, decisions)| {
        // One decision for each paragraph; the other blocks have none.
        let mut decisions = decisions.into_iter();
        section
            .content
            .iter()
            .map(|block| {
                let Block::Paragraph(paragraph) = block else { return None };
                let level = decisions.next()?.level()?.level();
                (words(paragraph).chars().count() <= INFERRED_HEADING_CHARACTERS_MAX).then_some(level)
            })
            .collect()
    });
    Some(levels.collect())
}

fn failure(error: &undoc::Error) -> Error {
    match error.kind() {
        undoc::ErrorKind::Encrypted => Error::Encrypted { format: Format::Docx },
        _ => Error::Damaged { format: Format::Docx, detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{docx, word_paragraph};
    use super::*;

    #[test]
    fn list_styles_without_numbering_are_lists() {
        let body = format!("{}{}", word_paragraph("ListBullet", "One"), word_paragraph("ListBullet", "Two"));
        assert_eq!(extract(&docx(&body, &[]), &Limits::default()).unwrap().text, "- One\n- Two");
    }

    #[test]
    fn numbers_that_begin_anew_are_counted_on() {
        let mut numbers = Numbers::default();
        let given = [(0, Some(1)), (0, Some(1)), (0, Some(2)), (1, Some(1)), (0, Some(7))];
        let counted: Vec<u32> = given.into_iter().map(|(depth, said)| numbers.next(depth, said)).collect();
        assert_eq!(counted, [1, 2, 3, 1, 7]);
    }
}
