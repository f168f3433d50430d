//! The bundled model does what it is bundled for: near its f32 original, the same every time, safe with any text.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::MiniLm;
use crate::search::Error;

static MODEL: LazyLock<MiniLm> = LazyLock::new(|| MiniLm::bundled().unwrap().with_threads(2));

#[derive(serde::Deserialize)]
struct Reference {
    text: String,
    /// With the two marks, cut at 256.
    tokens: usize,
    /// The f32 vector as little-endian i16, one being 32767, in base64 (`packaging/models/convert.py`).
    reference: String,
}

impl Reference {
    fn vector(&self) -> Vec<f32> {
        let bytes = STANDARD.decode(&self.reference).unwrap();
        bytes
            .chunks_exact(2)
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32767.0)
            .collect()
    }
}

fn references() -> Vec<Reference> {
    let lines = include_str!("../../../tests/data/embedding/references.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn embed(text: &str) -> Vec<f32> {
    MODEL.embed(text).unwrap()
}

#[test]
fn every_vector_is_close_to_the_one_of_the_f32_model() {
    let references = references();
    let cosines: Vec<f32> = references.iter().map(|r| cosine(&embed(&r.text), &r.vector())).collect();
    for (reference, cosine) in references.iter().zip(&cosines) {
        assert!(*cosine >= 0.98, "{cosine} for {:?}", reference.text);
    }
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    let least = cosines.iter().copied().fold(1.0, f32::min);
    assert!(mean >= 0.99, "mean {mean}, least {least}");
}

#[test]
fn tokens_are_counted_as_the_original_tokenizer_counts_them() {
    for reference in references() {
        let count = MODEL.token_count(&reference.text);
        assert_eq!(count.min(MiniLm::TEXT_TOKENS_MAX) + 2, reference.tokens, "{:?}", reference.text);
    }
}

#[test]
fn vectors_have_length_one_and_the_promised_dimensions() {
    for text in ["hello", "How do I reset my password?", "a\u{301}", "🎉"] {
        let vector = embed(text);
        assert_eq!(vector.len(), MODEL.dimensions());
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5, "{text}");
    }
}

#[test]
fn the_same_text_gives_the_same_vector_alone_among_others_and_on_any_number_of_threads() {
    let text = "Where can I download my invoices?";
    let alone = embed(text);
    let among = MODEL.embed_passages(&["The widget does not load.", text, "42"]).unwrap();
    let one_thread = MiniLm::bundled().unwrap().with_threads(1);
    assert_eq!(alone, embed(text));
    assert_eq!(alone, among[1]);
    assert_eq!(alone, one_thread.embed_query(text).unwrap());
}

#[test]
fn passages_come_back_in_their_order() {
    let texts: Vec<String> = (0..20).map(|n| format!("Article {n} of the manual")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = MODEL.embed_passages(&texts).unwrap();
    let apart: Vec<_> = texts.iter().map(|text| embed(text)).collect();
    assert_eq!(together, apart);
    assert!(MODEL.embed_passages(&[]).unwrap().is_empty());
}

#[test]
fn alike_sentences_are_closer_than_unlike_ones() {
    let alike = [
        ("How do I reset my password?", "I forgot my password and cannot sign in."),
        ("Can I get my money back?", "What is your refund policy?"),
        ("When will my parcel arrive?", "How long does delivery take?"),
    ];
    for (index, (question, paraphrase)) in alike.iter().enumerate() {
        let question_vector = embed(question);
        let near = cosine(&question_vector, &embed(paraphrase));
        for (_, other) in alike.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, pair)| pair) {
            assert!(near > cosine(&question_vector, &embed(other)), "{question} / {paraphrase} / {other}");
        }
    }
}

#[test]
fn what_is_beyond_the_limit_of_tokens_does_not_count() {
    let limit = vec!["word"; MiniLm::TEXT_TOKENS_MAX].join(" ");
    assert_eq!(MODEL.token_count(&limit), MiniLm::TEXT_TOKENS_MAX);
    assert_eq!(embed(&limit), embed(&format!("{limit} refund policy")));
    assert_ne!(embed(&limit), embed(&limit.replacen("word", "refund", 1)));
    assert_eq!(embed(&limit), embed(&[limit.as_str(); 2_000].join(" ")));
}

#[test]
fn a_text_without_words_is_refused() {
    for text in ["", " ", "\n\t\r\n", "\u{0}\u{7f}", "\u{a0}\u{3000}"] {
        assert!(matches!(MODEL.embed(text), Err(Error::TextEmpty)), "{text:?}");
        assert_eq!(MODEL.token_count(text), 0, "{text:?}");
    }
    assert!(matches!(MODEL.embed_passages(&["fine", " "]), Err(Error::TextEmpty)));
    let sentences = MODEL.embed_sentences(&["fine", " "]).unwrap();
    assert_eq!(sentences, [Some(embed("fine")), None]);
}

#[test]
fn marks_spelled_in_a_text_are_only_letters() {
    assert!(MODEL.token_count("[SEP]") > 1);
}

#[test]
fn any_text_can_be_embedded() {
    let long_word = "x".repeat(100_000);
    let zalgo = format!("a{}", "\u{301}".repeat(5_000));
    let wide = "\u{10ffff}\u{fffd}\u{fdfa}".repeat(10_000);
    for text in [long_word.as_str(), &zalgo, &wide, "\u{202e}dlrow", "👩‍👩‍👧‍👦", "𝕳𝖊𝖑𝖑𝖔", "ﷺ", "¿"]
    {
        let vector = embed(text);
        assert!(vector.iter().all(|x| x.is_finite()));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn no_text_breaks_the_embedder(text in "\\PC{0,400}") {
        match MODEL.embed(&text) {
            Ok(vector) => assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5),
            Err(fault) => assert!(matches!(fault, Error::TextEmpty), "{fault}"),
        }
    }
}
