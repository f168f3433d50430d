//! Byte offsets of Rust and UTF-16 offsets of JavaScript, and finding a quotation whose blanks were changed.

use std::ops::Range;

/// The length of `text` in UTF-16 code units.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A range of bytes of `text` as a range of UTF-16 code units; the ends are moved outwards to whole characters.
pub(super) fn span(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start);
    let end = text.ceil_char_boundary(range.end).max(start);
    let before = units(text.get(..start).unwrap_or_default());
    before..before + units(text.get(start..end).unwrap_or_default())
}

/// Where `quote` stands in `text`, in bytes: as written, or else with other blanks between its words.
pub(super) fn find(text: &str, quote: &str) -> Option<Range<usize>> {
    let quote = quote.trim();
    if quote.is_empty() {
        return None;
    }
    if let Some(start) = text.find(quote) {
        return Some(start..start + quote.len());
    }
    let first = quote.split_whitespace().next()?;
    text.match_indices(first).find_map(|(start, _)| {
        let mut rest = text.get(start..)?;
        for word in quote.split_whitespace() {
            rest = rest.trim_start().strip_prefix(word)?;
        }
        Some(start..text.len() - rest.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quotation_is_found_though_its_blanks_were_changed() {
        let text = "Hold it.\nHold  the button\n  for 10 s. Then";
        assert_eq!(
            find(text, "Hold the button for 10 s.").map(|range| &text[range]),
            Some("Hold  the button\n  for 10 s.")
        );
        assert_eq!(find(text, "Then"), Some(38..42));
        assert_eq!(find(text, "Hold the knob"), None);
        assert_eq!(find(text, "  "), None);
    }

    proptest! {
        #[test]
        fn a_span_names_the_same_characters_in_utf_16(text in "[a-c é😀]{0,20}", from in 0usize..40, length in 0usize..40) {
            let wide: Vec<u16> = text.encode_utf16().collect();
            let span = span(&text, &(from..from + length));
            let start = text.floor_char_boundary(from);
            let end = text.ceil_char_boundary(from + length).max(start);
            prop_assert_eq!(String::from_utf16(&wide[span]).unwrap(), &text[start..end]);
        }
    }
}
