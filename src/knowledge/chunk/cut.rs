//! Cutting blocks into units: pieces that stay whole when passages are packed.

use super::passage::Settings;
use super::section::Section;
use super::sentence::{sentences, trimmed};
use crate::knowledge::extract::{Block, BlockKind, Extracted};
use std::ops::Range;

/// Bytes per token that a unit may have at most: a tokenizer may take a line of noise for a single token.
const BYTES_PER_TOKEN_MAX: usize = 8;
/// A lead-in, header or fence of more tokens is not repeated.
const LEAD_TOKENS_MAX: usize = 60;

/// A piece that is packed whole.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) range: Range<usize>,
    pub(super) tokens: usize,
    pub(super) kind: BlockKind,
    pub(super) page: Option<u32>,
    /// The block it comes from.
    pub(super) block_start: usize,
    /// Units of a group stay together if they fit into one passage: a list with its lead-in, a table, code.
    pub(super) group: usize,
    /// What a passage that begins here repeats, as an index into [`Cutter::leads`].
    pub(super) lead: Option<usize>,
}

/// Cuts the blocks of one document.
pub(super) struct Cutter<'a> {
    pub(super) document: &'a Extracted,
    pub(super) count_tokens: &'a dyn Fn(&str) -> usize,
    pub(super) settings: &'a Settings,
    /// Texts that passages repeat.
    pub(super) leads: Vec<String>,
    groups: usize,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(
        document: &'a Extracted,
        count_tokens: &'a dyn Fn(&str) -> usize,
        settings: &'a Settings,
    ) -> Self {
        Self { document, count_tokens, settings, leads: Vec::new(), groups: 0 }
    }

    pub(super) fn text(&self, range: Range<usize>) -> &'a str {
        self.document.text.get(range).unwrap_or_default()
    }

    /// The units of a section.
    pub(super) fn units(&mut self, section: &Section) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        let mut list_lead: Option<usize> = None;
        let mut previous: Option<BlockKind> = None;
        for block in &section.body {
            let in_list = matches!(block.kind, BlockKind::ListItem { .. });
            let continues = in_list && matches!(previous, Some(BlockKind::ListItem { .. }));
            let led_in = in_list && !continues && self.leads_in(units.last());
            if in_list && !continues {
                list_lead = if led_in { self.list_lead(units.last()) } else { None };
            }
            if !continues && !led_in {
                self.groups += 1;
            }
            match block.kind {
                BlockKind::Table => self.cut_table(block, &mut units),
                BlockKind::Code => self.cut_code(block, &mut units),
                BlockKind::ListItem { .. } => self.cut_prose(block, list_lead, &mut units),
                BlockKind::Paragraph | BlockKind::Heading { .. } => self.cut_prose(block, None, &mut units),
            }
            previous = Some(block.kind);
        }
        units
    }

    /// The heading of a section as a unit.
    pub(super) fn heading(&mut self, block: &Block) -> Unit {
        self.groups += 1;
        self.unit(block.start..block.end, block, None)
    }

    fn unit(&self, range: Range<usize>, block: &Block, lead: Option<usize>) -> Unit {
        let tokens = (self.count_tokens)(self.text(range.clone()));
        Unit {
            range,
            tokens,
            kind: block.kind,
            page: block.page,
            block_start: block.start,
            group: self.groups,
            lead,
        }
    }

    fn leads_in(&self, last: Option<&Unit>) -> bool {
        last.is_some_and(|unit| {
            unit.kind == BlockKind::Paragraph && self.text(unit.range.clone()).ends_with([':', '：'])
        })
    }

    /// The last sentence of the paragraph before a list.
    fn list_lead(&mut self, last: Option<&Unit>) -> Option<usize> {
        let slice = self.text(last?.range.clone());
        let sentence = slice.get(sentences(slice).pop()?)?;
        self.add_lead(format!("{sentence}\n"))
    }

    fn add_lead(&mut self, lead: String) -> Option<usize> {
        if lead.len() > LEAD_TOKENS_MAX * BYTES_PER_TOKEN_MAX || (self.count_tokens)(&lead) > LEAD_TOKENS_MAX
        {
            return None;
        }
        self.leads.push(lead);
        Some(self.leads.len() - 1)
    }

    fn fits(&self, range: Range<usize>) -> bool {
        let target = self.settings.tokens_target;
        range.len() <= target * BYTES_PER_TOKEN_MAX && (self.count_tokens)(self.text(range)) <= target
    }

    fn cut_prose(&self, block: &Block, lead: Option<usize>, units: &mut Vec<Unit>) {
        let whole = block.start..block.end;
        if self.fits(whole.clone()) {
            units.push(self.unit(whole, block, lead));
            return;
        }
        for sentence in sentences(self.text(whole)) {
            let range = block.start + sentence.start..block.start + sentence.end;
            self.cut_range(range, block, lead, units);
        }
    }

    /// One unit if `range` fits, else its halves, cut where it hurts least.
    fn cut_range(&self, range: Range<usize>, block: &Block, lead: Option<usize>, units: &mut Vec<Unit>) {
        let mut waiting = vec![range];
        while let Some(range) = waiting.pop() {
            let halves =
                if self.fits(range.clone()) { None } else { halve(&self.document.text, range.clone()) };
            match halves {
                Some((left, right)) => waiting.extend([right, left]),
                None => units.push(self.unit(range, block, lead)),
            }
        }
    }

    fn cut_table(&mut self, block: &Block, units: &mut Vec<Unit>) {
        let mut lines = self.lines(block);
        let (Some(header), Some(rule)) = (lines.next(), lines.next()) else {
            self.cut_range(block.start..block.end, block, None, units);
            return;
        };
        let lead = self.add_lead(format!("{}\n", self.text(header.start..rule.end)));
        let Some(first) = lines.next() else {
            self.cut_range(header.start..rule.end, block, None, units);
            return;
        };
        if self.fits(header.start..first.end) {
            units.push(self.unit(header.start..first.end, block, None));
        } else {
            self.cut_range(header.start..rule.end, block, None, units);
            self.cut_range(first, block, lead, units);
        }
        for row in lines {
            self.cut_range(row, block, lead, units);
        }
    }

    fn cut_code(&mut self, block: &Block, units: &mut Vec<Unit>) {
        let whole = block.start..block.end;
        if self.fits(whole.clone()) {
            units.push(self.unit(whole, block, None));
            return;
        }
        let mut lines: Vec<Range<usize>> = self.lines(block).collect();
        let opening = lines.first().cloned().unwrap_or_default();
        let lead = self.add_lead(format!("{}\n", self.text(opening.clone())));
        // Fences stay with the line beside them.
        if lines.len() >= 3 {
            lines.remove(0);
            let closing = lines.pop().map_or(block.end, |line| line.end);
            if let Some(first) = lines.first_mut() {
                first.start = opening.start;
            }
            if let Some(last) = lines.last_mut() {
                last.end = closing;
            }
        }
        for (index, line) in lines.into_iter().enumerate() {
            let lead = if index == 0 { None } else { lead };
            if let Some(line) = trimmed_line(&self.document.text, line) {
                self.cut_range(line, block, lead, units);
            }
        }
    }

    fn lines(&self, block: &Block) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let mut start = block.start;
        self.text(block.start..block.end).split('\n').map(move |line| {
            let range = start..start + line.len();
            start = range.end + 1;
            range
        })
    }
}

