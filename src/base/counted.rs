//! A count and what is counted, in English: `1 file`, `2 files`.

use std::fmt::Display;

/// `count` with the word for one or for many.
pub fn counted(count: impl Display + PartialEq + From<u8> + Copy, one: &str, many: &str) -> String {
    let word = if count == 1.into() { one } else { many };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_one() {
        let files = |count: u64| counted(count, "file", "files");
        assert_eq!([files(0), files(1), files(2)], ["0 files", "1 file", "2 files"]);
    }
}
