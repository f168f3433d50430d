//! The text to embed of a passage that was cut before: for another embedding model, when the file is not at hand.
//!
//! Made of what is kept of a passage: title, headings, and its text in light Markdown. For most passages it is letter for letter what was
//! embedded when they were cut; where the cut knew more of the structure, lines may be broken differently.

use super::pack::{prefix, without_markup};
use super::passage::Settings;
use crate::knowledge::extract::BlockKind;

/// What is embedded of a passage: title and headings on the first line, then its words without markup.
#[must_use]
pub fn embed_text_of(
    title: &str,
    headings: &[String],
    text: &str,
    count_tokens: &dyn Fn(&str) -> usize,
    settings: &Settings,
) -> String {
    let prefix = prefix(Some(title), headings, count_tokens, settings);
    let lines = text.split('\n').filter(|line| !line.trim_start().starts_with("```"));
    let body = lines.map(words_of).filter(|line| !line.is_empty());
    std::iter::once(prefix).filter(|prefix| !prefix.is_empty()).chain(body).collect::<Vec<_>>().join("\n")
}

fn words_of(line: &str) -> String {
    let begins = line.trim_start();
    let kind = if begins.starts_with('#') {
        BlockKind::Heading { level: 1 }
    } else if begins.starts_with("- ") {
        BlockKind::ListItem { depth: 0 }
    } else if begins.starts_with('|') {
        BlockKind::Table
    } else {
        BlockKind::Paragraph
    };
    without_markup(kind, line)
}

#[cfg(test)]
mod tests {
    use super::super::chunk;
    use super::*;
    use crate::knowledge::extract;

    #[test]
    fn what_is_embedded_anew_is_what_was_embedded_when_the_passage_was_cut() {
        let text = "# Pumps\n\n## Sealing\n\nThe pump is sealed with a rubber ring, see `E-1`.\n\n- It lasts.\n- It is black.\n\n\
                    ## Codes\n\n| Code | Meaning |\n| --- | --- |\n| E-1 | The pump is blocked. |\n| E-2 | The door is open. |\n";
        let limits = extract::Limits::default();
        let extracted = extract::extract("pumps.md", None, text.as_bytes(), &limits).unwrap();
        let count = |text: &str| text.split_whitespace().count();
        let settings = Settings::default();
        let chunks = chunk(&extracted, &count, &settings);
        assert!(chunks.len() >= 2);
        let title = extracted.title.as_deref().unwrap();
        for chunk in chunks {
            let again = embed_text_of(title, &chunk.heading_path, &chunk.text, &count, &settings);
            assert_eq!(again, chunk.embed_text);
        }
    }
}