/// A line of code without blanks at its end, `None` if it is blank. Its indentation stays.
fn trimmed_line(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let words = trimmed(text, range.clone())?;
    Some(range.start..words.end)
}

/// `range` in two parts, cut at the blank nearest to its middle, or where there is none near, between two
/// characters. `None` if it is a single character.
pub(super) fn halve(text: &str, range: Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    /// How far from the middle a blank is looked for; a word reaching further is longer than any passage.
    const REACH_BYTES: usize = 4096;
    let slice = text.get(range.clone())?;
    let middle = slice.floor_char_boundary(slice.len() / 2);
    let from = slice.floor_char_boundary(middle.saturating_sub(REACH_BYTES));
    let to = slice.ceil_char_boundary((middle + REACH_BYTES).min(slice.len()));
    let before = slice.get(from..middle)?.char_indices().rev().find(|(_, c)| c.is_whitespace());
    let after = slice.get(middle..to)?.char_indices().find(|(_, c)| c.is_whitespace());
    let before = before.map(|(at, _)| from + at);
    let after = after.map(|(at, _)| middle + at);
    let blank = match (before, after) {
        (Some(before), Some(after)) if middle - before <= after - middle => Some(before),
        (_, Some(after)) => Some(after),
        (before, None) => before,
    };
    let at = match blank {
        Some(blank) => blank,
        None if middle > 0 => middle,
        None => slice.chars().next().map(char::len_utf8).filter(|first| *first < slice.len())?,
    };
    let left = trimmed(text, range.start..range.start + at);
    let right = trimmed(text, range.start + at..range.end);
    match (left, right) {
        (Some(left), Some(right)) => Some((left, right)),
        // All blanks on one side: what is left is smaller, and is tried again as a whole by the caller.
        _ => None,
    }
}
