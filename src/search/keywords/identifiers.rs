//! Names that people copy exactly as written: error codes, part numbers, versions, addresses, paths, symbols.
//!
//! An identifier goes into the index three ways: whole (`xk-200/7`), without its joints (`xk2007`, for who types `XK200-7`), and
//! through its parts as ordinary words. Whether something is one is decided by shape alone, the same for documents and questions.

use super::words::{fold, is_unspaced, is_word_character, shorten};

/// Longer runs without a joint count as identifiers (hashes, keys, compound nouns).
const PLAIN_BYTES_MAX: usize = 40;

/// One identifier found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identifier {
    /// Its terms in the exact field, the whole first.
    pub(super) terms: Vec<String>,
    /// Its shape leaves no doubt (`E-1042`, `a_b`, `x@y`), unlike `self-service`, which is a word with a hyphen.
    pub(super) certain: bool,
}

/// The identifiers of a normalised text, in order, repeats included.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut found = Vec::new();
    for raw in text.split(is_boundary) {
        let piece = trim(raw);
        if let Some(mut identifier) = recognise(piece) {
            identifier.certain |= raw.starts_with("--");
            found.push(identifier);
            for part in piece.split(['/', '\\', '@', '=', '?', '&']).filter(|part| part.len() < piece.len()) {
                found.extend(recognise(trim(part)));
            }
        }
    }
    found
}

fn is_boundary(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || is_unspaced(character)
        || matches!(
            character,
            ',' | ';' | '"' | '`' | '\'' | '’' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|'
        )
        || matches!(
            character,
            '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '…' | '–' | '—' | '。' | '、' | '！' | '？'
        )
}

/// Takes off what belongs to the sentence, and leaves the `++` of C++ and the `#` of C#.
fn trim(piece: &str) -> &str {
    let piece = piece.trim_start_matches(|c| !is_word_character(c));
    piece.trim_end_matches(|c| !is_word_character(c) && !matches!(c, '+' | '#'))
}

fn recognise(piece: &str) -> Option<Identifier> {
    let parts = piece.split(|c| !is_word_character(c)).filter(|part| !part.is_empty()).count();
    let has_digit = piece.contains(|c: char| c.is_numeric());
    let has_letter = piece.contains(char::is_alphabetic);
    let ends_in_sign = piece.ends_with(['+', '#']);
    let mixed = has_digit && has_letter;
    let short_sign = ends_in_sign && piece.len() <= 5 && has_letter;
    if parts == 0 || !(parts > 1 || mixed || short_sign || piece.len() > PLAIN_BYTES_MAX) {
        return None;
    }
    let whole = if short_sign { piece } else { piece.trim_end_matches(['+', '#']) };
    let whole = fold(&whole.to_lowercase());
    let joined: String = whole.chars().filter(|c| is_word_character(*c)).collect();
    let certain =
        mixed || short_sign || piece.contains(['_', '@']) || piece.contains("::") || inner_dot(piece);
    let mut terms = vec![whole];
    if parts > 1 {
        terms.push(joined);
    }
    if let Some(bare) =
        terms.first().and_then(|whole| whole.strip_prefix('v')).filter(|rest| is_version(rest))
    {
        terms.push(bare.to_owned());
    }
    let mut terms: Vec<String> = terms.into_iter().map(shorten).collect();
    terms.dedup();
    Some(Identifier { terms, certain })
}

fn inner_dot(piece: &str) -> bool {
    let mut characters = piece.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        if character == '.'
            && is_word_character(before)
            && characters.peek().is_some_and(|c| is_word_character(*c))
        {
            return true;
        }
        before = character;
    }
    false
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wholes(text: &str) -> Vec<String> {
        find(text).into_iter().filter_map(|identifier| identifier.terms.into_iter().next()).collect()
    }

    #[test]
    fn codes_versions_addresses_and_paths_are_recognised_inside_sentences() {
        assert_eq!(wholes("Got ERR_CONN_RESET, again."), ["err_conn_reset"]);
        assert_eq!(wholes("(see E-1042)."), ["e-1042"]);
        assert_eq!(wholes("part XK-200/7!"), ["xk-200/7", "xk-200"]);
        assert_eq!(wholes("C++ and C# but not A+B?"), ["c++", "c#", "a+b"]);
        assert_eq!(wholes("mail me@example.com"), ["me@example.com", "example.com"]);
        assert!(wholes("How do I reset my friend's password? It isn’t easy.").is_empty());
        assert!(wholes("… ---- !!! ++ ##").is_empty());
    }

    #[test]
    fn a_version_is_found_with_and_without_its_letter() {
        let found = find("v2.0.1");
        assert_eq!(found[0].terms, ["v2.0.1", "v201", "2.0.1"]);
    }

    #[test]
    fn a_word_with_a_hyphen_is_not_certain() {
        assert!(!find("self-service")[0].certain);
        assert!(find("ERR_X")[0].certain && find("E1042")[0].certain && find("std::mem")[0].certain);
    }
}
