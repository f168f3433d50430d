//! What a question asks: the words that carry its meaning, the codes it names, and the kind of thing it wants.

use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::{PROCEDURE_OPENERS, SMALL_TALK};
use super::words::{Words, plain};

/// Words of a question that are looked at; the rest of a longer message does not count.
const WORDS_MAX: usize = 64;
/// Written with a capital, and still no names of things.
const CALENDAR: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "christmas",
    "easter",
    "english",
];
const WEIGHT_WEAK: f32 = 0.35;
const WEIGHT_NAME: f32 = 1.5;

/// A question, taken apart.
pub(super) struct Question {
    /// As written.
    pub(super) text: String,
    /// The words that carry meaning, without repeats, in order.
    pub(super) words: Vec<AskedWord>,
    /// Codes, part numbers, versions.
    pub(super) identifiers: Vec<Identifier>,
    /// Whether it asks how something is done.
    pub(super) procedural: bool,
    /// The kind of thing it asks for.
    pub(super) wants: Option<Wanted>,
    /// Whether it is nothing but a greeting, thanks and the like.
    pub(super) small_talk: bool,
}

/// A word of the question.
pub(super) struct AskedWord {
    /// As written.
    pub(super) surface: String,
    pub(super) stem: String,
    /// What it tells: 0.35 for common verbs, 1 for most, 1.5 for names.
    pub(super) weight: f32,
    /// Written with a capital inside a sentence.
    pub(super) name: bool,
    /// Where it stands in the question.
    pub(super) start: usize,
}

/// A code in the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identifier {
    /// As written.
    pub(super) surface: String,
    /// Letters and digits only, lower case.
    pub(super) joined: String,
    /// Unmistakable: without it, a passage is not about the question.
    pub(super) certain: bool,
}

/// The kind of thing a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// An amount of money.
    Money,
    /// A length of time, a date or an hour.
    Time,
    /// A number, with or without a unit.
    Number,
    /// A person or a company.
    Person,
    /// A place, a page or a part of something.
    Place,
}

impl Question {
    pub(super) fn parse(text: &str, words: &Words) -> Self {
        let identifiers = identifiers(text);
        let lower = text.to_lowercase();
        let asked = asked_words(text, words, &identifiers);
        let small_talk = identifiers.is_empty() && is_small_talk(text, words);
        Self {
            text: text.to_owned(),
            words: asked,
            identifiers,
            procedural: PROCEDURE_OPENERS.iter().any(|opener| lower.contains(opener)),
            wants: wanted(&lower),
            small_talk,
        }
    }

