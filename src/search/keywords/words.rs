//! Text into the words that are indexed and looked up.
//!
//! One pass for documents and questions alike: compatibility forms are unified (NFKC), letters lowered, text cut at
//! whatever is neither letter nor digit. Scripts written without spaces are cut into overlapping pairs. Nothing is lost: a
//! word too long to be a term is replaced by a hash of itself, so that it is still found when asked for as written.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use super::Language;

/// Words longer than this are indexed as a hash of themselves.
const WORD_BYTES_MAX: usize = 120;
/// Stems remembered while one batch or one question is analysed.
const STEMS_REMEMBERED_MAX: usize = 20_000;

/// Unifies compatibility forms and drops what cannot be seen.
pub(super) fn normalise(text: &str) -> String {
    text.nfkc()
        .filter_map(|character| match character {
            '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' => None,
            '\u{200b}' | '\u{200e}' | '\u{200f}' => Some(' '),
            '\u{2010}' | '\u{2011}' => Some('-'),
            other => Some(other),
        })
        .collect()
}

/// Whether a character belongs to a word of letters and digits.
pub(super) fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

/// Whether a character is of a script that is written without spaces between words.
pub(super) fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0e00..=0x0eff     // Thai, Lao
        | 0x1000..=0x109f   // Myanmar
        | 0x1100..=0x11ff   // Hangul jamo
        | 0x1780..=0x17ff   // Khmer
        | 0x3005..=0x3007
        | 0x3040..=0x30ff   // Hiragana, Katakana
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf   // Han
        | 0x4e00..=0x9fff
        | 0xac00..=0xd7af   // Hangul syllables
        | 0xf900..=0xfaff
        | 0x20000..=0x3134f)
}

fn is_han(character: char) -> bool {
    matches!(u32::from(character), 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3134f)
}

/// A word as it stands in the text, before stemming.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Word {
    /// Lower-cased letters and digits; goes through the stemmer.
    Spelled(String),
    /// One or two characters of an unspaced script; goes in as it is.
    Gram(String),
}

/// Cuts normalised text into words. `single_han` also yields every Han character alone, which a document needs so that
/// a question of one character finds it.
pub(super) fn cut(text: &str, single_han: bool, out: &mut Vec<Word>) {
    let mut rest = text;
    let mut after_apostrophe = false;
    while let Some(first) = rest.chars().next() {
        let unspaced = is_unspaced(first);
        let inside = |character: char| {
            is_word_character(character) && is_unspaced(character) == unspaced || is_combining_mark(character)
        };
        if !is_word_character(first) {
            after_apostrophe = matches!(first, '\'' | '’');
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let end = rest.find(|character| !inside(character)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end.max(first.len_utf8())).unwrap_or((rest, ""));
        rest = tail;
        if unspaced {
            cut_unspaced(word, single_han, out);
        } else if !is_elision(word, after_apostrophe, tail) {
            cut_spelled(word, out);
        }
        after_apostrophe = false;
    }
}

/// The `s` of "user's" and the `l` of "l'accès": one letter beside an apostrophe carries no meaning.
fn is_elision(word: &str, after_apostrophe: bool, tail: &str) -> bool {
    word.chars().nth(1).is_none()
        && word.chars().all(char::is_alphabetic)
        && (after_apostrophe || tail.starts_with(['\'', '’']))
}

fn cut_unspaced(run: &str, single_han: bool, out: &mut Vec<Word>) {
    let characters: Vec<char> = run.chars().collect();
    if let [only] = characters.as_slice() {
        out.push(Word::Gram(only.to_string()));
        return;
    }
    for pair in characters.windows(2) {
        out.push(Word::Gram(pair.iter().collect()));
    }
    if single_han {
        out.extend(characters.iter().filter(|c| is_han(**c)).map(|c| Word::Gram(c.to_string())));
    }
}

fn cut_spelled(word: &str, out: &mut Vec<Word>) {
    let lower = word.to_lowercase();
    if lower.len() > WORD_BYTES_MAX {
        out.push(Word::Gram(shorten(lower)));
    } else {
        cut_humps(word, out);
        out.push(Word::Spelled(lower));
    }
}

/// The parts of `getUserName`, in addition to the whole.
fn cut_humps(word: &str, out: &mut Vec<Word>) {
    if word.is_ascii() && word.as_bytes().windows(2).any(|pair| matches!(pair, [b'a'..=b'z', b'A'..=b'Z'])) {
        let mut start = 0;
        for (at, pair) in word.as_bytes().windows(2).enumerate() {
            if matches!(pair, [b'a'..=b'z', b'A'..=b'Z']) {
                push_hump(word.get(start..=at), out);
                start = at + 1;
            }
        }
        push_hump(word.get(start..), out);
    }
}

fn push_hump(part: Option<&str>, out: &mut Vec<Word>) {
    if let Some(part) = part.filter(|part| part.len() > 2) {
        out.push(Word::Spelled(part.to_lowercase()));
    }
}

/// Keeps a short word and replaces a long one by a hash of all of it.
pub(super) fn shorten(word: String) -> String {
    if word.len() <= WORD_BYTES_MAX {
        return word;
    }
    format!("#{}", blake3::hash(word.as_bytes()).to_hex())
}

/// Letters without their accents, for Latin, Greek and Cyrillic; other scripts keep their marks, which are vowels there.
pub(super) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut folded = String::with_capacity(word.len());
    for character in word.chars() {
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            'й' => folded.push('й'),
            '\u{300}'..='\u{36f}' => {}
            '\u{c0}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}' => {
                decompose_canonical(character, |part| {
                    if !matches!(part, '\u{300}'..='\u{36f}') {
                        folded.push(part);
                    }
                });
            }
            other => folded.push(other),
        }
    }
    folded
}

/// Words to terms for one language, remembering the stems it has worked out.
pub(super) struct Stems {
    stemmer: Option<frostem::Stemmer>,
    known: HashMap<String, (String, Option<String>)>,
}

impl Stems {
    pub(super) fn new(language: Language) -> Self {
        Self { stemmer: language.stemmer(), known: HashMap::new() }
    }

    /// The terms of a spelled word: its stem without accents, and, where they differ, the stem of the word typed without
    /// accents. Documents hold both, so that people who leave accents out find what others wrote with care.
    pub(super) fn terms(&mut self, word: &str) -> (&str, Option<&str>) {
        if !self.known.contains_key(word) {
            if self.known.len() >= STEMS_REMEMBERED_MAX {
                self.known.clear();
            }
            self.known.insert(word.to_owned(), work_out(self.stemmer, word));
        }
        self.known.get(word).map_or(("", None), |(careful, plain)| (careful.as_str(), plain.as_deref()))
    }
}

fn work_out(stemmer: Option<frostem::Stemmer>, word: &str) -> (String, Option<String>) {
    let stemmer = stemmer.filter(|_| !word.contains(|c: char| c.is_numeric()));
    let Some(stemmer) = stemmer else { return (fold(word), None) };
    let careful = fold(&stemmer.stem(word));
    if word.is_ascii() {
        return (careful, None);
    }
    let folded = fold(word);
    let plain = fold(&stemmer.stem(&folded));
    let plain = (plain != careful).then_some(plain);
    (careful, plain)
}
