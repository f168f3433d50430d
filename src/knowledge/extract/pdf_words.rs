//! Words that a PDF breaks at the end of a line.
//!
//! `includ- ing` is one word; `custom- coloured` is two with a hyphen; `short- and long-term` is neither. The
//! document's own words decide: the joined form if it stands elsewhere, else the hyphenated form if that does,
//! else the joined form, as most such hyphens come from justified text.

use super::pdf_lines::Piece;
use std::collections::HashSet;

/// Words that follow a hyphen which stands for an omitted part.
const AFTER_OMISSION: &[&str] =
    &["and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e", "en", "of"];

/// Joins broken words in `pages`.
pub(super) fn join_broken_words(pages: &mut [(u32, Vec<Piece>)]) {
    let mut broken = false;
    let mut known: HashSet<String> = HashSet::new();
    for text in pages.iter().flat_map(|(_, pieces)| pieces).flat_map(texts) {
        broken |= text.contains("- ");
        for word in text.split_whitespace() {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            if !word.is_empty() {
                known.insert(word.to_lowercase());
            }
        }
    }
    if !broken {
        return;
    }
    for piece in pages.iter_mut().flat_map(|(_, pieces)| pieces) {
        match piece {
            Piece::Heading { text, .. } | Piece::Paragraph(text) | Piece::Item { text, .. } => {
                join(text, &known);
            }
            Piece::Table(rows) => rows.iter_mut().flatten().for_each(|cell| join(cell, &known)),
            Piece::Code(_) => {}
        }
    }
}

fn texts(piece: &Piece) -> Vec<&str> {
    match piece {
        Piece::Heading { text, .. } | Piece::Paragraph(text) | Piece::Item { text, .. } => vec![text],
        Piece::Table(rows) => rows.iter().flatten().map(String::as_str).collect(),
        Piece::Code(_) => Vec::new(),
    }
}

fn join(text: &mut String, known: &HashSet<String>) {
    if !text.contains("- ") {
        return;
    }
    let mut joined = String::with_capacity(text.len());
    let mut parts = text.split("- ").peekable();
    while let Some(part) = parts.next() {
        joined.push_str(part);
        if let Some(next) = parts.peek() {
            joined.push_str(link(part, next, known));
        }
    }
    *text = joined;
}

/// What stands between the two halves: nothing, a hyphen, or what there was.
fn link(before: &str, after: &str, known: &HashSet<String>) -> &'static str {
    const AS_IT_WAS: &str = "- ";
    let head = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let tail: String = after.chars().take_while(|c| c.is_alphanumeric()).collect();
    let lower = tail.starts_with(char::is_lowercase);
    let wordy = head.chars().last().is_some_and(char::is_alphabetic);
    if !lower || !wordy || AFTER_OMISSION.contains(&tail.as_str()) {
        return AS_IT_WAS;
    }
    let head_lower = head.to_lowercase();
    if known.contains(&format!("{head_lower}{tail}")) {
        ""
    } else if head.chars().count() < 2 || known.contains(&format!("{head_lower}-{tail}")) {
        "-"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_own_words_decide() {
        let paragraph = |text: &str| Piece::Paragraph(text.to_owned());
        let mut pages = vec![(
            1,
            vec![
                paragraph("includ- ing custom- coloured short- and long-term e- mail net- work KX- 101"),
                paragraph("A custom-coloured network."),
            ],
        )];
        join_broken_words(&mut pages);
        assert_eq!(
            pages[0].1[0],
            paragraph("including custom-coloured short- and long-term e-mail network KX- 101")
        );
    }
}