    /// The question without one of its words.
    pub(super) fn without(&self, word: &AskedWord) -> String {
        let end = word.start + word.surface.len();
        let (before, after) = (self.text.get(..word.start), self.text.get(end..));
        let joined = format!("{}{}", before.unwrap_or_default(), after.unwrap_or_default());
        joined.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn asked_words(text: &str, words: &Words, identifiers: &[Identifier]) -> Vec<AskedWord> {
    // Where every word has a capital (a title, shouting), capitals name nothing.
    let long: Vec<&str> = text.unicode_words().filter(|word| word.len() > 3).collect();
    let capitals = long.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
    let capitals_tell = capitals * 3 < long.len() * 2;
    let mut asked: Vec<AskedWord> = Vec::new();
    let mut sentence_begins = true;
    let mut end_before = 0;
    for (start, surface) in text.unicode_word_indices() {
        let between = text.get(end_before..start).unwrap_or_default();
        sentence_begins |= between.contains(['.', '?', '!', ':', '\n', '"', '“']) && end_before > 0;
        end_before = start + surface.len();
        let first_of_sentence = std::mem::take(&mut sentence_begins);
        let plain = plain(surface);
        let in_identifier = identifiers.iter().any(|identifier| identifier.joined.contains(&plain));
        if words.is_stop(&plain) || in_identifier || (plain.len() == 1 && plain.is_ascii()) {
            continue;
        }
        let stem = words.stem(&plain);
        if asked.iter().any(|word| word.stem == stem) || asked.len() >= WORDS_MAX {
            continue;
        }
        let name = capitals_tell
            && !first_of_sentence
            && !CALENDAR.contains(&plain.as_str())
            && surface.starts_with(char::is_uppercase);
        let weak = words.is_weak(&plain) || plain.chars().all(|c| c.is_ascii_digit());
        let weight = if name {
            WEIGHT_NAME
        } else if weak {
            WEIGHT_WEAK
        } else {
            1.0
        };
        asked.push(AskedWord { surface: surface.to_owned(), stem, weight, name, start });
    }
    asked
}

fn is_small_talk(text: &str, words: &Words) -> bool {
    text.unicode_words().all(|word| {
        let plain = plain(word);
        words.is_stop(&plain) || SMALL_TALK.contains(&plain.as_str())
    })
}

/// Letters and digits of a text in lower case: how codes are compared, `E 17` and `e-17` alike.
pub(super) fn joined(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn identifiers(text: &str) -> Vec<Identifier> {
    let mut found: Vec<Identifier> = Vec::new();
    let mut word_before = String::new();
    for piece in text.split(|c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '"' | '(' | ')' | '?' | '!' | '“' | '”')
    }) {
        let piece = piece.trim_matches(|c: char| !c.is_alphanumeric());
        if piece.is_empty() {
            continue;
        }
        if let Some(certain) = recognise(piece, &word_before) {
            let identifier = Identifier { surface: piece.to_owned(), joined: joined(piece), certain };
            if !found.contains(&identifier) {
                found.push(identifier);
            }
        }
        word_before = piece.to_lowercase();
    }
    found.truncate(8);
    found
}

/// `Some(certain)` for a code: `E-17`, `KX-204-B`, `ERR_PUMP`, `J3`, `3.4.1`, and `58` after "error".
fn recognise(piece: &str, word_before: &str) -> Option<bool> {
    let digits = piece.chars().any(|c| c.is_ascii_digit());
    let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
    let upper = piece.chars().any(char::is_uppercase);
    let joints = piece.contains(['-', '_', '/', '.']);
    if !digits {
        return (piece.contains('_') && letters > 3).then_some(true);
    }
    if letters == 0 {
        let version =
            piece.matches('.').count() >= 2 && piece.chars().all(|c| c.is_ascii_digit() || c == '.');
        let after =
            ["error", "code", "fault", "alarm", "version", "firmware", "app", "model", "article", "part"];
        let number = piece.chars().all(|c| c.is_ascii_digit() || c == '.');
        return if version { Some(true) } else { (number && after.contains(&word_before)).then_some(false) };
    }
    if piece.starts_with(|c: char| c.is_ascii_digit()) && !upper {
        return None;
    }
    let unit_like = piece.starts_with(|c: char| c.is_ascii_digit()) && !joints && letters <= 3;
    if unit_like {
        return None;
    }
    let short = joints && letters <= 4 && piece.len() <= 8;
    Some(short || upper && (joints || piece.len() >= 5))
}

fn wanted(lower: &str) -> Option<Wanted> {
    let any = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    if any(&[
        "how much does",
        "how much is",
        "how much do i pay",
        "how much are",
        "price",
        "cost",
        "how expensive",
        "fee for",
    ]) {
        return Some(Wanted::Money);
    }
    if any(&[
        "how long",
        "when ",
        "what time",
        "until when",
        "how soon",
        "how quickly",
        "what date",
        "which day",
        "how fast",
    ]) {
        return Some(Wanted::Time);
    }
    if any(&[
        "how many",
        "how often",
        "how heavy",
        "how big",
        "how tall",
        "how wide",
        "how hot",
        "temperature",
        "how far",
        "how much",
    ]) {
        return Some(Wanted::Number);
    }
    if lower.starts_with("who ") || any(&[" who "]) {
        return Some(Wanted::Person);
    }
    (lower.starts_with("where ") || any(&[" where "])).then_some(Wanted::Place)
}

impl Wanted {
    /// Whether a text holds such a thing; `None` where that cannot be told from the outside.
    pub(super) fn in_text(self, text: &str) -> Option<bool> {
        let digit = text.contains(|c: char| c.is_numeric());
        let lower = text.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        match self {
            Self::Money => {
                let amount = digit && (text.contains(['€', '$', '£', '¥', '₹', '%']) || any(&CURRENCIES));
                Some(amount || any(&["free", "no charge", "no extra", "included"]))
            }
            Self::Time => Some(digit && any(&TIMES) || any(&TIMES_IN_WORDS)),
            Self::Number => Some(digit || any(&NUMBERS_IN_WORDS)),
            Self::Person | Self::Place => None,
        }
    }
}

const CURRENCIES: [&str; 7] = ["eur", "usd", "gbp", "chf", "cent", "dollar", "pound"];
#[rustfmt::skip]
const TIMES: [&str; 24] = [
    "day", "hour", "minute", "second", "week", "month", "year", "am", "pm", ":", "january", "february", "march",
    "april", "may", "june", "july", "august", "september", "october", "november", "december", " h", "20",
];
#[rustfmt::skip]
const TIMES_IN_WORDS: [&str; 19] = [
    "immediately", "at once", "same day", "next day", "daily", "weekly", "monthly", "annual", "yearly", "after",
    "before", "until", "one ", "two ", "three ", "lifetime", "monday", "friday", "sunday",
];
#[rustfmt::skip]
const NUMBERS_IN_WORDS: [&str; 12] = [
    "one ", "two ", "three ", "four ", "five ", "once", "twice", "every", "unlimited", "daily", "weekly", "monthly",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::keywords::Language;

    fn parse(text: &str) -> Question {
        Question::parse(text, &Words::new(Language::ENGLISH))
    }

    #[test]
    fn codes_are_told_from_words_numbers_and_measures() {
        let codes = |text: &str| -> Vec<(String, bool)> {
            parse(text).identifiers.into_iter().map(|i| (i.joined, i.certain)).collect()
        };
        assert_eq!(codes("My Juniper shows E-99!"), [("e99".to_owned(), true)]);
        assert_eq!(codes("price kx-204-b"), [("kx204b".to_owned(), true)]);
        assert_eq!(codes("ERR_PRINTER_JAM"), [("errprinterjam".to_owned(), true)]);
        assert_eq!(codes("What changed in 3.4.1?"), [("341".to_owned(), true)]);
        assert_eq!(codes("error code 58"), [("58".to_owned(), false)]);
        assert_eq!(codes("When will the J3 be out?"), [("j3".to_owned(), false)]);
        assert_eq!(codes("a 30-day trial, 500ml, 5 GHz, the 3rd of May at 10am, 8.5 mm"), []);
    }

    #[test]
    fn names_weigh_more_than_words_and_small_words_nothing() {
        let question = parse("Do you have an office in Berlin?");
        let words: Vec<(&str, bool)> =
            question.words.iter().map(|word| (word.surface.as_str(), word.name)).collect();
        assert_eq!(words, [("office", false), ("Berlin", true)]);
        assert!(parse("HOW DO I RESET MY PASSWORD").words.iter().all(|word| !word.name));
    }

    #[test]
    fn small_talk_is_recognised_and_a_polite_question_is_not_taken_for_it() {
        for text in ["How are you today?", "thanks, bye", "Hello!", "good morning"] {
            assert!(parse(text).small_talk, "{text}");
        }
        assert!(!parse("Hello, how do I return a parcel? Thanks").small_talk);
    }
}
