//! A passage's text cut into what can be quoted: sentences, list items, table rows, code, each under its heading.
//!
//! Every unit is a byte range of the passage's text, so a quote is always the passage's own words.

use std::ops::Range;

use crate::knowledge::chunk::sentences;

/// A passage, taken apart.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) sections: Vec<Section>,
    pub(super) units: Vec<Unit>,
}

/// What stands under one heading of a passage.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    /// The heading within the passage's text, without marks; empty for what comes before the first one.
    pub(super) heading: String,
    /// Depth of that heading, 1 to 6; 0 without one.
    pub(super) level: usize,
    /// Its units.
    pub(super) units: Range<usize>,
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Sentence,
    /// A list item, with its number in a numbered list.
    Item {
        number: Option<u32>,
    },
    /// A row of a table, with the index of the table's header in [`Unit::header`].
    Row,
    Code,
}

/// The least that can be quoted.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) section: usize,
    /// Units of one paragraph, one list or one table share it.
    pub(super) block: usize,
    pub(super) shape: Shape,
    /// Where it stands in the passage's text.
    pub(super) range: Range<usize>,
    /// For a row: where the header line is; its separator line follows it.
    pub(super) header: Option<Range<usize>>,
    /// Ends in a colon: it leads in what follows.
    pub(super) leads_in: bool,
}

impl Parts {
    /// Takes a passage's text apart.
    pub(super) fn of(text: &str) -> Self {
        let mut builder = Builder { text, parts: Self::default(), block: 0 };
        builder.parts.sections.push(Section::default());
        let lines = lines(text);
        let mut at = 0;
        while at < lines.len() {
            at = builder.block_at(&lines, at);
        }
        builder.finish()
    }

    /// The units of the same block, as indexes.
    pub(super) fn block_of(&self, unit: usize) -> Range<usize> {
        let Some(block) = self.units.get(unit).map(|unit| unit.block) else { return unit..unit };
        let start = self.units.iter().position(|unit| unit.block == block).unwrap_or(unit);
        let length = self.units.iter().skip(start).take_while(|unit| unit.block == block).count();
        start..start + length
    }
}

struct Builder<'a> {
    text: &'a str,
    parts: Parts,
    block: usize,
}

impl<'a> Builder<'a> {
    /// Reads the block that begins at line `at`; returns the line after it.
    fn block_at(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let line = self.line(lines, at);
        self.block += 1;
        if line.trim().is_empty() {
            at + 1
        } else if let Some((level, words)) = heading(line) {
            let heading = words.to_owned();
            self.open_section(heading, level);
            at + 1
        } else if line.trim_start().starts_with("```") {
            self.code(lines, at)
        } else if line.trim_start().starts_with('|') {
            self.table(lines, at)
        } else if item_number(line).is_some() {
            self.list(lines, at)
        } else {
            self.paragraph(lines, at)
        }
    }

    fn line(&self, lines: &[Range<usize>], at: usize) -> &'a str {
        lines.get(at).and_then(|range| self.text.get(range.clone())).unwrap_or_default()
    }

    fn open_section(&mut self, heading: String, level: usize) {
        self.close_section();
        let start = self.parts.units.len();
        self.parts.sections.push(Section { heading, level, units: start..start });
    }

    fn close_section(&mut self) {
        let end = self.parts.units.len();
        if let Some(section) = self.parts.sections.last_mut() {
            section.units.end = end;
        }
    }

    fn push(&mut self, shape: Shape, range: Range<usize>, header: Option<Range<usize>>) {
        let slice = self.text.get(range.clone()).unwrap_or_default();
        let start = range.start + (slice.len() - slice.trim_start().len());
        let range = start..start + slice.trim().len();
        if slice.trim().chars().any(char::is_alphanumeric) {
            let leads_in = slice.trim_end().ends_with(':');
            let section = self.parts.sections.len().saturating_sub(1);
            self.parts.units.push(Unit { section, block: self.block, shape, range, header, leads_in });
        }
    }

    fn code(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let mut end = at + 1;
        while end < lines.len() && !self.line(lines, end).trim_start().starts_with("```") {
            end += 1;
        }
        let end = (end + 1).min(lines.len());
        self.push(Shape::Code, span(lines, at, end), None);
        end
    }

    fn table(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let mut end = at;
        while end < lines.len() && self.line(lines, end).trim_start().starts_with('|') {
            end += 1;
        }
        let has_header = is_separator(self.line(lines, at + 1)) && at + 1 < end;
        let header = has_header.then(|| span(lines, at, at + 1));
        for row in at + if has_header { 2 } else { 0 }..end {
            self.push(Shape::Row, span(lines, row, row + 1), header.clone());
        }
        end
    }

    fn list(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let mut start = at;
        let mut next = at + 1;
        loop {
            // A blank line belongs to the list when another item, or a line set in, follows it.
            let blank = next < lines.len() && self.line(lines, next).trim().is_empty();
            let ahead = if blank { next + 1 } else { next };
            let line = self.line(lines, ahead);
            let item = ahead < lines.len() && item_number(line).is_some();
            let set_in = ahead < lines.len() && line.starts_with(' ') && !line.trim().is_empty();
            let lazy = !blank
                && ahead < lines.len()
                && !line.trim().is_empty()
                && heading(line).is_none()
                && !line.trim_start().starts_with(['|', '`']);
            if item || ahead >= lines.len() || !(set_in || lazy) {
                let number = item_number(self.line(lines, start)).flatten();
                self.push(Shape::Item { number }, span(lines, start, next), None);
                if !item {
                    return next;
                }
                start = ahead;
            }
            next = ahead + 1;
        }
    }

    fn paragraph(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let mut end = at + 1;
        while end < lines.len() {
            let line = self.line(lines, end);
            let other = line.trim().is_empty()
                || heading(line).is_some()
                || item_number(line).is_some()
                || line.trim_start().starts_with(['|'])
                || line.trim_start().starts_with("```");
            if other {
                break;
            }
            end += 1;
        }
        let range = span(lines, at, end);
        let paragraph = self.text.get(range.clone()).unwrap_or_default();
        let found = sentences(paragraph);
        let mut open: Option<usize> = None;
        for sentence in &found {
            let start = open.take().unwrap_or(sentence.start);
            let question = paragraph.get(sentence.clone()).is_some_and(|words| words.ends_with(['?', '？']));
            if question && found.len() == 1 {
                // A question that stands alone is the heading of what follows.
                let heading = plain_text(paragraph);
                self.open_section(heading, 6);
                return end;
            }
            if question && sentence.end < paragraph.trim_end().len() {
                open = Some(start);
            } else {
                self.push(Shape::Sentence, range.start + start..range.start + sentence.end, None);
            }
        }
        if let Some(start) = open {
            self.push(Shape::Sentence, range.start + start..range.end, None);
        }
        end
    }

    fn finish(mut self) -> Parts {
        self.close_section();
        self.parts
    }
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let range = start..start + line.trim_end_matches(['\n', '\r']).len();
            start += line.len();
            range
        })
        .collect()
}

