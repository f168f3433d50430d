//! Whether the passages that a statement cites bear it out, as far as words can tell.
//!
//! A weak model puts a citation behind whatever it makes up. Three things give it away: a number or code that none of the cited
//! passages holds; a number of years, steps or euros where they name another; and hardly a word in common with them. Numbers count
//! in every language; words only where the answer is in the language of the passages. Who paraphrases keeps the numbers
//! and some of the words, so an honest answer passes; a lie told in the passage's own words passes too, and no check of words
//! will find it.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation as _;

use super::quote::PassageGiven;

/// Of the words that mean something, so many must stand in the passages or in the question.
const SHARED_MIN: f32 = 0.25;
/// With fewer such words nothing can be told.
const WORDS_MIN: usize = 3;
/// A shorter word is mostly grammar.
const LETTERS_MIN: usize = 4;
/// Words with the same beginning are taken for forms of one.
const STEM_LETTERS: usize = 5;

/// Zero to twelve as people write them out, English and German.
const WRITTEN_OUT: [(&str, &str); 13] = [
    ("zero", "null"),
    ("one", "ein"),
    ("two", "zwei"),
    ("three", "drei"),
    ("four", "vier"),
    ("five", "fünf"),
    ("six", "sechs"),
    ("seven", "sieben"),
    ("eight", "acht"),
    ("nine", "neun"),
    ("ten", "zehn"),
    ("eleven", "elf"),
    ("twelve", "zwölf"),
];

/// What an answer may be held against: passages that it cites, and the question.
pub(super) struct Sources<'a> {
    words: HashSet<String>,
    numbers: HashSet<String>,
    tokens: Vec<&'a str>,
    /// Whether the answer is in their language.
    same_language: bool,
}

impl<'a> Sources<'a> {
    /// `answer` is the whole text of which statements will be looked at.
    pub(super) fn new(cited: &[&'a PassageGiven], question: &'a str, answer: &str) -> Self {
        let texts = || {
            cited.iter().flat_map(|passage| {
                let headings = passage.heading_path.iter().map(String::as_str);
                headings.chain([passage.title.as_str(), passage.text.as_str()])
            })
        };
        let joined: String = texts().collect::<Vec<_>>().join("\n");
        let tokens: Vec<&str> = texts().flat_map(tokens).collect();
        let all = || tokens.iter().copied().chain(question.unicode_words());
        let language = |text: &str| whatlang::detect_lang(text);
        Self {
            words: all().filter_map(stem).collect(),
            numbers: texts().chain([question]).flat_map(numbers).collect(),
            same_language: language(&joined) == language(&format!("{question} {answer}")),
            tokens,
        }
    }

    /// Whether they bear out `statement`, which is without its markers.
    pub(super) fn bear_out(&self, statement: &str) -> bool {
        let known = |number: &str| number.len() < 2 || self.numbers.contains(number);
        numbers(statement).iter().all(|number| known(number))
            && !self.contradict(statement)
            && !(self.same_language && self.share_no_words(statement))
    }

    /// Whether they name other numbers of what the statement counts, and not this one.
    fn contradict(&self, statement: &str) -> bool {
        counted(&tokens(statement).collect::<Vec<_>>()).into_iter().any(|(number, what)| {
            let theirs: Vec<String> = counted(&self.tokens)
                .into_iter()
                .filter(|(_, of)| *of == what)
                .map(|(number, _)| number)
                .collect();
            !theirs.is_empty() && !theirs.contains(&number)
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "words of a sentence")]
    fn share_no_words(&self, statement: &str) -> bool {
        let words: HashSet<String> = statement.unicode_words().filter_map(stem).collect();
        let shared = words.iter().filter(|word| self.words.contains(*word)).count();
        words.len() >= WORDS_MIN && (shared as f32) < SHARED_MIN * words.len() as f32
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words()
}

/// A word that means something, as its beginning.
fn stem(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let means = word.chars().count() >= LETTERS_MIN && word.chars().all(char::is_alphabetic);
    means.then(|| word.chars().take(STEM_LETTERS).collect())
}

/// The numbers of a text, without the signs that group their digits: `1,000` and `1.000` are the same as `1000`.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut digits = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let groups = matches!(c, '.' | ',' | '\u{202f}' | '\u{a0}' | '’')
            && characters.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() {
            digits.push(c);
        } else if !(digits.is_empty() || groups) {
            found.push(std::mem::take(&mut digits));
        }
    }
    if !digits.is_empty() {
        found.push(digits);
    }
    found
}

/// Each number below thirteen with the word that follows it: what there is so many of.
fn counted(tokens: &[&str]) -> Vec<(String, String)> {
    tokens
        .windows(2)
        .filter_map(|pair| {
            let [number, what] = pair else { return None };
            Some((small_number(number)?, stem(what)?))
        })
        .collect()
}

fn small_number(word: &str) -> Option<String> {
    if let Ok(number) = word.parse::<usize>() {
        return (number < WRITTEN_OUT.len()).then(|| number.to_string());
    }
    let word = word.to_lowercase();
    // "ein" and "one" are articles as often as numbers.
    let at = WRITTEN_OUT.iter().position(|(english, german)| *english == word || *german == word)?;
    (at != 1).then(|| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> PassageGiven {
        PassageGiven {
            number: 1,
            document: "d".into(),
            title: "Warranty".into(),
            heading_path: vec!["Periods".into()],
            text: text.into(),
            ..PassageGiven::default()
        }
    }

    const TEXT: &str = "New machines have a warranty of five years in home use. Shipping a part costs €14.90, and orders over \
                        1,000 euros are free. The burr set KX-204-B is sold in boxes of 12.";

    fn held(statement: &str) -> bool {
        let passage = passage(TEXT);
        Sources::new(&[&passage], "How long is my machine covered, and what does KX-310 cost?", statement)
            .bear_out(statement)
    }

    #[test]
    fn honest_statements_are_borne_out_in_other_words_too() {
        for statement in [
            "Your new machine is under warranty for five years.",
            "Your new machine is under warranty for 5 years.",
            "You pay 14,90 € when a part is shipped.",
            "It is free for orders over 1000 euros.",
            "There are three things to know about the warranty of your machine.",
            "The documents do not say what KX-310 costs.",
            "Five years.",
        ] {
            assert!(held(statement), "{statement}");
        }
    }

    #[test]
    fn what_the_passages_do_not_say_is_not() {
        for statement in [
            "Your new machine is under warranty for nine years.",
            "Your new machine is under warranty for 7 years.",
            "Shipping a part costs 19.90 euros.",
            "The burr set KX-999-B fits your machine.",
            "We gladly offer a mobile application for Android phones and tablets.",
        ] {
            assert!(!held(statement), "{statement}");
        }
    }

    #[test]
    fn an_answer_in_another_language_is_held_to_its_numbers() {
        let passage = passage(TEXT);
        let question = "Wie lange habe ich für meine neue Maschine zu Hause Garantie?";
        let answer =
            "Für neue Geräte im Haushalt gilt eine Garantie von fünf Jahren, der Versand kostet 14,90 Euro.";
        assert!(Sources::new(&[&passage], question, answer).bear_out(answer));
        let wrong = answer.replace("14,90", "24,90");
        assert!(!Sources::new(&[&passage], question, &wrong).bear_out(&wrong));
    }
}
