//! Comma-, semicolon- or tab-separated values (RFC 4180), as one table whose first record is the header.

use super::document::{Extracted, Writer};
use super::error::Error;
use super::limits::Limits;
use super::sniff::Format;

/// The table of a file of separated values.
pub(super) fn extract(source: &str, limits: &Limits) -> Result<Extracted, Error> {
    let source = source.trim_start_matches('\u{FEFF}');
    let separator = separator(source.lines().next().unwrap_or_default());
    let mut writer = Writer::new(limits);
    writer.table(&records(source, separator))?;
    writer.finish(Format::Csv, None, None)
}

/// The separator that the first line holds most of.
fn separator(line: &str) -> char {
    let count = |mark: char| line.matches(mark).count();
    if count('\t') > 0 && count('\t') >= count(',') {
        '\t'
    } else if count(';') > count(',') {
        ';'
    } else {
        ','
    }
}

fn records(source: &str, separator: char) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = source.chars().peekable();
    while let Some(character) = characters.next() {
        if quoted {
            match character {
                '"' if characters.peek() == Some(&'"') => {
                    characters.next();
                    field.push('"');
                }
                '"' => quoted = false,
                other => field.push(other),
            }
        } else if character == '"' && field.is_empty() {
            quoted = true;
        } else if character == separator {
            record.push(std::mem::take(&mut field));
        } else if character == '\n' {
            record.push(std::mem::take(&mut field));
            records.push(std::mem::take(&mut record));
        } else {
            field.push(character);
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_keep_separators_and_line_ends() {
        let document =
            extract("Code;Meaning\r\nE-1;\"Too hot;\nopen \"\"it\"\"\"\r\n", &Limits::default()).unwrap();
        assert_eq!(document.text, "| Code | Meaning |\n| --- | --- |\n| E-1 | Too hot; open \"it\" |");
    }
}
