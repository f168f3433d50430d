//! The statements of an answer that want a source, and which of them have none.
//!
//! A claim is a sentence of at least five words. Greetings and exclamations are shorter; questions, headings, code, and
//! a sentence that ends in a colon and so leads in what follows, claim nothing. A claim has its source when a marker stands
//! in it or right after its full stop; one at the end of the paragraph is not enough, as nobody could tell how far back it
//! reaches.
//!
//! A model is told to say which part of a question the documents do not hold, and no document can be cited for that. Such a
//! sentence is uncited, and shown so, but is no reason to withhold the answer. It is recognised by its words, in
//! the languages that there are words for here; in others it counts as any claim does.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::knowledge::chunk::sentences;

/// A sentence with fewer words claims nothing that wants a source.
const CLAIM_WORDS_MIN: usize = 5;
/// What is not held is said shortly; a longer sentence says more than that.
const ABSENCE_WORDS_MAX: usize = 30;
/// The signs of light Markdown that can stand at either end of a sentence.
const SIGNS: [char; 3] = ['*', '_', '`'];

/// English, German, French, Spanish: what answers are from, a no, and what documents do.
const SOURCES: &[&str] = &[
    "document",
    "documentation",
    "information",
    "source",
    "manual",
    "passage",
    "dokument",
    "unterlagen",
    "angabe",
    "handbuch",
    "anleitung",
    "texte",
    "documento",
    "información",
    "fuente",
];
const NEGATIONS: &[&str] =
    &["not", "no", "nor", "neither", "nicht", "kein", "keine", "keinen", "pas", "aucun", "aucune", "ninguna"];
const TELLING: &[&str] = &[
    "sa",
    "mention",
    "contain",
    "specif",
    "state",
    "describe",
    "cover",
    "tell",
    "hold",
    "include",
    "provide",
    "list",
    "explain",
    "give",
    "steh",
    "enth",
    "nenn",
    "erwähn",
    "angegeben",
    "beschreib",
    "find",
    "dit",
    "dis",
    "précis",
    "indiqu",
    "fourni",
    "dice",
    "mencion",
    "contien",
    "especifi",
    "indica",
    "available",
    "about",
    "über",
    "zu",
    "sur",
    "sobre",
];

/// What a text claims.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Claims {
    /// How many claims there are.
    pub(super) count: usize,
    /// Those without a source, as bytes of the text, in order, without the signs of lists and emphasis around them.
    pub(super) uncited: Vec<Range<usize>>,
    /// How many of the uncited say something else than that the documents do not hold it.
    pub(super) unfounded: usize,
    /// Sentences of any length with a source: bytes of the text, and the numbers of their markers.
    pub(super) sourced: Vec<(Range<usize>, Vec<usize>)>,
}

/// Finds the claims of an answer in light Markdown whose markers all point at a passage.
pub(super) fn claims(text: &str) -> Claims {
    let mut found = Claims::default();
    let (mut start, mut in_code) = (0, false);
    for line in text.split('\n') {
        let content = line.trim_start();
        if content.starts_with("```") || content.starts_with("~~~") {
            in_code = !in_code;
        } else if !in_code && !content.starts_with('#') {
            of_line(line, start, &mut found);
        }
        start += line.len() + 1;
    }
    found
}

/// The claims of one line, which begins at byte `start` of the text.
fn of_line(line: &str, start: usize, found: &mut Claims) {
    let ranges = sentences(line);
    for (index, range) in ranges.iter().enumerate() {
        let sentence = line.get(range.clone()).unwrap_or_default();
        let next = ranges.get(index + 1).and_then(|range| line.get(range.clone())).unwrap_or_default();
        let bare = bare(sentence);
        let from = start + range.start + (sentence.len() - after_lead(sentence).len());
        let sources = sources(bare, next);
        let sourced = !sources.is_empty();
        if sourced {
            found.sourced.push((from..from + bare.len(), sources));
        }
        if bare.ends_with(['?', ':', '？', '：']) || words(bare) < CLAIM_WORDS_MIN {
            continue;
        }
        found.count += 1;
        if sourced {
            continue;
        }
        found.uncited.push(from..from + bare.len());
        found.unfounded += usize::from(!says_absence(bare));
    }
}

fn words(text: &str) -> usize {
    text.unicode_words().count()
}

/// A sentence without what stands around its words.
fn bare(sentence: &str) -> &str {
    after_lead(sentence).trim_end_matches(|c: char| SIGNS.contains(&c) || c.is_whitespace())
}

