//! Letters without case and accents, because people leave both out when they write to support.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Appends `letter` in its folded form.
pub(super) fn fold_into(letter: char, folded: &mut String) {
    if letter.is_ascii() {
        folded.push(letter.to_ascii_lowercase());
        return;
    }
    for lower in letter.to_lowercase() {
        match lower {
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'ß' => folded.push_str("ss"),
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            _ => decompose_canonical(lower, |part| {
                if !is_combining_mark(part) {
                    folded.push(part);
                }
            }),
        }
    }
}

/// The folded words of `text` with single blanks between them.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            fold_into(letter, &mut folded);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_marks_are_left_out() {
        assert_eq!(fold("  Où est-ce QUE l’été… "), "ou est ce que l ete");
        assert_eq!(fold("Größe, właściwie"), "grosse wlasciwie");
        assert_eq!(fold(""), "");
    }
}
