//! The sections of a document: blocks under the same headings.

use crate::knowledge::extract::{Block, BlockKind, Extracted};

/// A longer heading is a paragraph that looks like one.
const HEADING_BYTES_MAX: usize = 300;

/// Blocks that follow one another under the same headings.
#[derive(Debug)]
pub(super) struct Section {
    /// The headings, outermost first, without their marks.
    pub(super) path: Vec<String>,
    /// The heading that opens it.
    pub(super) heading: Option<Block>,
    /// What stands under it. A heading with nothing below it is its own body.
    pub(super) body: Vec<Block>,
}

/// The sections of `document` in order. A heading that only holds deeper headings has no section of its own.
pub(super) fn sections(document: &Extracted) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open: Vec<(u8, String)> = Vec::new();
    let mut current = Section { path: Vec::new(), heading: None, body: Vec::new() };
    for block in &document.blocks {
        match block.kind {
            BlockKind::Heading { level } if block.end - block.start <= HEADING_BYTES_MAX => {
                let deeper = open.last().is_some_and(|(last, _)| level > *last);
                finish(&mut sections, current, !deeper);
                while open.last().is_some_and(|(last, _)| *last >= level) {
                    open.pop();
                }
                let words = document.slice(block).trim_start_matches('#').trim();
                open.push((level, words.to_owned()));
                let path = open.iter().map(|(_, words)| words.clone()).collect();
                current = Section { path, heading: Some(*block), body: Vec::new() };
            }
            _ => current.body.push(*block),
        }
    }
    finish(&mut sections, current, true);
    sections
}

fn finish(sections: &mut Vec<Section>, mut section: Section, childless: bool) {
    if section.body.is_empty() {
        let Some(heading) = section.heading.take().filter(|_| childless) else { return };
        section.body.push(heading);
        section.path.pop();
    }
    sections.push(section);
}
