//! Text into stems, and whether two words are the same to a reader: by stem, by a slip of the pen, or by meaning.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::{STOP_WORDS, THESAURUS, WEAK_WORDS};
use crate::search::keywords::Language;

/// Share of a word's weight that a word of like meaning, or a misspelt one, is worth.
const ALIKE: f32 = 0.8;

/// The stems of one language, the stop words and the thesaurus.
pub(super) struct Words {
    stemmer: Option<frostem::Stemmer>,
    stop: HashSet<&'static str>,
    weak: HashSet<&'static str>,
    groups: HashMap<String, Vec<usize>>,
}

impl Words {
    pub(super) fn new(language: Language) -> Self {
        let stemmer = language.stemmer();
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        if language == Language::ENGLISH {
            for (number, group) in THESAURUS.iter().enumerate() {
                for word in *group {
                    groups.entry(stem(stemmer.as_ref(), word)).or_default().push(number);
                }
            }
        }
        Self {
            stemmer,
            stop: STOP_WORDS.iter().copied().collect(),
            weak: WEAK_WORDS.iter().copied().collect(),
            groups,
        }
    }

    pub(super) fn stem(&self, word: &str) -> String {
        stem(self.stemmer.as_ref(), word)
    }

    pub(super) fn is_stop(&self, plain: &str) -> bool {
        self.stop.contains(plain)
    }

    pub(super) fn is_weak(&self, plain: &str) -> bool {
        self.weak.contains(plain)
    }

    /// The stems of all words of a text; of words joined by a hyphen also that of the whole (`wi-fi`, `wifi`).
    pub(super) fn stems(&self, text: &str) -> HashSet<String> {
        let mut stems = HashSet::new();
        let mut before: Option<(usize, String)> = None;
        for (at, word) in text.unicode_word_indices() {
            let word_plain = plain(word);
            if let Some((end, first)) = &before
                && text.get(*end..at) == Some("-")
            {
                stems.insert(self.stem(&format!("{first}{word_plain}")));
            }
            // The stemmer cuts "buses" to "buse".
            if let Some(singular) = word_plain.strip_suffix("es") {
                stems.insert(self.stem(singular));
            }
            stems.insert(self.stem(&word_plain));
            before = Some((at + word.len(), word_plain));
        }
        stems
    }

    /// How far `stems` hold the word: 1 as it is, less for one that means the same or differs by a slip, 0 not at all.
    pub(super) fn held(&self, stem: &str, stems: &HashSet<String>) -> f32 {
        if stems.contains(stem) {
            return 1.0;
        }
        let groups = self.groups.get(stem);
        let alike = |other: &String| {
            let means_the_same = groups.is_some_and(|mine| {
                self.groups.get(other).is_some_and(|theirs| mine.iter().any(|group| theirs.contains(group)))
            });
            means_the_same || slip(stem, other)
        };
        if stems.iter().any(alike) { ALIKE } else { 0.0 }
    }
}

fn stem(stemmer: Option<&frostem::Stemmer>, word: &str) -> String {
    stemmer.map_or_else(|| word.to_owned(), |stemmer| stemmer.stem(word).into_owned())
}

/// A word in lower case, without accents and without what follows an apostrophe.
pub(super) fn plain(word: &str) -> String {
    let head = word.split(['\'', '’']).next().filter(|head| !head.is_empty()).unwrap_or(word);
    if head.is_ascii() {
        return head.to_ascii_lowercase();
    }
    head.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// Words of a text, as people count them.
pub(super) fn count(text: &str) -> usize {
    text.unicode_words().count()
}

/// Whether one word may be the other mistyped: the same first letter, and one edit (two in long words).
fn slip(a: &str, b: &str) -> bool {
    let edits_max = match a.len().min(b.len()) {
        0..=3 => return false,
        4..=7 => 1,
        _ => 2,
    };
    if a.len().abs_diff(b.len()) > edits_max || a.bytes().next() != b.bytes().next() {
        return false;
    }
    if a.bytes().chain(b.bytes()).any(|byte| !byte.is_ascii_alphabetic()) {
        return false;
    }
    // The stemmer turns a last "y" after a consonant into "i", which would count as a second edit ("norwi", "norway").
    let respelled = |word: &str| match word.strip_suffix('i') {
        Some(head) => format!("{head}y"),
        None => word.to_owned(),
    };
    edits(respelled(a).as_bytes(), respelled(b).as_bytes()) <= edits_max
}

/// Damerau-Levenshtein distance (optimal string alignment).
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let value = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut least = (value(&last, column) + usize::from(x != y))
                .min(value(&last, column + 1) + 1)
                .min(value(&current, column) + 1);
            let swapped = row > 0 && column > 0 && a.get(row - 1) == Some(y) && b.get(column - 1) == Some(x);
            if swapped {
                least = least.min(value(&before_last, column - 1) + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_slips_and_synonyms_of_a_word_are_held() {
        let words = Words::new(Language::ENGLISH);
        let stems = words.stems("Shipping to Norway costs €24.95 over Wi-Fi.");
        let held = |word: &str| words.held(&words.stem(&plain(word)), &stems);
        for word in ["ship", "shiping", "norwy", "Norway's", "price", "wifi"] {
            assert!(held(word) > 0.0, "{word}");
        }
        for word in ["military", "cots", "toaster"] {
            assert!(held(word) < 0.9, "{word}");
        }
        assert_eq!(held("toaster"), 0.0);
    }

    #[test]
    fn edits_count_swapped_neighbours_once() {
        assert_eq!(edits(b"form", b"from"), 1);
        assert_eq!(edits(b"abc", b"abc"), 0);
        assert_eq!(edits(b"", b"abc"), 3);
    }
}
