//! Examples and properties of passages.

use super::{Chunk, Settings, chunk};
use crate::knowledge::extract::{BlockKind, Extracted, Limits, extract};
use proptest::prelude::*;

/// Roughly what a word-piece tokenizer counts: short words one, long words several, marks one each.
fn count(text: &str) -> usize {
    let mut tokens = 2;
    for word in text.split_whitespace() {
        let letters = word.chars().filter(|c| c.is_alphanumeric()).count();
        let marks = word.chars().count() - letters;
        tokens += letters.div_ceil(6) + marks;
    }
    tokens
}

fn markdown(source: &str) -> Extracted {
    extract("a.md", None, source.as_bytes(), &Limits::default()).unwrap()
}

fn cut(source: &str) -> (Extracted, Vec<Chunk>) {
    let document = markdown(source);
    let chunks = chunk(&document, &count, &Settings::default());
    (document, chunks)
}

fn prose(sentences: usize) -> String {
    (0..sentences)
        .map(|n| format!("Sentence number {n} tells the reader about the device and its parts. "))
        .collect()
}

#[test]
fn each_question_of_a_faq_is_its_own_passage() {
    let answer = prose(2);
    let (_, chunks) =
        cut(&format!("# FAQ\n\n## How do I return it?\n\n{answer}\n\n## Where is my order?\n\n{answer}\n"));
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[0].heading_path, ["FAQ", "How do I return it?"]);
    assert!(chunks[1].embed_text.starts_with("FAQ > Where is my order?\nSentence number 0"));
}

#[test]
fn long_text_breaks_between_sentences() {
    let (document, chunks) = cut(&format!("# Guide\n\n{}\n", prose(60)));
    assert!(chunks.len() > 2);
    for passage in &chunks {
        assert!(passage.text.starts_with("Sentence") && passage.text.ends_with('.'));
        assert_eq!(passage.text, document.text[passage.start..passage.end]);
        assert!(count(&passage.embed_text) <= 250);
    }
}

#[test]
fn a_long_table_repeats_its_header() {
    let rows: String =
        (0..80).map(|n| format!("| E-{n:04} | The part with number {n} is worn out |\n")).collect();
    let (document, chunks) = cut(&format!("# Codes\n\n| Code | Meaning |\n|---|---|\n{rows}"));
    assert!(chunks.len() > 2);
    for passage in &chunks {
        assert!(passage.text.starts_with("| Code | Meaning |\n| --- | --- |\n| E-"));
        assert!(passage.embed_text.starts_with("Codes\nCode | Meaning\nE-"), "{}", passage.embed_text);
        assert!(!passage.embed_text.contains("---"));
        assert!(passage.text.ends_with(&document.text[passage.start..passage.end]));
    }
    assert_eq!(chunks[0].lead_bytes(), 0);
    assert_eq!(chunks[1].lead_bytes(), "| Code | Meaning |\n| --- | --- |\n".len());
    for n in 0..80 {
        assert_eq!(chunks.iter().filter(|c| c.embed_text.contains(&format!("E-{n:04}"))).count(), 1);
    }
}

#[test]
fn a_list_keeps_its_lead_in() {
    let items: String =
        (0..40).map(|n| format!("- Step {n} asks you to press the button and wait\n")).collect();
    let (_, chunks) = cut(&format!("# Reset\n\nDo not hurry. To reset the device:\n\n{items}"));
    assert!(chunks.len() > 1);
    for passage in &chunks {
        assert!(passage.embed_text.contains("To reset the device:"), "{}", passage.embed_text);
    }
    assert!(chunks[1].text.starts_with("To reset the device:\n- Step"));
}

#[test]
fn a_short_list_is_not_torn_from_its_lead_in() {
    let items = "- Press the big button on the left side\n".repeat(8);
    let (_, chunks) = cut(&format!("# Reset\n\n{}\n\nTo reset the device:\n\n{items}", prose(10)));
    let with_lead = chunks.iter().find(|c| c.text.contains("To reset the device:")).unwrap();
    assert_eq!(with_lead.text.matches("Press").count(), 8);
}

#[test]
fn code_stays_whole_if_it_can() {
    let code: String = (0..12).map(|n| format!("frontdesk set option{n}\n")).collect();
    let (_, chunks) = cut(&format!("# Shell\n\n{}\n\n```sh\n{code}```\n", prose(10)));
    let with_code = chunks.iter().find(|c| c.text.contains("option0")).unwrap();
    assert!(with_code.text.contains("option11"));
    assert!(!with_code.embed_text.contains("```"));
}

#[test]
fn tiny_sections_are_joined_under_what_they_share() {
    let (document, chunks) =
        cut("# Glossary\n\n## Amp\n\nCurrent.\n\n## Volt\n\nTension.\n\n## Watt\n\nPower.\n");
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].heading_path, ["Glossary"]);
    assert_eq!(chunks[0].text, document.text["# Glossary\n\n".len()..]);
}

