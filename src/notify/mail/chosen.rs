//! Words in a letter that somebody chose: the name of a workspace, of an inviter, of a browser.
//!
//! A letter goes to people who trust its sender, so words that a stranger could choose must not look like the letter's own: they are one
//! short line, without controls that turn the direction of what follows, and nothing in them becomes a link by itself.

use serde::{Deserialize, Serialize};

/// Characters that are kept.
pub const CHOSEN_CHARS_MAX: usize = 80;
/// Nothing to see; mail programs end a link here.
const BREAK: char = '\u{200b}';

/// Such words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chosen(String);

impl Chosen {
    /// Makes `text` harmless.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let seen: Vec<char> = line.chars().filter(|letter| !turns_or_hides(*letter)).collect();
        let mut harmless = String::new();
        for (place, letter) in seen.iter().take(CHOSEN_CHARS_MAX).enumerate() {
            harmless.push(*letter);
            let next = seen.get(place + 1).copied().unwrap_or(' ');
            let joins = match letter {
                '.' => next.is_alphabetic(),
                '@' => next.is_alphanumeric(),
                ':' => next == '/',
                _ => false,
            };
            if joins {
                harmless.push(BREAK);
            }
        }
        if seen.len() > CHOSEN_CHARS_MAX {
            harmless.push('…');
        }
        Self(harmless)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Marks and overrides of direction (UAX #9), and letters that nobody sees.
fn turns_or_hides(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_words_are_one_short_line_that_links_nowhere_and_turns_nothing() {
        assert_eq!(
            Chosen::new(" Acme\r\nBcc: eve@evil.example\t GmbH ").as_str(),
            "Acme Bcc: eve@\u{200b}evil.\u{200b}example GmbH"
        );
        assert_eq!(
            Chosen::new("win at https://evil.example/x").as_str(),
            "win at https:\u{200b}//evil.\u{200b}example/x"
        );
        assert_eq!(Chosen::new("a\u{202e}b\u{2066}c\u{200d}").as_str(), "abc");
        assert_eq!(Chosen::new("Dr. Ada Lovelace").as_str(), "Dr. Ada Lovelace");
        assert_eq!(Chosen::new("203.0.113.9").as_str(), "203.0.113.9");
        assert_eq!(Chosen::new("שלום").as_str(), "שלום");
        let long = Chosen::new(&"x".repeat(500));
        assert_eq!(long.as_str().chars().count(), CHOSEN_CHARS_MAX + 1);
    }
}
