//! Plain text: paragraphs between blank lines, with the conventions people use for headings and lists.
//!
//! A heading is a line underlined with `===` or `---`, or a short line in capitals that stands at the margin, on
//! its own or above indented text (as manual pages have it). Anything doubtful stays a paragraph as it was
//! written.

use super::document::{Extracted, Writer};
use super::error::Error;
use super::limits::Limits;
use super::normalise::plain_characters;
use super::sniff::Format;

/// A heading in capitals is no longer than this.
const HEADING_CHARACTERS_MAX: usize = 60;

/// The text of a plain text file.
pub(super) fn extract(source: &str, limits: &Limits) -> Result<Extracted, Error> {
    let source = plain_characters(source);
    let lines: Vec<&str> = source.split('\n').map(str::trim_end).collect();
    let mut writer = Writer::new(limits);
    let mut paragraph: Vec<&str> = Vec::new();
    let mut index = 0;
    while let Some(line) = lines.get(index) {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        let underlined = paragraph.is_empty().then(|| underline(line, next)).flatten();
        if let Some(level) = underlined {
            writer.heading(level, line)?;
            index += 2;
            continue;
        }
        let stands_apart = paragraph.is_empty() && (next.is_empty() || next.starts_with([' ', '\t']));
        if line.is_empty() {
            write_paragraph(&mut paragraph, &mut writer)?;
        } else if stands_apart && is_capitals(line) {
            writer.heading(2, line)?;
        } else {
            paragraph.push(line);
        }
        index += 1;
    }
    write_paragraph(&mut paragraph, &mut writer)?;
    writer.finish(Format::Plain, None, None)
}

fn underline(line: &str, next: &str) -> Option<u8> {
    let length = line.chars().count();
    let ruled = |mark: char| next.len() >= 3 && next.chars().all(|c| c == mark) && next.len() + 3 >= length;
    if line.trim().is_empty() || !line.chars().any(char::is_alphanumeric) || length > 120 {
        None
    } else if ruled('=') {
        Some(1)
    } else if ruled('-') || ruled('~') {
        Some(2)
    } else {
        None
    }
}

fn is_capitals(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    !line.starts_with([' ', '\t', '-', '*', '|', '+'])
        && letters >= 4
        && line.chars().count() <= HEADING_CHARACTERS_MAX
        && !line.chars().any(char::is_lowercase)
        && line.chars().any(char::is_uppercase)
        && !line.ends_with(['.', ',', ';'])
        // A line of codes is not a heading.
        && line.chars().filter(char::is_ascii_digit).count() * 3 <= letters
}

fn write_paragraph(lines: &mut Vec<&str>, writer: &mut Writer) -> Result<(), Error> {
    let mut item: Option<(String, Vec<&str>)> = None;
    let mut loose: Vec<&str> = Vec::new();
    for line in dedent(lines) {
        if let Some((marker, words)) = list_marker(line) {
            flush(&mut item, &mut loose, writer)?;
            item = Some((marker, vec![words]));
        } else if let Some((_, words)) = item.as_mut() {
            words.push(line.trim());
        } else {
            loose.push(line);
        }
    }
    lines.clear();
    flush(&mut item, &mut loose, writer)
}

fn flush(
    item: &mut Option<(String, Vec<&str>)>,
    loose: &mut Vec<&str>,
    writer: &mut Writer,
) -> Result<(), Error> {
    if let Some((marker, words)) = item.take() {
        writer.list_item(0, &marker, &words.join(" "))?;
    }
    if !loose.is_empty() {
        writer.preformatted(&loose.join("\n"))?;
        loose.clear();
    }
    Ok(())
}

/// The lines without the indentation that all of them share.
fn dedent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let shared =
        lines.iter().map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min().unwrap_or(0);
    lines.iter().map(|line| line.get(shared..).unwrap_or(line)).collect()
}

/// The marker and the words of a line like `- this`, `* this` or `3. this`.
fn list_marker(line: &str) -> Option<(String, &str)> {
    let trimmed = line.trim_start();
    for bullet in ["- ", "* ", "• ", "+ ", "– "] {
        if let Some(words) = trimmed.strip_prefix(bullet) {
            return (!words.trim().is_empty()).then(|| ("-".to_owned(), words));
        }
    }
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 3 {
        return None;
    }
    let words = trimmed.get(digits..)?.strip_prefix(['.', ')'])?.strip_prefix(' ')?;
    (!words.trim().is_empty()).then(|| (format!("{}.", trimmed.get(..digits).unwrap_or_default()), words))
}

#[cfg(test)]
mod tests {
    use super::super::document::BlockKind;
    use super::*;

    #[test]
    fn headings_lists_and_paragraphs_are_found() {
        let source = "Manual\n======\n\nFirst line\nsecond line.\n\nNAME\n     tool - does it\n\nSteps:\n- one\n  more\n- two\n1) three\n";
        let document = extract(source, &Limits::default()).unwrap();
        assert_eq!(
            document.text,
            "# Manual\n\nFirst line\nsecond line.\n\n## NAME\n\ntool - does it\n\nSteps:\n\n- one more\n- two\n1. three"
        );
        assert_eq!(document.title.as_deref(), Some("Manual"));
        assert!(document.blocks.iter().filter(|b| matches!(b.kind, BlockKind::ListItem { .. })).count() == 3);
    }

    #[test]
    fn codes_in_capitals_are_not_headings() {
        let document = extract("E-4021-B\n\nThe fault.\n", &Limits::default()).unwrap();
        assert_eq!(document.text, "E-4021-B\n\nThe fault.");
    }
}
