//! What a document may be called: the path it was uploaded under, such as `manuals/tamarind.pdf`.

use unicode_normalization::UnicodeNormalization as _;

use super::Error;

/// The longest name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 512;

/// The name as it is kept: composed Unicode, `/` between its parts, no empty part.
pub(super) fn clean(name: &str) -> Result<String, Error> {
    let bad = |reason| Err(Error::BadName { reason });
    if name.len() > NAME_BYTES_MAX * 4 {
        return bad("is too long");
    }
    let composed: String = name.nfc().collect();
    let parts: Vec<&str> =
        composed.split(['/', '\\']).map(str::trim).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return bad("leads out of its folder");
    }
    let cleaned = parts.join("/");
    if cleaned.is_empty() {
        return bad("is empty");
    }
    if cleaned.len() > NAME_BYTES_MAX {
        return bad("is too long");
    }
    if cleaned.chars().any(char::is_control) {
        return bad("holds control characters");
    }
    Ok(cleaned)
}

/// What to call a document that has no title of its own: its file name without the ending.
pub(super) fn title_of(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let words = stem.replace(['_', '-'], " ");
    let words = words.trim();
    if words.is_empty() { file.to_owned() } else { words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_one_form() {
        assert_eq!(clean("/manuals//a.pdf").unwrap(), "manuals/a.pdf");
        assert_eq!(clean("manuals\\./a.pdf").unwrap(), "manuals/a.pdf");
        assert_eq!(clean("u\u{308}ber.md").unwrap(), "\u{fc}ber.md");
        for bad in ["", " / ", "../a", "a/../../b", "a\nb", &"x".repeat(600)] {
            assert!(clean(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_name_makes_a_title() {
        assert_eq!(title_of("how-to/milk-and_steam.care.docx"), "milk and steam.care");
        assert_eq!(title_of(".md"), ".md");
    }
}