#[test]
fn a_heading_with_nothing_below_it_is_not_lost() {
    let (_, chunks) = cut("# Manual\n\n## Emergency number 112\n");
    assert_eq!(chunks.len(), 1);
    assert!(chunks[0].text.contains("Emergency number 112"));
    assert_eq!(chunks[0].heading_path, ["Manual"]);
}

#[test]
fn a_long_heading_path_leaves_room_for_the_text() {
    let long = "a very long heading that goes on and on ".repeat(6);
    let (_, chunks) = cut(&format!("# {long}\n\n## {long}\n\n### Last\n\n{}\n", prose(30)));
    assert!(chunks.iter().all(|c| count(&c.embed_text) <= 250 && c.embed_text.contains("Sentence")));
    assert!(chunks[0].embed_text.starts_with("Last\n"));
}

#[test]
fn the_sentence_before_is_embedded_when_asked_for() {
    let document = markdown(&format!("# Guide\n\n{}\n", prose(60)));
    let chunks = chunk(&document, &count, &Settings { overlap: true, ..Settings::default() });
    let last_sentence = chunks[0].text.rsplit(". ").next().unwrap();
    assert!(chunks[1].embed_text.contains(last_sentence));
    assert!(!chunks[1].text.contains(last_sentence));
}

#[test]
fn an_endless_word_is_cut_and_terminates() {
    let document = markdown(&"x".repeat(2 << 20));
    let chunks = chunk(&document, &count, &Settings::default());
    assert_eq!(chunks.iter().map(|c| c.end - c.start).sum::<usize>(), 2 << 20);
    assert!(chunks.iter().all(|c| count(&c.embed_text) <= 250));
}

fn check(document: &Extracted, chunks: &[Chunk], tokens_max: usize) -> Result<(), TestCaseError> {
    let mut end = 0;
    let mut covered = vec![false; document.text.len()];
    for passage in chunks {
        prop_assert!(
            passage.start >= end && passage.start < passage.end && passage.end <= document.text.len()
        );
        let slice = document.text.get(passage.start..passage.end);
        prop_assert!(slice.is_some_and(|slice| passage.text.ends_with(slice)));
        prop_assert!(
            count(&passage.embed_text) <= tokens_max,
            "{} tokens: {:?}",
            count(&passage.embed_text),
            passage
        );
        let hash = blake3::hash(passage.embed_text.as_bytes());
        prop_assert_eq!(hash.as_bytes(), &passage.hash);
        covered[passage.start..passage.end].fill(true);
        end = passage.end;
    }
    for block in document.blocks.iter().filter(|block| !matches!(block.kind, BlockKind::Heading { .. })) {
        for (at, character) in document.slice(block).char_indices() {
            prop_assert!(
                character.is_whitespace() || covered[block.start + at],
                "{:?} at {at} is in no passage",
                document.slice(block)
            );
        }
    }
    Ok(())
}

fn any_markdown() -> impl Strategy<Value = String> {
    let words =
        prop::collection::vec("[a-zA-Z0-9äß返品é😀.,:!|-]{1,12}", 1..60).prop_map(|words| words.join(" "));
    let block = (0..7_u8, words, any::<String>()).prop_map(|(kind, words, noise)| match kind {
        0 => format!("# {words}"),
        1 => format!("### {words}"),
        2 => format!("- {words}\n- {noise}\n  - {words}"),
        3 => format!("| {} | b |\n|---|---|\n| {words} | x |\n| y | {words} |", words.replace('|', "")),
        4 => format!("```\n{words}\n{noise}\n```"),
        5 => noise,
        _ => words,
    });
    prop::collection::vec(block, 1..12).prop_map(|blocks| blocks.join("\n\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn passages_cover_the_text_in_order_and_hold_the_limit(source in any_markdown(), target in 20_usize..200) {
        let Ok(document) = extract("a.md", None, source.as_bytes(), &Limits::default()) else { return Ok(()) };
        let settings = Settings { tokens_target: target, tokens_max: target + 50, ..Settings::default() };
        let chunks = chunk(&document, &count, &settings);
        check(&document, &chunks, target + 50)?;
        prop_assert_eq!(chunk(&document, &count, &settings), chunks);
    }

    #[test]
    fn a_code_is_never_cut(codes in prop::collection::vec("[A-Z]{1,3}-[0-9]{2,6}(-[A-Z])?", 1..300)) {
        let document = markdown(&codes.join(" "));
        let chunks = chunk(&document, &count, &Settings::default());
        let found: Vec<&str> = chunks.iter().flat_map(|passage| passage.text.split_whitespace()).collect();
        prop_assert_eq!(found, codes.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
