//! The language of a text as an ISO 639-1 code.

use whatlang::Lang;

/// Text looked at: a few pages tell a language as well as a book does.
const SAMPLE_BYTES: usize = 16 << 10;

/// The language of `text`, when it is clear.
pub(super) fn detect(text: &str) -> Option<String> {
    let sample = text.get(..text.floor_char_boundary(SAMPLE_BYTES))?;
    let info = whatlang::detect(sample)?;
    info.is_reliable().then(|| iso_639_1(info.lang()).to_owned())
}

/// ISO 639-3 and ISO 639-1.
const PAIRS: &[(&str, &str)] = &[
    ("epo", "eo"),
    ("eng", "en"),
    ("rus", "ru"),
    ("cmn", "zh"),
    ("spa", "es"),
    ("por", "pt"),
    ("ita", "it"),
    ("ben", "bn"),
    ("fra", "fr"),
    ("deu", "de"),
    ("ukr", "uk"),
    ("kat", "ka"),
    ("ara", "ar"),
    ("hin", "hi"),
    ("jpn", "ja"),
    ("heb", "he"),
    ("yid", "yi"),
    ("pol", "pl"),
    ("amh", "am"),
    ("jav", "jv"),
    ("kor", "ko"),
    ("nob", "nb"),
    ("dan", "da"),
    ("swe", "sv"),
    ("fin", "fi"),
    ("tur", "tr"),
    ("nld", "nl"),
    ("hun", "hu"),
    ("ces", "cs"),
    ("ell", "el"),
    ("bul", "bg"),
    ("bel", "be"),
    ("mar", "mr"),
    ("kan", "kn"),
    ("ron", "ro"),
    ("slv", "sl"),
    ("hrv", "hr"),
    ("srp", "sr"),
    ("mkd", "mk"),
    ("lit", "lt"),
    ("lav", "lv"),
    ("est", "et"),
    ("tam", "ta"),
    ("vie", "vi"),
    ("urd", "ur"),
    ("tha", "th"),
    ("guj", "gu"),
    ("uzb", "uz"),
    ("pan", "pa"),
    ("aze", "az"),
    ("ind", "id"),
    ("tel", "te"),
    ("pes", "fa"),
    ("mal", "ml"),
    ("ori", "or"),
    ("mya", "my"),
    ("nep", "ne"),
    ("sin", "si"),
    ("khm", "km"),
    ("tuk", "tk"),
    ("aka", "ak"),
    ("zul", "zu"),
    ("sna", "sn"),
    ("afr", "af"),
    ("lat", "la"),
    ("slk", "sk"),
    ("cat", "ca"),
    ("tgl", "tl"),
    ("hye", "hy"),
    ("cym", "cy"),
];

/// Two letters where ISO 639-1 has them, else the three of ISO 639-3.
fn iso_639_1(language: Lang) -> &'static str {
    let code = language.code();
    PAIRS.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_languages_are_named_and_noise_is_not() {
        let german =
            "Die Rücksendung ist innerhalb von dreißig Tagen nach Erhalt der Ware kostenlos möglich.";
        assert_eq!(detect(german).as_deref(), Some("de"));
        assert_eq!(detect("E-42"), None);
    }
}
