//! What stands on a page and is not part of the text: running heads, page numbers, dotted contents lines.
//!
//! A piece at the edge of a page is furniture when the same words stand at the edge of many pages. Page numbers
//! are taken as equal in paragraphs (`Page 3 of 20`), not in headings, or every `Chapter 3` would go.

use std::collections::{HashMap, HashSet};

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
/// and, where its numbers differ, on at least this share of all.
const FURNITURE_PAGES_MIN_PERCENT: usize = 10;
/// A page with so many dotted lines is a table of contents.
const CONTENTS_LINES_MIN: usize = 3;
/// Furniture is short.
const FURNITURE_CHARACTERS_MAX: usize = 150;

impl Piece {
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Heading { text, .. }
            | Self::Paragraph(text)
            | Self::Item { text, .. }
            | Self::Code(text) => text.len(),
            Self::Table(rows) => rows.iter().flatten().map(String::len).sum(),
        }
    }

    /// Letters and digits in it.
    pub(super) fn characters(&self) -> usize {
        let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        match self {
            Self::Heading { text, .. }
            | Self::Paragraph(text)
            | Self::Item { text, .. }
            | Self::Code(text) => count(text),
            Self::Table(rows) => rows.iter().flatten().map(|cell| count(cell)).sum(),
        }
    }

    fn words(&self) -> Option<&str> {
        match self {
            Self::Heading { text, .. } | Self::Paragraph(text) | Self::Item { text, .. } => Some(text),
            Self::Table(_) | Self::Code(_) => None,
        }
    }

    /// Its words as they are compared between pages, and whether numbers were left out.
    fn key(&self) -> Option<(String, bool)> {
        let words: Vec<&str> = self.words()?.split_whitespace().collect();
        let key = words.join(" ").to_lowercase();
        if key.is_empty() || key.chars().count() > FURNITURE_CHARACTERS_MAX {
            return None;
        }
        match self {
            Self::Heading { .. } => return Some((format!("# {key}"), false)),
            Self::Item { .. } => return Some((format!("- {key}"), false)),
            Self::Paragraph(_) | Self::Table(_) | Self::Code(_) => {}
        }
        // A page number stands first or among the last words: `12 | Manual`, `Manual, page 3 of 20`.
        let equal = words.iter().enumerate().map(|(at, word)| {
            if at == 0 || at + 3 >= words.len() {
                word.trim_matches(|c: char| c.is_ascii_digit()).to_lowercase()
            } else {
                word.to_lowercase()
            }
        });
        let equal = equal.collect::<Vec<_>>().join(" ");
        let numbered = equal != key;
        Some((equal, numbered))
    }

    /// Its letters and digits, to recognise a heading that is repeated as a running head.
    fn letters(&self) -> Option<String> {
        let letters: String =
            self.words()?.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        (!letters.is_empty() && letters.len() <= FURNITURE_CHARACTERS_MAX).then_some(letters)
    }

    fn is_contents_line(&self) -> bool {
        let Some(words) = self.words() else { return false };
        let text: String = words.chars().filter(|c| !c.is_whitespace()).collect();
        let text = text.replace('…', "...");
        text.contains("......") && text.ends_with(|c: char| c.is_ascii_digit() || "ivxlc.".contains(c))
    }

    /// On a page of contents: its title, or a line without dots that ends in a page number.
    fn belongs_to_contents(&self) -> bool {
        let Some(words) = self.words() else { return false };
        let words = words.trim();
        let title = matches!(self, Self::Heading { .. }) && words.to_lowercase().ends_with("contents");
        title || (words.len() <= FURNITURE_CHARACTERS_MAX && words.ends_with(|c: char| c.is_ascii_digit()))
    }

    fn is_page_number(&self) -> bool {
        let Self::Paragraph(text) = self else { return false };
        let text = text.trim();
        !text.is_empty()
            && text.len() <= 5
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b' ')
    }
}

