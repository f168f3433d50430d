//! Sentence bounds: UAX #29, with the line ends of a paragraph taken as blanks and common abbreviations not taken
//! as ends.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Words that end in a full stop without ending a sentence, lower case, without the stop.
const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "etc", "vs", "cf", "approx", "no", "nos", "fig", "figs", "eq", "sec", "ch", "vol", "pp",
    "ed", "eds", "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "inc", "ltd", "co", "corp", "dept",
    "est", "max", "min", "art", "z.b", "d.h", "bzw", "ca", "usw", "nr", "abs", "str", "tel", "inkl", "evtl",
    "ggf", "u.a", "vgl", "p.ex", "env",
];

/// The sentences of `text` as byte ranges in order, without blanks at their ends.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    // Same length, so that ranges stay right: a line end in a paragraph is no sentence end to UAX #29's "Sep".
    let flat: String = text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    for (at, piece) in flat.split_sentence_bound_indices() {
        let start = open.unwrap_or(at);
        if ends_in_abbreviation(piece) {
            open = Some(start);
        } else {
            open = None;
            found.extend(trimmed(text, start..at + piece.len()));
        }
    }
    if let Some(start) = open {
        found.extend(trimmed(text, start..text.len()));
    }
    found
}

/// `range` without blanks at its ends, `None` if nothing else is in it.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let slice = text.get(range.clone())?;
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = range.end - (slice.len() - slice.trim_end().len());
    (start < end).then_some(start..end)
}

fn ends_in_abbreviation(piece: &str) -> bool {
    let Some(words) = piece.trim_end().strip_suffix('.') else { return false };
    let last = words.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let mut letters = last.chars();
    let initial = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
    initial || ABBREVIATIONS.contains(&last.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn abbreviations_and_line_ends_do_not_end_a_sentence() {
        assert_eq!(
            split(
                "Use a cable, e.g. The USB one\nin the box. See Fig. 3 or ask Dr. J. Smith! Version 2.1 works."
            ),
            [
                "Use a cable, e.g. The USB one\nin the box.",
                "See Fig. 3 or ask Dr. J. Smith!",
                "Version 2.1 works."
            ]
        );
    }

    #[test]
    fn other_scripts_end_their_sentences_too() {
        assert_eq!(split("返品できます。三十日以内です。"), ["返品できます。", "三十日以内です。"]);
    }
}
