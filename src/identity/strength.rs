//! Which new passwords are accepted.
//!
//! Length is what counts (NIST SP 800-63B-4, section 3.1.1): 12 to 128 characters, any characters, no rules of composition, no
//! expiry. NIST's floor is 15 where a password is the only factor and 8 beside a second one. 12 lies between, because an
//! account here can have a second factor and a workspace can demand one; and because what is short of 15 must not be what
//! attackers try first, it is judged by zxcvbn (Wheeler, USENIX Security 2016), which estimates how many guesses a cracker
//! needs that knows common passwords, names, words, keyboards and dates. Fewer than 10^8 is refused. The person's own name and
//! address, the workspaces' names and ours count as known. The 30,000 commonest passwords, and single words, in any case and in leet
//! spelling, are refused in words of their own (section 3.1.1.2 asks for a blocklist); zxcvbn carries the lists.
//!
//! Judging computes for up to some 100 ms on hostile input, so only the first [`JUDGED_CHARS_MAX`] characters are looked at, and
//! [`super::Passwords`] does it on its bounded pool.

use zxcvbn::feedback::Warning;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::{Entropy, Score, zxcvbn};

use super::password::{PASSWORD_BYTES_MAX, normalised};
use super::{Email, Error};
use crate::base::Secret;

/// The fewest characters of a password.
const PASSWORD_CHARS_MIN: usize = 12;
/// The most characters of a password.
pub(super) const PASSWORD_CHARS_MAX: usize = 128;
/// How much of a password is judged; what follows can only make it better.
const JUDGED_CHARS_MAX: usize = 100;
/// Words that are known of a person.
const KNOWN_MAX: usize = 64;
/// A known word has at least so many characters: "of" says nothing about anybody.
const KNOWN_CHARS_MIN: usize = 3;
/// A repetition of up to so many characters is no password.
const REPEATED_CHARS_MAX: usize = 4;
/// So many digits beside known words make no password.
const DIGITS_BESIDE_MAX: usize = 6;
/// So many other letters beside known words make none either.
const LETTERS_BESIDE_MAX: usize = 3;
const PRODUCT: &str = "frontdesk";

/// Who chooses a password: what a guesser would try first.
#[derive(Debug, Clone)]
pub struct Person {
    /// What the person is called.
    pub name: String,
    /// Where mail reaches the person.
    pub email: Email,
    /// What the person's workspaces are called.
    pub workspaces: Vec<String>,
}

impl Person {
    /// Whole texts, and their words; at most [`KNOWN_MAX`].
    fn known(&self) -> Vec<String> {
        let (local, domain) = self.email.as_str().rsplit_once('@').unwrap_or_default();
        let whole = [self.name.as_str(), self.email.as_str(), local, domain, PRODUCT];
        let whole = whole.into_iter().chain(self.workspaces.iter().map(String::as_str));
        let mut known: Vec<String> = Vec::new();
        for text in whole {
            let words = text.split(|letter: char| !letter.is_alphanumeric());
            let joined: String = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
            for word in words.map(str::to_owned).chain([joined, text.to_owned()]) {
                let word = word.to_lowercase();
                if word.chars().count() >= KNOWN_CHARS_MIN
                    && known.len() < KNOWN_MAX
                    && !known.contains(&word)
                {
                    known.push(word);
                }
            }
        }
        known
    }
}

/// Whether a new password is accepted. Computes: call it on a pool.
///
/// # Errors
/// [`Error::PasswordTooShort`], [`Error::PasswordTooLong`], [`Error::PasswordTrivial`], [`Error::PasswordCommon`] or
/// [`Error::PasswordWeak`].
pub(super) fn check(password: &Secret, person: &Person) -> Result<(), Error> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(Error::PasswordTooLong);
    }
    let password = normalised(password);
    let letters: Vec<char> = password.expose().chars().collect();
    if letters.len() < PASSWORD_CHARS_MIN {
        return Err(Error::PasswordTooShort);
    }
    if letters.len() > PASSWORD_CHARS_MAX {
        return Err(Error::PasswordTooLong);
    }
    let known = person.known();
    let bare = bare(password.expose());
    if is_made_of(&bare, &known) || is_repetition(&letters) || is_run(&letters) {
        return Err(Error::PasswordTrivial);
    }
    let judged = Secret::new(letters.into_iter().take(JUDGED_CHARS_MAX).collect());
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let judgement = zxcvbn(judged.expose(), &known);
    if is_common(&judgement) {
        return Err(Error::PasswordCommon);
    }
    if judgement.score() < Score::Three {
        let warning = judgement.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        return Err(Error::PasswordWeak { why: why(warning) });
    }
    Ok(())
}

/// Whether the whole of it is on a list: of common passwords, or of words, which are guessed as soon. In whatever spelling.
fn is_common(judgement: &Entropy) -> bool {
    matches!(judgement.sequence(), [whole] if matches!(whole.pattern, MatchPattern::Dictionary(_)))
}

