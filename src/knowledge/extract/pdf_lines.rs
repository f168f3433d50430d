//! What stands on a page and is not part of the text: running heads, page numbers, dotted contents lines.
//!
//! A piece at the edge of a page is furniture when the same words stand at the edge of many pages. Page numbers
//! are taken as equal in paragraphs (`Page 3 of 20`), not in headings, or every `Chapter 3` would go.

use std::collections::HashMap;

/// One recognised piece of a page, in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Heading { level: u8, text: String },
    Paragraph(String),
    Item { depth: u8, marker: String, text: String },
    Table(Vec<Vec<String>>),
    Code(String),
}

/// Pieces looked at from either end of a page.
const EDGE_PIECES: usize = 2;
/// Furniture stands on at least this many pages,
const FURNITURE_PAGES_MIN: usize = 3;
/// and on at least this share of all.
const FURNITURE_PAGES_MIN_PERCENT: usize = 10;
/// Furniture is short.
const FURNITURE_CHARACTERS_MAX: usize = 150;

impl Piece {
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Heading { text, .. } | Self::Paragraph(text) | Self::Item { text, .. } | Self::Code(text) => text.len(),
            Self::Table(rows) => rows.iter().flatten().map(String::len).sum(),
        }
    }

    /// Letters and digits in it.
    pub(super) fn characters(&self) -> usize {
        let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        match self {
            Self::Heading { text, .. } | Self::Paragraph(text) | Self::Item { text, .. } | Self::Code(text) => count(text),
            Self::Table(rows) => rows.iter().flatten().map(|cell| count(cell)).sum(),
        }
    }

    /// Its words as they are compared between pages.
    fn key(&self) -> Option<String> {
        let (text, numbers_count) = match self {
            Self::Heading { text, .. } => (text, true),
            Self::Paragraph(text) | Self::Item { text, .. } => (text, false),
            Self::Table(_) | Self::Code(_) => return None,
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let key = words.join(" ").to_lowercase();
        if key.chars().count() > FURNITURE_CHARACTERS_MAX {
            return None;
        }
        if numbers_count {
            return Some(key);
        }
        // A page number stands first or among the last words: `12 | Manual`, `Manual, page 3 of 20`.
        let equal = words.iter().enumerate().map(|(at, word)| {
            if at == 0 || at + 3 >= words.len() {
                word.trim_matches(|c: char| c.is_ascii_digit()).to_lowercase()
            } else {
                word.to_lowercase()
            }
        });
        Some(equal.collect::<Vec<_>>().join(" "))
    }

    fn is_contents_line(&self) -> bool {
        let (Self::Heading { text, .. } | Self::Paragraph(text) | Self::Item { text, .. }) = self else { return false };
        let leaders = text.matches("......").count() + text.matches(". . . .").count();
        leaders > 0 && text.trim_end().ends_with(|c: char| c.is_ascii_digit() || "ivxlc.".contains(c))
    }

    fn is_page_number(&self) -> bool {
        let Self::Paragraph(text) = self else { return false };
        let text = text.trim();
        !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b' ')
    }
}

/// `pages` (number and pieces) without furniture and contents lines.
pub(super) fn without_furniture(pages: Vec<(u32, Vec<Piece>)>) -> Vec<(u32, Vec<Piece>)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (_, pieces) in &pages {
        let mut keys: Vec<String> = edge_indices(pieces.len()).filter_map(|at| pieces.get(at)?.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            *seen.entry(key).or_default() += 1;
        }
    }
    let least = FURNITURE_PAGES_MIN.max(pages.len() * FURNITURE_PAGES_MIN_PERCENT / 100);
    let is_furniture = |piece: &Piece| {
        piece.is_page_number()
            || piece.key().is_some_and(|key| seen.get(&key).is_some_and(|pages| *pages >= least))
    };
    pages
        .into_iter()
        .map(|(number, pieces)| {
            let top = pieces.iter().take(EDGE_PIECES).take_while(|piece| is_furniture(piece)).count();
            let bottom = pieces.iter().skip(top).rev().take(EDGE_PIECES).take_while(|piece| is_furniture(piece)).count();
            let kept = pieces.len() - top - bottom;
            let body = pieces.into_iter().skip(top).take(kept).filter(|piece| !piece.is_contents_line()).collect();
            (number, body)
        })
        .collect()
}

fn edge_indices(length: usize) -> impl Iterator<Item = usize> {
    let bottom = length.saturating_sub(EDGE_PIECES).max(EDGE_PIECES.min(length));
    (0..EDGE_PIECES.min(length)).chain(bottom..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(text: &str) -> Piece {
        Piece::Paragraph(text.to_owned())
    }

    #[test]
    fn running_heads_and_page_numbers_go_and_chapters_stay() {
        let pages: Vec<_> = (1..=4)
            .map(|n| {
                let chapter = Piece::Heading { level: 1, text: format!("Chapter {n}") };
                (n, vec![paragraph("Acme Manual"), chapter, paragraph(&format!("Within {n} days you may return what you bought.")), paragraph(&format!("Page {n} of 4"))])
            })
            .collect();
        for (number, pieces) in without_furniture(pages) {
            assert_eq!(pieces.len(), 2, "page {number}: {pieces:?}");
            assert!(matches!(&pieces[0], Piece::Heading { text, .. } if text == &format!("Chapter {number}")));
        }
    }

    #[test]
    fn contents_lines_go() {
        let pages = vec![(1, vec![paragraph("Intro"), paragraph("Setup ........... 12"), paragraph("Wait... 12")])];
        assert_eq!(without_furniture(pages)[0].1, [paragraph("Intro"), paragraph("Wait... 12")]);
    }
}
