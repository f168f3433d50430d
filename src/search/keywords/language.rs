//! The languages whose words are reduced to their stems, by ISO 639 code.
//!
//! Stemming is worth more than any parameter of BM25. A language without a stemmer is searched by whole words,
//! folded to lower case and plain letters; text written without spaces is cut into pairs of characters whatever the
//! language (see `words`).

use frostem::Algorithm;

/// The language of a text, as far as the keyword index cares: which stemmer its words go through.
///
/// Two texts of the same `Language` always yield comparable terms. [`Language::default`] is English, the language of
/// most technical texts that are too short to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language([u8; 3]);

/// ISO 639-1 (or -3 where there is none), ISO 639-3 as language detectors report it, and the stemmer.
const STEMMED: &[(&str, &str, Algorithm)] = &[
    ("ar", "ara", Algorithm::Arabic),
    ("ca", "cat", Algorithm::Catalan),
    ("cs", "ces", Algorithm::Czech),
    ("da", "dan", Algorithm::Danish),
    ("de", "deu", Algorithm::German),
    ("el", "ell", Algorithm::Greek),
    ("en", "eng", Algorithm::English),
    ("eo", "epo", Algorithm::Esperanto),
    ("es", "spa", Algorithm::Spanish),
    ("et", "est", Algorithm::Estonian),
    ("eu", "eus", Algorithm::Basque),
    ("fa", "pes", Algorithm::Persian),
    ("fi", "fin", Algorithm::Finnish),
    ("fr", "fra", Algorithm::French),
    ("ga", "gle", Algorithm::Irish),
    ("hi", "hin", Algorithm::Hindi),
    ("hu", "hun", Algorithm::Hungarian),
    ("hy", "hye", Algorithm::Armenian),
    ("id", "ind", Algorithm::Indonesian),
    ("it", "ita", Algorithm::Italian),
    ("lt", "lit", Algorithm::Lithuanian),
    ("ne", "nep", Algorithm::Nepali),
    ("nl", "nld", Algorithm::Dutch),
    ("no", "nob", Algorithm::Norwegian),
    ("pl", "pol", Algorithm::Polish),
    ("pt", "por", Algorithm::Portuguese),
    ("ro", "ron", Algorithm::Romanian),
    ("ru", "rus", Algorithm::Russian),
    ("sr", "srp", Algorithm::Serbian),
    ("sv", "swe", Algorithm::Swedish),
    ("ta", "tam", Algorithm::Tamil),
    ("tr", "tur", Algorithm::Turkish),
    ("yi", "yid", Algorithm::Yiddish),
];

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(*b"en\0");
    /// A language without a stemmer.
    pub const OTHER: Self = Self(*b"und");

    /// Reads an ISO 639-1 or 639-3 code, in either case, with or without a region (`de`, `deu`, `pt-BR`, `nb`).
    /// A language that has no stemmer, or is not known, is [`Language::OTHER`].
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let primary = match primary.as_str() {
            "nb" | "nn" | "nno" => "no",
            "fas" => "fa",
            other => other,
        };
        STEMMED
            .iter()
            .find(|(two, three, _)| *two == primary || *three == primary)
            .map_or(Self::OTHER, |(two, _, _)| Self::pack(two))
    }

    /// The code in two lower-case letters, or `und`.
    #[must_use]
    pub fn code(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        self.0.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("und")
    }

    /// Its stemmer, if there is one.
    pub(crate) fn stemmer(self) -> Option<frostem::Stemmer> {
        let code = self.code();
        STEMMED
            .iter()
            .find(|(two, _, _)| *two == code)
            .map(|(_, _, algorithm)| frostem::Stemmer::new(*algorithm))
    }

    fn pack(code: &str) -> Self {
        let mut packed = [0; 3];
        for (slot, byte) in packed.iter_mut().zip(code.bytes()) {
            *slot = byte;
        }
        Self(packed)
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::ENGLISH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_two_and_three_letters_and_regions_name_the_same_language() {
        for code in ["de", "DEU", "de-AT", "de_CH"] {
            assert_eq!(Language::from_code(code).code(), "de", "{code}");
        }
        assert_eq!(Language::from_code("nb").code(), "no");
        assert_eq!(Language::from_code("jpn"), Language::OTHER);
        assert_eq!(Language::from_code(""), Language::OTHER);
        assert_eq!(Language::default(), Language::ENGLISH);
    }
}
