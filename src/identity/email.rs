//! E-mail addresses: checked in shape only, since only a message can prove that one exists.
//!
//! Lengths are those of RFC 5321, section 4.5.3.1; the local part is a dot-atom of RFC 5322, with UTF-8 as in RFC 6531.
//! A domain of one label is accepted: inside a closed network they are common.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::Error;

const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;
const LABEL_BYTES_MAX: usize = 63;

/// An e-mail address as its owner writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Checks the shape of `text`, without the blanks around it.
    ///
    /// # Errors
    /// [`Error::BadEmail`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(Error::BadEmail)?;
        let valid = text.len() <= ADDRESS_BYTES_MAX
            && local.len() <= LOCAL_BYTES_MAX
            && local.split('.').all(is_atom)
            && domain.split('.').all(is_label);
        if valid { Ok(Self(text.to_owned())) } else { Err(Error::BadEmail) }
    }

    /// As its owner writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which two spellings of one address are the same: NFKC and lower case. Local parts are case-sensitive
    /// by the letter of RFC 5321; no provider in use makes that difference, and people do not type it reliably.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// [`Email::folded`] of what may not be an address.
pub(super) fn fold(text: &str) -> String {
    // Lower case may undo the normal form, so it is taken again.
    text.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn is_atom(part: &str) -> bool {
    let allowed = |letter: char| {
        letter.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(letter)
            || (!letter.is_ascii() && letter.is_alphanumeric())
    };
    !part.is_empty() && part.chars().all(allowed)
}

fn is_label(label: &str) -> bool {
    let allowed = |letter: char| letter.is_alphanumeric() || letter == '-';
    !label.is_empty()
        && label.len() <= LABEL_BYTES_MAX
        && label.chars().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_people_have_are_accepted_and_what_cannot_be_one_is_not() {
        for good in
            ["a@b", "ada.lovelace+desk@example.co.uk", " o'hara@example.com ", "jürgen@exämple.de", "1@2.3"]
        {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}com", "abcdefghi.".repeat(26));
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            "a..b@c",
            ".a@b",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@b\n.c",
            "a<b@c",
            &long_local,
            &long,
        ] {
            assert!(matches!(Email::parse(bad), Err(Error::BadEmail)), "{bad}");
        }
    }

    #[test]
    fn spellings_of_one_address_fold_to_one() {
        let folded = |text| Email::parse(text).unwrap().folded();
        assert_eq!(folded("Ada@Example.COM"), folded(" ada@example.com"));
        assert_eq!(folded("jürgen@x"), folded("ju\u{308}rgen@x".nfc().collect::<String>().as_str()));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(text: String) {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(fold(&email.folded()), email.folded());
            }
        }
    }
}