/// What makes it easy to guess, as a sentence.
fn why(warning: Option<Warning>) -> &'static str {
    match warning {
        Some(Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess) => {
            "Keys that lie beside each other are tried early."
        }
        Some(
            Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
        ) => "A repetition is hardly harder to guess than what it repeats.",
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => "It is much like a password that many people use.",
        Some(Warning::SequencesLikeAbcAreEasyToGuess) => "Runs of letters or digits are tried early.",
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => {
            "Years and dates are tried early."
        }
        Some(Warning::AWordByItselfIsEasyToGuess) => "A single word is easy to guess.",
        Some(
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
            | Warning::CommonNamesAndSurnamesAreEasyToGuess,
        ) => "Names are tried early.",
        None => "It is made of parts that are tried early.",
    }
}

/// Letters and digits only, folded.
fn bare(text: &str) -> String {
    super::email::fold(text).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Whether a password is known words with little else, such as a year.
fn is_made_of(bare_password: &str, known: &[String]) -> bool {
    let mut words: Vec<String> =
        known.iter().map(|word| bare(word)).filter(|word| !word.is_empty()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let rest = words.iter().fold(bare_password.to_owned(), |rest, word| rest.replace(word, ""));
    let (digits, letters): (Vec<char>, Vec<char>) = rest.chars().partition(char::is_ascii_digit);
    rest.len() < bare_password.len()
        && digits.len() <= DIGITS_BESIDE_MAX
        && letters.len() <= LETTERS_BESIDE_MAX
}

fn is_repetition(letters: &[char]) -> bool {
    (1..=REPEATED_CHARS_MAX)
        .any(|length| letters.iter().zip(letters.iter().skip(length)).all(|(a, b)| a == b))
}

/// Whether it only counts up or down, as `123456789012` and `abcdefghijkl` do.
fn is_run(letters: &[char]) -> bool {
    let steps = || {
        letters
            .iter()
            .zip(letters.iter().skip(1))
            .map(|(a, b)| i64::from(u32::from(*b)) - i64::from(u32::from(*a)))
    };
    // 9 is followed by 0, and 0 by 9 on the way down.
    let up = steps().all(|step| step == 1 || step == -9);
    let down = steps().all(|step| step == -1 || step == 9);
    up || down
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Fault as _;

    fn judge(text: &str) -> Result<(), Error> {
        let person = Person {
            name: "Ada King Lovelace".into(),
            email: Email::parse("Ada.Lovelace@analytical.example").unwrap(),
            workspaces: vec!["Zanzibar Submarines".into()],
        };
        check(&Secret::new(text.to_owned()), &person)
    }

    #[test]
    fn only_passwords_worth_the_name_are_accepted() {
        for good in [
            "correct horse battery",
            "пароль из слов",
            "x7#mQ2!vL9pZ",
            "Lovelace was seldom wrong",
            "tabletop gravel umbrella",
        ] {
            assert!(judge(good).is_ok(), "{good}: {:?}", judge(good));
        }
        assert!(matches!(judge("elevenchars"), Err(Error::PasswordTooShort)));
        assert!(matches!(judge(&"ab3 ".repeat(33)), Err(Error::PasswordTooLong)));
        assert!(matches!(judge(&"é".repeat(10_000)), Err(Error::PasswordTooLong)));
        for trivial in [
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "123456789012",
            "987654321098",
            "abcdefghijklm",
            "ada.lovelace@analytical.example",
            "ADA-LOVELACE 2026",
            "Ada King Lovelace",
            "12frontdesk34",
            "zanzibar submarines",
            "Ada.Analytical.1815",
        ] {
            assert!(matches!(judge(trivial), Err(Error::PasswordTrivial)), "{trivial}: {:?}", judge(trivial));
        }
    }

    #[test]
    fn a_common_password_is_refused_as_such_in_any_case_and_in_leet_spelling() {
        for common in ["unbelievable", "UnBelieVable", "unb3li3v4bl3", "1q2w3e4r5t6y", "qwertyuiop[]"] {
            let refused = judge(common).unwrap_err();
            assert!(
                matches!(refused, Error::PasswordCommon | Error::PasswordWeak { .. }),
                "{common}: {refused:?}"
            );
        }
        for listed in
            ["unbelievable", "UNBELIEVABLE", "unb3li3v4bl3", "finalfantasy", "LeaveMeAlone", "5onyer1c550n"]
        {
            let refused = judge(listed).unwrap_err();
            assert_eq!((refused.code(), refused.field()), ("password_common", Some("/password")), "{listed}");
        }
    }

    #[test]
    fn what_a_guesser_knows_or_tries_early_is_weak_and_the_reason_is_said() {
        for weak in ["Lovelace1815", "Submarines2026!", "password12345", "qazwsxedcrfv1", "Frontdesk-2026!!"]
        {
            let refused = judge(weak).unwrap_err();
            let told = refused.public();
            assert!(
                matches!(
                    refused,
                    Error::PasswordWeak { .. } | Error::PasswordTrivial | Error::PasswordCommon
                ),
                "{weak}: {refused:?}"
            );
            assert!(told.ends_with('.') && !told.contains(weak), "{told}");
        }
    }

    #[test]
    fn hostile_input_is_judged_in_bounded_work() {
        let spellings = "4@8({[<69!1|0$5+7%2".repeat(6);
        assert!(judge(&spellings.chars().take(PASSWORD_CHARS_MAX).collect::<String>()).is_ok());
    }
}