/// `pages` (number and pieces) without furniture and contents lines.
pub(super) fn without_furniture(pages: Vec<(u32, Vec<Piece>)>) -> Vec<(u32, Vec<Piece>)> {
    let repeated = repeated_keys(&pages);
    let mut headings: HashSet<String> = HashSet::new();
    pages
        .into_iter()
        .map(|(number, pieces)| {
            let is_repeated = |piece: &Piece| {
                piece.is_page_number() || piece.key().is_some_and(|(key, _)| repeated.contains(&key))
            };
            let above = |piece: &Piece| piece.letters().is_some_and(|letters| headings.contains(&letters));
            let top = pieces
                .iter()
                .take(EDGE_PIECES)
                .take_while(|piece| is_repeated(piece) || above(piece))
                .count();
            // A foot may name a section that begins on this very page.
            let here = |piece: &Piece, at: usize| {
                let letters = piece.letters();
                let mut earlier =
                    pieces.iter().take(at).filter(|other| matches!(other, Piece::Heading { .. }));
                letters.is_some() && earlier.any(|other| other.letters() == letters)
            };
            let bottom = pieces
                .iter()
                .enumerate()
                .skip(top)
                .rev()
                .take(EDGE_PIECES)
                .take_while(|(at, piece)| is_repeated(piece) || above(piece) || here(piece, *at))
                .count();
            let kept = pieces.len() - top - bottom;
            let contents =
                pieces.iter().filter(|piece| piece.is_contents_line()).count() >= CONTENTS_LINES_MIN;
            let body: Vec<Piece> = pieces
                .into_iter()
                .skip(top)
                .take(kept)
                .filter(|piece| !(piece.is_contents_line() || contents && piece.belongs_to_contents()))
                .collect();
            let found = body.iter().filter(|piece| matches!(piece, Piece::Heading { .. }));
            headings.extend(found.filter_map(Piece::letters));
            (number, body)
        })
        .collect()
}

/// Keys that stand at the edges of enough pages.
fn repeated_keys(pages: &[(u32, Vec<Piece>)]) -> HashSet<String> {
    let mut seen: HashMap<(String, bool), usize> = HashMap::new();
    for (_, pieces) in pages {
        let keys: HashSet<_> = edge_indices(pieces.len()).filter_map(|at| pieces.get(at)?.key()).collect();
        for key in keys {
            *seen.entry(key).or_default() += 1;
        }
    }
    let least = FURNITURE_PAGES_MIN.min(pages.len()).max(2);
    let numbered_least = least.max(pages.len() * FURNITURE_PAGES_MIN_PERCENT / 100);
    seen.into_iter()
        .filter(|((_, numbered), pages)| *pages >= if *numbered { numbered_least } else { least })
        .map(|((key, _), _)| key)
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
                (
                    n,
                    vec![
                        paragraph("Acme Manual"),
                        chapter,
                        paragraph(&format!("Within {n} days you may return what you bought.")),
                        paragraph(&format!("Page {n} of 4")),
                    ],
                )
            })
            .collect();
        for (number, pieces) in without_furniture(pages) {
            assert_eq!(pieces.len(), 2, "page {number}: {pieces:?}");
            assert!(
                matches!(&pieces[0], Piece::Heading { text, .. } if text == &format!("Chapter {number}"))
            );
        }
    }

    #[test]
    fn contents_lines_go() {
        let pages = vec![(
            1,
            vec![paragraph("Intro"), paragraph("Setup .  .  .  .  .  . 12"), paragraph("Wait... 12")],
        )];
        assert_eq!(without_furniture(pages)[0].1, [paragraph("Intro"), paragraph("Wait... 12")]);
    }

    #[test]
    fn a_heading_repeated_as_a_running_head_stands_once() {
        let heading = || Piece::Heading { level: 2, text: "4.7 Mirrors".to_owned() };
        let pages = vec![
            (1, vec![heading(), paragraph("One text.")]),
            (2, vec![Piece::Heading { level: 3, text: "4.7. Mirrors".to_owned() }, paragraph("Other text.")]),
        ];
        let kept = without_furniture(pages);
        assert_eq!((kept[0].1.len(), kept[1].1.len()), (2, 1));
    }
}
