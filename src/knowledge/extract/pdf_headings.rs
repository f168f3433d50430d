//! How deep the headings of a PDF are.
//!
//! The reader ranks type sizes page by page, so the same kind of heading has another level on another page. Three
//! things know better, in this order: the file's own outline, the numbers that headings carry, and the rule
//! that nothing stands beside the title.

use super::pdf_lines::Piece;
use std::collections::HashMap;
use unpdf::Outline;
use unpdf::model::OutlineItem;

/// Entries of an outline that are looked at.
const OUTLINE_ITEMS_MAX: usize = 20_000;

/// The level, from 1, of each title in the outline.
pub(super) fn outline_levels(outline: &Outline) -> HashMap<String, u8> {
    let mut levels = HashMap::new();
    let mut waiting: Vec<(&OutlineItem, u8)> = outline.items.iter().rev().map(|item| (item, 1)).collect();
    while let Some((item, level)) = waiting.pop() {
        if levels.len() >= OUTLINE_ITEMS_MAX {
            break;
        }
        levels.entry(letters(&item.title)).or_insert(level);
        waiting.extend(item.children.iter().rev().map(|child| (child, level.saturating_add(1))));
    }
    levels
}

/// Sets the level of every heading in `pages`.
pub(super) fn settle_levels(
    pages: &mut [(u32, Vec<Piece>)],
    outline: &HashMap<String, u8>,
    title: Option<&str>,
) {
    for (_, pieces) in pages.iter_mut() {
        split_joined(pieces);
    }
    let first = pages.iter().flat_map(|(_, pieces)| pieces).find_map(|piece| match piece {
        Piece::Heading { level, text } => Some((*level, text.clone())),
        _ => None,
    });
    let Some((first_level, first_text)) = first else { return };
    // A document headed by its title has everything else below that.
    let titled = title.is_some_and(|title| letters(title) == letters(&first_text))
        || (first_level == 1 && numbered_depth(&first_text).is_none());
    let title_in_outline =
        outline.get(&letters(&first_text)).is_some_and(|level| *level == 1) && outline.len() > 1;
    let below = u8::from(titled && !title_in_outline);
    let mut before_first = true;
    for (_, pieces) in pages {
        let holds_first = before_first && pieces.iter().any(|piece| matches!(piece, Piece::Heading { .. }));
        let highest = pieces.iter().filter_map(heading_level).min().unwrap_or(1);
        let shift = u8::from(titled && !holds_first && highest == 1);
        for piece in pieces.iter_mut() {
            let Piece::Heading { level, text } = piece else { continue };
            *level = if std::mem::take(&mut before_first) && titled {
                1
            } else if let Some(known) = outline.get(&letters(text)) {
                known.saturating_add(below)
            } else if let Some(depth) = numbered_depth(text) {
                depth.saturating_add(u8::from(titled))
            } else if titled {
                level.saturating_add(shift).max(2)
            } else {
                *level
            };
        }
    }
}

/// `5. Grinding 5.1 Fineness` is two headings that stood close together.
fn split_joined(pieces: &mut Vec<Piece>) {
    let mut at = 0;
    while let Some(piece) = pieces.get_mut(at) {
        at += 1;
        let Piece::Heading { level, text } = piece else { continue };
        let Some(number) = numbered_depth(text).and(text.split_whitespace().next()) else { continue };
        let first_below = format!(" {}.1 ", number.trim_end_matches(['.', ')']));
        let Some(cut) = text.find(&first_below) else { continue };
        let rest = text.split_off(cut).trim_start().to_owned();
        let below = Piece::Heading { level: level.saturating_add(1), text: rest };
        pieces.insert(at, below);
    }
}

fn heading_level(piece: &Piece) -> Option<u8> {
    match piece {
        Piece::Heading { level, .. } => Some(*level),
        _ => None,
    }
}

/// 2 for `4.7 Mirrors`, 1 for `3. Used machines`; `None` for a heading without such a number.
fn numbered_depth(text: &str) -> Option<u8> {
    let (number, rest) = text.trim().split_once(char::is_whitespace)?;
    let number = number.trim_end_matches(['.', ')']);
    let parts: Vec<&str> = number.split('.').collect();
    let sound =
        parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    let worded = rest.chars().any(char::is_alphabetic);
    (sound && worded).then(|| u8::try_from(parts.len()).unwrap_or(6).min(6))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(headings: &[(u32, u8, &str)], title: Option<&str>) -> Vec<u8> {
        let mut pages: Vec<(u32, Vec<Piece>)> = Vec::new();
        for (page, level, text) in headings {
            let piece = Piece::Heading { level: *level, text: (*text).to_owned() };
            match pages.last_mut().filter(|(number, _)| number == page) {
                Some((_, pieces)) => pieces.push(piece),
                None => pages.push((*page, vec![piece])),
            }
        }
        settle_levels(&mut pages, &HashMap::new(), title);
        pages.iter().flat_map(|(_, pieces)| pieces).filter_map(heading_level).collect()
    }

    #[test]
    fn numbers_decide_over_type_sizes() {
        let headings = [(1, 1, "Returns"), (1, 2, "1. Changing"), (1, 2, "1.1 Holidays"), (2, 1, "2. Used")];
        assert_eq!(settled(&headings, Some("Returns")), [1, 2, 3, 2]);
        assert_eq!(settled(&headings[1..], None), [1, 2, 1]);
    }

    #[test]
    fn two_headings_in_one_line_are_parted() {
        let heading = |text: &str| Piece::Heading { level: 2, text: text.to_owned() };
        let mut pieces = vec![heading("5. Grinding 5.1 Fineness"), heading("4.1 ASN.1 schema")];
        split_joined(&mut pieces);
        assert_eq!(pieces.len(), 3);
        assert!(matches!(&pieces[1], Piece::Heading { text, level: 3 } if text == "5.1 Fineness"));
    }

    #[test]
    fn nothing_stands_beside_the_title() {
        let headings =
            [(1, 1, "Catalogue"), (1, 2, "Sorrel"), (2, 1, "Juniper"), (2, 2, "Pumps"), (3, 2, "Tamarind")];
        assert_eq!(settled(&headings, Some("Catalogue")), [1, 2, 2, 3, 2]);
    }
}
