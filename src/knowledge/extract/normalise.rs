//! Making foreign text plain: one form per character, nothing invisible.
//!
//! Text is brought to NFKC, so that a word set with ligatures or full-width letters is found by typing it. Left
//! as they are: superscripts, subscripts, vulgar fractions and circled numbers, because NFKC turns `5½` into
//! `51⁄2` and `10²` into `102`, which says something else. Hyphens and the minus sign become the one that keyboards
//! have, so that a part number or an option is found however it was set. Removed: control characters, soft hyphens,
//! zero-width characters other than the joiners that scripts need, and direction overrides, which can make a
//! text read differently from what it says.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// `raw` with line ends as `\n`, in NFKC with the exceptions above, without invisible characters. Tabs stay.
pub(super) fn plain_characters(raw: &str) -> String {
    let mut kept = String::with_capacity(raw.len());
    let mut run = String::new();
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        let character = match character {
            '\r' if characters.peek() == Some(&'\n') => continue,
            '\r' | '\u{2028}' | '\u{2029}' | '\u{000B}' | '\u{000C}' | '\u{0085}' => '\n',
            other => usual(other),
        };
        if is_dropped(character) {
            continue;
        }
        if keeps_its_form(character) {
            flush(&mut run, &mut kept);
            kept.push(character);
        } else {
            run.push(character);
        }
    }
    flush(&mut run, &mut kept);
    kept
}

/// [`plain_characters`] with blanks collapsed: one space between words, none at the ends of a line, no empty line.
pub(super) fn inline(raw: &str) -> String {
    let plain = plain_characters(raw);
    let mut text = String::with_capacity(plain.len());
    for line in plain.split('\n') {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(first);
        for word in words {
            text.push(' ');
            text.push_str(word);
        }
    }
    text
}

/// [`inline`] on a single line.
pub(super) fn one_line(raw: &str) -> String {
    inline(raw).replace('\n', " ")
}

fn flush(run: &mut String, kept: &mut String) {
    if run.is_empty() {
        return;
    }
    if is_nfkc_quick(run.chars()) == IsNormalized::Yes {
        kept.push_str(run);
    } else {
        kept.extend(run.nfkc());
    }
    run.clear();
}

fn keeps_its_form(character: char) -> bool {
    matches!(character,
        '\u{00B2}' | '\u{00B3}' | '\u{00B9}' | '\u{00BC}'..='\u{00BE}' | '\u{2070}'..='\u{209F}'
        | '\u{2150}'..='\u{215F}' | '\u{2189}' | '\u{2460}'..='\u{24FF}')
}

fn is_dropped(character: char) -> bool {
    let invisible = matches!(character,
        '\u{00AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}');
    let private = matches!(character,
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFD}' | '\u{E0000}'..='\u{E007F}');
    invisible || private || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// The usual character for one that only looks different. The bullets of the Symbol and Wingdings fonts live in the
/// private use area.
fn usual(character: char) -> char {
    match character {
        '\u{2010}' | '\u{2011}' | '\u{2212}' => '-',
        '\u{F0B7}' | '\u{F0A7}' | '\u{F0D8}' | '\u{F0FC}' | '\u{F076}' => '•',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ligatures_and_wide_letters_become_letters() {
        assert_eq!(inline("e\u{FB03}cient \u{FF21}\u{FF22}"), "efficient AB");
    }

    #[test]
    fn a_fraction_and_a_power_keep_their_meaning() {
        assert_eq!(inline("5½ cm and 10² m"), "5½ cm and 10² m");
    }

    #[test]
    fn a_part_number_is_found_whatever_hyphen_it_was_set_with() {
        assert_eq!(inline("KX\u{2011}101\u{2010}A \u{2212}c 5\u{2013}7"), "KX-101-A -c 5\u{2013}7");
    }

    #[test]
    fn invisible_characters_are_gone() {
        assert_eq!(inline("a\u{0}b\u{200B}c\u{202E}d\u{AD}e\u{7}"), "abcde");
    }

    #[test]
    fn line_ends_are_newlines_and_blanks_are_single() {
        assert_eq!(inline("  a \t b\r\n\r\n c\rd "), "a b\nc\nd");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(raw in any::<String>()) {
            let once = inline(&raw);
            prop_assert_eq!(inline(&once), once);
        }
    }
}
