//! Takes out of a line what nobody else is to read: passwords, tokens, keys, mail addresses.
//!
//! For what leaves the machine by a person's hand, such as a support bundle. Lines are written without secrets in the first
//! place; this is the second door, and errs on the side of taking out too much. Ids of ours, request ids and paths stay:
//! without them a line helps nobody.

use std::fmt::Write as _;

/// What stands where something was taken out.
const SECRET: &str = "(secret)";
/// What stands where an address was.
const ADDRESS: &str = "(e-mail)";
/// Words after which the value of `name=value`, `name: value` or `"name":"value"` is a secret.
const NAMES: [&str; 10] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "seed",
    "frontdesk_session",
];
/// How known secrets begin.
const BEGINNINGS: [&str; 8] = ["fdk_", "sk-", "sk_", "ghp_", "xox", "AIza", "pa-", "AGE-SECRET-KEY-"];
/// A run of so many letters and digits that is neither a word nor an id of ours is taken for a secret.
const RUN_CHARS: usize = 24;
/// The letters of an id of ours after its prefix: a UUID in Crockford's base 32.
const ID_CHARS: usize = 26;

/// The line without what nobody else is to read.
#[must_use]
pub fn redacted(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut expects = Expects::Nothing;
    for part in parts(line) {
        match part {
            Part::Between(text) => {
                expects = expects.after(text);
                shown.push_str(text);
            }
            Part::Word(word) => {
                let (text, next) = word_shown(word, expects);
                expects = next;
                _ = write!(shown, "{text}");
            }
        }
    }
    shown
}

/// Whether what comes next is a secret because of what came before.
#[derive(Clone, Copy, PartialEq)]
enum Expects {
    Nothing,
    /// A name that a secret may follow, if `=` or `:` comes between.
    Name,
    /// The value of such a name.
    Value,
}

impl Expects {
    fn after(self, between: &str) -> Self {
        let gives = between.contains(['=', ':']);
        match self {
            Self::Name if gives => Self::Value,
            Self::Value if !between.contains([',', ';', '&', '\n']) => Self::Value,
            _ => Self::Nothing,
        }
    }
}

enum Part<'a> {
    Word(&'a str),
    Between(&'a str),
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || "_-.@+/~%".contains(letter)
}

/// Words and what stands between them, in turn.
fn parts(line: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let word = is_of_word(first);
        let end = rest.find(|letter| is_of_word(letter) != word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(if word { Part::Word(part) } else { Part::Between(part) })
    })
}

fn word_shown(word: &str, expects: Expects) -> (&str, Expects) {
    let lower = word.to_lowercase();
    if expects == Expects::Value {
        return match lower.as_str() {
            // `Authorization: Bearer x`: the scheme is no secret, what follows it is.
            "bearer" | "basic" => (word, Expects::Value),
            // It was taken out before.
            "secret" => (word, Expects::Nothing),
            _ => (SECRET, Expects::Nothing),
        };
    }
    if lower == "bearer" {
        return (word, Expects::Value);
    }
    if NAMES.iter().any(|name| lower.ends_with(name)) {
        return (word, Expects::Name);
    }
    if is_mail_address(word) {
        return (ADDRESS, Expects::Nothing);
    }
    let known =
        BEGINNINGS.iter().any(|beginning| word.starts_with(beginning) && word.len() > beginning.len() + 8);
    let secret = known || word.split(['/', '.', '@']).any(is_secret_run);
    (if secret { SECRET } else { word }, Expects::Nothing)
}

fn is_mail_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// Long, of letters and digits mixed, and no id of ours (`ten_01h455vb4pex5vsknk084sn02q`).
fn is_secret_run(run: &str) -> bool {
    if run.len() < RUN_CHARS || is_own_id(run) {
        return false;
    }
    let digits = run.chars().filter(char::is_ascii_digit).count();
    let letters = run.chars().filter(char::is_ascii_alphabetic).count();
    let capitals = run.chars().filter(char::is_ascii_uppercase).count();
    let mixed = digits >= 3 && letters >= 3;
    let words = run.split(['-', '_']).all(|word| word.len() < 16);
    (mixed && !words) || (capitals >= 4 && digits >= 2 && letters > capitals)
}

fn is_own_id(run: &str) -> bool {
    run.split_once('_').is_some_and(|(prefix, id)| {
        prefix.len() <= 5
            && prefix.chars().all(|letter| letter.is_ascii_lowercase())
            && id.len() == ID_CHARS
            && id.chars().all(|letter| letter.is_ascii_digit() || letter.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_what_helps_stays() {
        for (line, gone) in [
            ("signed in as ada.lovelace+desk@example.com today", "lovelace"),
            ("password=hunter2 tried", "hunter2"),
            ("{\"password\":\"hunter2\",\"name\":\"Ada\"}", "hunter2"),
            ("smtp_password: \"correct horse\"", "correct"),
            ("Authorization: Bearer abc123", "abc123"),
            ("the key fdk_live0123456789 was used", "live0123456789"),
            ("asked with sk-proj-abcdefghijk", "proj-abc"),
            ("https://desk.example.com/setup#token=9fJk2lQpXz", "9fJk2lQpXz"),
            ("cookie __Host-frontdesk_session=aGVsbG8gd29ybGQ; Path", "aGVsbG8"),
            ("got Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg from there", "Zm9vYmFy"),
            ("hash 5f4dcc3b5aa765d61d8327deb882cf99aa11", "5f4dcc3b"),
        ] {
            let shown = redacted(line);
            assert!(!shown.contains(gone), "{shown}");
        }
        for line in [
            "2026-01-01T00:00:00.000Z  WARN request{id=0123456789abcdef method=GET path=/api/v1/documents}: busy",
            "the job failed job=job_01h455vb4pex5vsknk084sn02q name=knowledge.ingest attempts=3",
            "cannot write /var/lib/frontdesk/tenants/ten_01h455vb4pex5vsknk084sn02q/keyspace.redb: No space left",
            "model=claude-3-5-sonnet-20241022 tokens=12",
            "metrics.token = \"(secret)\"  # default",
        ] {
            assert_eq!(redacted(line), line);
        }
    }
}