/// A sentence without what belongs to the one before or to its place: markers, the sign of a list item or a quotation,
/// emphasis that begins.
fn after_lead(sentence: &str) -> &str {
    let mut rest = sentence;
    loop {
        let trimmed = rest.trim_start();
        let next = marker_at(trimmed)
            .or_else(|| list_sign(trimmed))
            .or_else(|| trimmed.starts_with(SIGNS).then_some(1))
            .and_then(|length| trimmed.get(length..));
        match next {
            Some(next) => rest = next,
            None => return trimmed,
        }
    }
}

/// The length of a list item's or a quotation's sign, with its blank.
fn list_sign(text: &str) -> Option<usize> {
    if ["- ", "* ", "+ ", "> ", "• "].iter().any(|sign| text.starts_with(sign)) {
        return text.find(' ').map(|blank| blank + 1);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..)?;
    (digits > 0 && (rest.starts_with(". ") || rest.starts_with(") "))).then_some(digits + 2)
}

/// The length of the marker that a text begins with.
fn marker_at(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && inner.get(digits..)?.starts_with(']')).then_some(digits + 2)
}

/// The numbers of the markers in a sentence, and of those that the next one begins with.
fn sources(sentence: &str, next: &str) -> Vec<usize> {
    let number = |marker: &str| marker_at(marker).and_then(|length| marker.get(1..length - 1)?.parse().ok());
    let within = sentence.match_indices('[').filter_map(|(at, _)| number(sentence.get(at..)?));
    let mut sources: Vec<usize> = within.collect();
    let mut rest = next.trim_start();
    while let Some(length) = marker_at(rest) {
        sources.extend(number(rest));
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    sources
}

/// A sentence without its markers.
pub(super) fn without_markers(sentence: &str) -> String {
    let (mut bare, mut rest) = (String::new(), sentence);
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        bare.push_str(before);
        let length = marker_at(from).unwrap_or(1);
        bare.push_str(if length == 1 { "[" } else { "" });
        rest = from.get(length..).unwrap_or_default();
    }
    bare + rest
}

/// Whether a sentence says that the documents do not hold something.
fn says_absence(sentence: &str) -> bool {
    let words: Vec<String> = sentence.unicode_words().map(str::to_lowercase).collect();
    let begins = |list: &[&str]| words.iter().any(|word| list.iter().any(|one| word.starts_with(one)));
    let denies = words.iter().any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"));
    words.len() <= ABSENCE_WORDS_MAX && denies && begins(SOURCES) && begins(TELLING)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uncited(text: &str) -> Vec<&str> {
        claims(text).uncited.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_claim_without_a_source_is_found_where_it_stands() {
        let text = "Switch it off and pull the plug. [1] The ring lasts for ten years. Wait ten minutes before you open it [2].";
        assert_eq!(uncited(text), ["The ring lasts for ten years."]);
        assert_eq!((claims(text).count, claims(text).unfounded), (3, 1));
        let list = "To open the machine:\n1. Pull out the plug first [1].\n2. **Turn it over on a towel.**\n- The lid is held by é screws";
        assert_eq!(uncited(list), ["Turn it over on a towel.", "The lid is held by é screws"]);
    }

    #[test]
    fn greetings_questions_headings_code_and_what_leads_in_claim_nothing() {
        for text in [
            "Hello and welcome back!",
            "Do you want to know more about that?",
            "## How the machine is opened and closed",
            "Here is what you need to do now:",
            "**Here is what you need to do now:**",
            "```\nthis is the output of a long command\n```",
            "",
        ] {
            assert_eq!(claims(text), Claims::default(), "{text}");
        }
    }

    #[test]
    fn what_the_documents_do_not_hold_is_uncited_and_not_unfounded() {
        for text in [
            "The documents do not say how long the ring lasts.",
            "There is no information about the price of the pump.",
            "The manual doesn't mention the colour of the ring.",
            "Die Unterlagen enthalten keine Angabe zum Preis der Pumpe.",
            "Les documents ne précisent pas le prix de la pompe.",
            "Los documentos no mencionan el precio de la bomba.",
        ] {
            let claims = claims(text);
            assert_eq!((claims.uncited.len(), claims.unfounded), (1, 0), "{text}");
        }
        for text in ["The ring is not made of gold at all.", "The documents prove that the ring is golden."] {
            assert_eq!(claims(text).unfounded, 1, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_uncited_is_a_part_of_the_text_in_order(text in "([a-zé] |[a-z]{3,6} |[.!?:*`#\n-]|\\[[0-9]\\]|1\\. ){0,60}") {
            let found = claims(&text);
            prop_assert!(found.uncited.len() <= found.count && found.unfounded <= found.uncited.len());
            let mut end = 0;
            for range in found.uncited {
                prop_assert!(range.start >= end && range.start < range.end);
                prop_assert!(text.get(range.clone()).is_some_and(|part| part.trim() == part && sources(part, "").is_empty()));
                end = range.end;
            }
        }
    }
}