/// From the start of line `first` to the end of the line before `end`.
fn span(lines: &[Range<usize>], first: usize, end: usize) -> Range<usize> {
    let start = lines.get(first).map_or(0, |line| line.start);
    let stop = lines.get(end.saturating_sub(1)).map_or(start, |line| line.end);
    start..stop.max(start)
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let marks = line.bytes().take_while(|byte| *byte == b'#').count();
    let words = line.get(marks..)?;
    ((1..=6).contains(&marks) && words.starts_with(' ')).then(|| (marks, words.trim()))
}

fn is_separator(line: &str) -> bool {
    line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// `Some(number)` for a line that begins a list item, the number in a numbered list.
#[allow(clippy::option_option, reason = "an item without a number is not the same as no item")]
fn item_number(line: &str) -> Option<Option<u32>> {
    let line = line.trim_start();
    if ["- ", "* ", "+ ", "• "].iter().any(|mark| line.starts_with(mark)) {
        return Some(None);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let after = line.get(digits..)?;
    if (1..=3).contains(&digits) && (after.starts_with(". ") || after.starts_with(") ")) {
        return Some(line.get(..digits)?.parse().ok());
    }
    None
}

/// The cells of a table line, without the bars.
pub(super) fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for character in inner.chars() {
        if character == '|' && !escaped {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// What a reader sees of light Markdown in one line: without emphasis, marks and repeated blanks.
pub(super) fn plain_text(text: &str) -> String {
    let without: String = text.chars().filter(|c| !matches!(c, '*' | '`' | '|' | '#' | '\\')).collect();
    without.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> Vec<&str> {
        Parts::of(text).units.into_iter().map(|unit| &text[unit.range]).collect()
    }

    #[test]
    fn a_text_becomes_sentences_items_rows_and_code_under_their_headings() {
        let text = "Before. Of all.\n\n## Steps\n\nDo this:\n\n1. First.\n   More.\n\n2. Second.\n\n## Sizes\n\n\
                    | Size | Weight |\n|---|---|\n| S | 1 kg |\n| M | 2 kg |\n\n```\nlet x;\n```";
        assert_eq!(
            quoted(text),
            [
                "Before.",
                "Of all.",
                "Do this:",
                "1. First.\n   More.",
                "2. Second.",
                "| S | 1 kg |",
                "| M | 2 kg |",
                "```\nlet x;\n```"
            ]
        );
        let parts = Parts::of(text);
        let headings: Vec<&str> = parts.sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["", "Steps", "Sizes"]);
        assert_eq!(parts.units[3].shape, Shape::Item { number: Some(1) });
        assert_eq!(parts.block_of(4), 3..5);
        assert!(parts.units[2].leads_in);
        assert_eq!(&text[parts.units[6].header.clone().unwrap()], "| Size | Weight |");
    }

    #[test]
    fn a_question_goes_with_its_answer() {
        assert_eq!(quoted("Is it safe? Yes, it is. Always."), ["Is it safe? Yes, it is.", "Always."]);
        let parts = Parts::of("Is it safe?\n\nYes.");
        assert_eq!(parts.sections[1].heading, "Is it safe?");
        assert_eq!(parts.units.len(), 1);
    }

    proptest! {
        #[test]
        fn units_are_in_order_on_character_bounds_and_never_empty(text in "([a-zß?.:|# \\-`1\n]{0,3}){0,40}") {
            let parts = Parts::of(&text);
            let mut end = 0;
            for unit in &parts.units {
                prop_assert!(unit.range.start >= end && unit.range.end > unit.range.start);
                prop_assert!(text.get(unit.range.clone()).is_some());
                end = unit.range.end;
            }
            for (index, unit) in parts.units.iter().enumerate() {
                prop_assert!(parts.sections[unit.section].units.contains(&index));
                prop_assert!(parts.block_of(index).contains(&index));
            }
        }
    }
}
