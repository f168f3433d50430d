//! A question that leans on the one before it, made into one that stands alone, so that passages can be found for it.
//!
//! "And for the Tamarind?" after "How do I descale the Sorrel?" becomes "How do I descale the Tamarind?"; "How long does it take?"
//! takes the question before it along. Decided by shape alone, in microseconds and the same with and without a language
//! model. A question that needs nothing is left as it is: taking too much along would look for the wrong thing.

use unicode_segmentation::UnicodeSegmentation;

/// A longer question stands alone.
const WORDS_MAX: usize = 12;
/// With a pronoun and more words of its own than this, a question stands alone.
const OWN_WORDS_MAX: usize = 3;
/// Bytes of the question before that are taken along, from its end.
const BEFORE_BYTES_MAX: usize = 500;

/// A question that begins so goes on from the one before.
const OPENERS: &[&[&str]] = &[
    &["and"],
    &["or"],
    &["what", "about"],
    &["how", "about"],
    &["what", "if"],
    &["also"],
    &["same"],
    &["und"],
    &["oder"],
    &["was", "ist", "mit"],
    &["wie", "ist", "es"],
    &["auch"],
    &["et"],
    &["y"],
    &["ou"],
    &["e"],
];
/// They stand for something that was named before.
const PRONOUNS: &[&str] = &[
    "it", "its", "they", "them", "their", "that", "this", "these", "those", "one", "ones", "there", "then",
    "es", "er", "sie", "ihn", "dafür", "damit", "davon", "das", "dies", "diese", "dieser",
];
/// They tell nothing about what is asked.
const EMPTY: &[&str] = &[
    "a", "an", "the", "for", "of", "on", "in", "to", "with", "at", "by", "from", "is", "are", "was", "were",
    "do", "does", "did", "can", "could", "will", "would", "should", "may", "has", "have", "had", "be",
    "been", "i", "you", "we", "my", "your", "our", "me", "how", "what", "when", "where", "which", "who",
    "why", "long", "much", "many", "often", "and", "or", "but", "so", "if", "not", "no", "yes", "please",
    "about", "also", "same", "other", "der", "die", "den", "dem", "ein", "eine", "für", "mit", "und", "oder",
    "wie", "was", "wann", "wo", "warum", "lange", "viel", "ist", "sind", "kann", "ich", "man", "auch", "bei",
    "model", "one", "thing",
];

/// The question as it stands alone, where it needs the one before; nothing where it stands alone as it is.
#[must_use]
pub fn standalone(before: &str, question: &str) -> Option<String> {
    let words: Vec<String> = question.unicode_words().map(str::to_lowercase).collect();
    if before.trim().is_empty() || words.is_empty() || words.len() > WORDS_MAX {
        return None;
    }
    let opener = OPENERS.iter().find(|opener| {
        words.len() > opener.len() && words.iter().zip(opener.iter()).all(|(word, expected)| word == expected)
    });
    let own = words.iter().filter(|word| !is_empty(word)).count();
    let leans = words.iter().any(|word| PRONOUNS.contains(&word.as_str())) && own <= OWN_WORDS_MAX;
    // "And" alone begins many a question that says all there is to say.
    let goes_on = opener.is_some() && own <= OWN_WORDS_MAX;
    if !goes_on && !leans {
        return None;
    }
    let before = tail(before.trim());
    let swapped = if goes_on { swap_name(before, question, own) } else { None };
    Some(swapped.unwrap_or_else(|| format!("{before} {}", question.trim())))
}

fn is_empty(word: &str) -> bool {
    EMPTY.contains(&word) || PRONOUNS.contains(&word)
}

/// The end of a long text, from the beginning of a word.
fn tail(text: &str) -> &str {
    let start = text.ceil_char_boundary(text.len().saturating_sub(BEFORE_BYTES_MAX));
    let tail = text.get(start..).unwrap_or_default();
    if start == 0 { tail } else { tail.split_once(' ').map_or(tail, |(_, rest)| rest) }
}

/// The question before, with the name that is asked about now in place of its last one; only where the question is nothing but
/// that name, `own` being how many of its words tell something.
fn swap_name(before: &str, question: &str, own: usize) -> Option<String> {
    let (new, old) = (names(question), names(before));
    let ([new], Some(old)) = (new.as_slice(), old.last()) else { return None };
    if new.1.unicode_words().count() != own {
        return None;
    }
    let (start, end) = (old.0, old.0 + old.1.len());
    let (head, rest) = (before.get(..start)?, before.get(end..)?);
    Some(format!("{head}{}{rest}", new.1))
}

/// What is written with a capital within a sentence, or is a code with a digit in it; with its place.
fn names(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut first_of_sentence = true;
    for (start, piece) in pieces(text) {
        let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let capital = bare.starts_with(char::is_uppercase) && !first_of_sentence && bare != "I";
        let code = bare.contains(|c: char| c.is_ascii_digit()) && bare.contains(char::is_alphabetic);
        if (capital || code) && !is_empty(&bare.to_lowercase()) {
            let offset = piece.find(bare).unwrap_or_default();
            found.push((start + offset, bare));
        }
        first_of_sentence = piece.ends_with(['.', '?', '!', ':']);
    }
    found
}

/// What stands between blanks, with its place.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut end = 0;
    text.split(char::is_whitespace).filter_map(move |piece| {
        let start = end;
        end = start + piece.len() + text.get(start + piece.len()..)?.chars().next().map_or(0, char::len_utf8);
        (!piece.is_empty()).then_some((start, piece))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn another_name_takes_the_place_of_the_one_before() {
        let before = "How do I descale the Sorrel?";
        for question in ["And for the Tamarind?", "What about the Tamarind", "and the Tamarind please?"] {
            assert_eq!(
                standalone(before, question).as_deref(),
                Some("How do I descale the Tamarind?"),
                "{question}"
            );
        }
        assert_eq!(
            standalone("My Juniper shows E-17. What does it mean?", "And E-21?").as_deref(),
            Some("My Juniper shows E-21. What does it mean?")
        );
    }

    #[test]
    fn a_pronoun_takes_the_question_before_along() {
        assert_eq!(
            standalone("How do I descale the Sorrel?", "How long does it take?").as_deref(),
            Some("How do I descale the Sorrel? How long does it take?")
        );
        assert_eq!(
            standalone("What is the price?", "and for two of them?").as_deref(),
            Some("What is the price? and for two of them?")
        );
    }

    #[test]
    fn a_question_that_stands_alone_is_left_as_it_is() {
        let before = "How do I descale the Sorrel?";
        for question in [
            "How do I reset my password?",
            "Where is my order, it was sent to Berlin last Tuesday by courier?",
            "And how do I cancel the subscription of my app account?",
            "Thanks!",
            "",
        ] {
            assert_eq!(standalone(before, question), None, "{question}");
        }
        assert_eq!(standalone("  ", "And for the Tamarind?"), None);
    }

    proptest! {
        #[test]
        fn any_two_texts_are_taken(before in "\\PC{0,700}", question in "\\PC{0,80}") {
            if let Some(asked) = standalone(&before, &question) {
                prop_assert!(asked.len() <= BEFORE_BYTES_MAX + question.len() + 1);
            }
        }
    }
}
