//! Looks words up in the lists of [`super::words`].

use std::collections::HashMap;

use super::fold::fold;
use super::words::{LANGUAGES, Words};

/// What a word stands for; a word may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks(u8);

impl Marks {
    pub(super) const JOIN: Self = Self(1);
    pub(super) const REASON: Self = Self(2);
    pub(super) const WEIGHTY: Self = Self(4);
    pub(super) const VAGUE: Self = Self(8);
    pub(super) const FURTHER: Self = Self(16);
    /// A phrase begins with this word.
    const PHRASE: Self = Self(32);

    pub(super) fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    fn add(&mut self, mark: Self) {
        self.0 |= mark.0;
    }
}

/// The words of one language, ready to be looked up.
#[derive(Debug)]
pub(super) struct Lexicon {
    pub(super) language: &'static str,
    /// Words and phrases.
    exact: HashMap<String, Marks>,
    /// Beginnings of words, sorted; none begins another.
    stems: Vec<(String, Marks)>,
}

impl Lexicon {
    fn new(words: &Words) -> Self {
        let mut exact: HashMap<String, Marks> = HashMap::new();
        let mut stems: Vec<(String, Marks)> = Vec::new();
        let lists = [
            (words.joins, Marks::JOIN),
            (words.reasons, Marks::REASON),
            (words.weighty, Marks::WEIGHTY),
            (words.vague, Marks::VAGUE),
            (words.further, Marks::FURTHER),
        ];
        for (list, mark) in lists {
            for entry in entries(list) {
                let text = fold(entry);
                if let Some((first, _)) = text.split_once(' ') {
                    exact.entry(first.to_owned()).or_default().add(Marks::PHRASE);
                } else if entry.ends_with('*') {
                    stems.push((text, mark));
                    continue;
                }
                exact.entry(text).or_default().add(mark);
            }
        }
        stems.sort_by(|one, other| one.0.cmp(&other.0));
        stems.dedup_by(|after, before| {
            let same = after.0 == before.0;
            if same {
                before.1.add(after.1);
            }
            same
        });
        Self { language: words.language, exact, stems }
    }

    /// What a folded word stands for by itself.
    pub(super) fn word(&self, word: &str) -> Marks {
        let mut marks = self.exact.get(word).copied().unwrap_or_default();
        let after = self.stems.partition_point(|(stem, _)| stem.as_str() <= word);
        let stem = after.checked_sub(1).and_then(|at| self.stems.get(at));
        if let Some((_, of_stem)) = stem.filter(|(stem, _)| word.starts_with(stem.as_str())) {
            marks.add(*of_stem);
        }
        marks
    }

    /// What a folded phrase stands for.
    pub(super) fn phrase(&self, phrase: &str) -> Marks {
        self.exact.get(phrase).copied().unwrap_or_default()
    }

    /// Whether it is worth looking for a phrase that begins with the word of these marks.
    pub(super) fn begins_phrase(marks: Marks) -> bool {
        marks.has(Marks::PHRASE)
    }
}

fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// All languages.
#[derive(Debug)]
pub(super) struct Lexicons {
    languages: Vec<Lexicon>,
    /// The commonest words, with one bit per language that has them.
    common: HashMap<String, u16>,
}

/// How many of a text's words are among the commonest of each language.
pub(super) type Tally = [u32; LANGUAGES.len()];

impl Lexicons {
    pub(super) fn new() -> Self {
        let mut common: HashMap<String, u16> = HashMap::new();
        for (place, words) in LANGUAGES.iter().enumerate() {
            for entry in entries(words.common) {
                *common.entry(fold(entry)).or_default() |= 1 << place;
            }
        }
        Self { languages: LANGUAGES.iter().map(Lexicon::new).collect(), common }
    }

    /// Counts a folded word for the languages that it is common in.
    pub(super) fn count(&self, word: &str, tally: &mut Tally) {
        let Some(bits) = self.common.get(word) else { return };
        for (place, count) in tally.iter_mut().enumerate() {
            *count += u32::from(bits & (1 << place) != 0);
        }
    }

    /// The language with the most of its commonest words in the text, and how many those are. The first one, English, when
    /// there are none.
    pub(super) fn best(&self, tally: &Tally) -> Option<(&Lexicon, u32)> {
        // The last of equals is taken, so the languages are walked backwards.
        let counted = self.languages.iter().zip(tally).rev();
        counted.max_by_key(|(_, count)| **count).map(|(lexicon, count)| (lexicon, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stem_begins_another_or_it_would_hide_it() {
        for lexicon in Lexicons::new().languages {
            for pair in lexicon.stems.windows(2) {
                let (before, after) = (&pair[0].0, &pair[1].0);
                assert!(!after.starts_with(before.as_str()), "{}: {before}* and {after}*", lexicon.language);
            }
        }
    }

    #[test]
    fn words_stems_and_phrases_are_found() {
        let lexicons = Lexicons::new();
        let german = &lexicons.languages[1];
        assert!(german.word("warum").has(Marks::REASON));
        assert!(german.word("vertragsbedingungen").has(Marks::WEIGHTY));
        assert!(!german.word("vertr").has(Marks::WEIGHTY));
        let schritt = german.word("schritt");
        assert!(Lexicon::begins_phrase(schritt) && !schritt.has(Marks::REASON));
        assert!(german.phrase("schritt fur schritt").has(Marks::REASON));
    }

    #[test]
    fn the_language_is_the_one_with_the_most_common_words() {
        let lexicons = Lexicons::new();
        for (text, language) in [
            ("How do I reset my password?", "English"),
            ("Wie kann ich mein Passwort zurücksetzen?", "German"),
            ("Comment réinitialiser mon mot de passe ?", "French"),
            ("¿Cómo puedo cambiar mi contraseña?", "Spanish"),
            ("Como faço para alterar a minha senha? Não consigo", "Portuguese"),
            ("Come posso cambiare la mia password? Non ci riesco", "Italian"),
            ("Hoe kan ik mijn wachtwoord wijzigen?", "Dutch"),
            ("Jak mogę zmienić moje hasło?", "Polish"),
        ] {
            let mut tally = Tally::default();
            fold(text).split(' ').for_each(|word| lexicons.count(word, &mut tally));
            assert_eq!(lexicons.best(&tally).unwrap().0.language, language, "{text}");
        }
    }
}
