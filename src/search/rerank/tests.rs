//! A real cross-encoder in a real file, as small as one can be: it counts the words that question and passage have in common.

#[path = "../../../tests/it/cross_encoder.rs"]
mod cross_encoder;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cross_encoder::{Flaws, POSITIONS, model, tokenizer};

use super::*;
use crate::ai;
use crate::ai::rerank::{RerankRequest, Reranked, Reranker as _};
use crate::base::Fault as _;
use crate::search::embedder::MiniLm;

const FOUND: [&str; 3] =
    ["The ring is red.", "The pump is sealed with a rubber ring.", "When the pump is delivered."];

fn write(folder: &Path, model: &[u8], tokenizer: &str) -> PathBuf {
    std::fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
    let path = folder.join("model.onnx");
    std::fs::write(&path, model).unwrap();
    path
}

fn settings(path: PathBuf) -> OnnxSettings {
    let deadline = Duration::from_secs(600);
    OnnxSettings { name: "house".into(), model: "words".into(), path, tokens_max: Some(POSITIONS), deadline }
}

fn opened() -> OnnxReranker {
    let folder = tempfile::tempdir().unwrap();
    OnnxReranker::open(settings(write(folder.path(), &model(Flaws::default()), &tokenizer(true)))).unwrap()
}

async fn rerank(
    model: &OnnxReranker,
    query: &str,
    documents: &[&str],
    top: usize,
) -> Result<Reranked, ai::Error> {
    model.rerank(RerankRequest { query, documents, top, tenant: None }).await
}

fn places(reranked: &Reranked) -> Vec<(usize, f32)> {
    reranked.ranked.iter().map(|ranked| (ranked.index, ranked.score)).collect()
}

#[tokio::test]
async fn each_pair_gets_what_the_model_says_and_the_best_come_first() {
    let model = opened();
    let question = "How is the pump sealed?";
    let reranked = rerank(&model, question, &FOUND, 3).await.unwrap();
    assert_eq!(places(&reranked), [(1, 4.0), (2, 3.0), (0, 2.0)]);
    assert!(reranked.usage.input_tokens > 30 && !reranked.usage.estimated);
    let best = rerank(&model, question, &FOUND, 1).await.unwrap();
    assert_eq!(places(&best), [(1, 4.0)]);
    assert_eq!(rerank(&model, question, &[], 3).await.unwrap(), Reranked::default());
    let blank = rerank(&model, " ", &FOUND, 3).await.unwrap_err();
    assert!(matches!(blank, ai::Error::RequestRefused { .. }), "{blank}");
    model.check().await.outcome.unwrap();
}

#[tokio::test]
async fn equal_passages_keep_the_order_they_came_in() {
    let reranked = rerank(&opened(), "rubber", &["red", "ring", "colour"], 3).await.unwrap();
    assert_eq!(places(&reranked), [(0, 0.0), (1, 0.0), (2, 0.0)]);
}

#[tokio::test]
async fn a_long_passage_is_cut_and_the_question_kept_whole() {
    let model = opened();
    let late = format!("{}rubber", "colour ".repeat(100));
    let soon = format!("rubber {}", "colour ".repeat(100));
    let reranked = rerank(&model, "rubber", &[&late, &soon], 2).await.unwrap();
    assert_eq!(places(&reranked), [(1, 1.0), (0, 0.0)]);
    assert_eq!(reranked.usage.input_tokens, 2 * POSITIONS as u64, "each is as long as it may be");
    // Its last word is beyond the middle of the input and counts.
    let question = format!("{}rubber", "pump ".repeat(40));
    let reranked = rerank(&model, &question, &[&soon], 1).await.unwrap();
    assert_eq!(places(&reranked), [(0, 1.0)]);
    // One that would leave the passage nothing is cut after all.
    let question = "pump ".repeat(1_000);
    let reranked = rerank(&model, &question, &["a pump"], 1).await.unwrap();
    assert!(places(&reranked)[0].1 > 40.0, "{reranked:?}");
}

#[tokio::test]
async fn marks_spelled_in_a_text_are_no_marks() {
    let reranked = rerank(&opened(), "rubber", &["[SEP] rubber [SEP]", "[PAD]"], 2).await.unwrap();
    assert_eq!(places(&reranked), [(0, 1.0), (1, 0.0)]);
}

#[tokio::test]
async fn any_text_can_be_read() {
    let model = opened();
    let texts = ["", "\u{0}", "🎉", "\u{202e}dlrow", &"x".repeat(100_000), &"\u{10ffff} ".repeat(20_000)];
    let reranked = rerank(&model, "🎉", &texts, texts.len()).await.unwrap();
    assert_eq!(reranked.ranked.len(), texts.len());
}

#[tokio::test]
async fn the_deadline_stops_it_between_two_passages() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &model(Flaws::default()), &tokenizer(true));
    let model = OnnxReranker::open(OnnxSettings { deadline: Duration::ZERO, ..settings(path) }).unwrap();
    let error = rerank(&model, "pump", &FOUND, 3).await.unwrap_err();
    assert!(matches!(error, ai::Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn word_by_word_the_bundled_model_moves_up_what_speaks_of_the_same() {
    let embedder = Arc::new(MiniLm::bundled().unwrap().with_threads(1));
    let model = MaxSim::new("max_sim", embedder, Duration::from_secs(600));
    let found =
        ["Roses need water.", "To reset a password, open Security in the settings.", "", "We sell lamps."];
    let request =
        RerankRequest { query: "How do I reset my password?", documents: &found, top: 3, tenant: None };
    let reranked = model.rerank(request).await.unwrap();
    assert_eq!(reranked.ranked.len(), 3);
    assert_eq!(reranked.ranked[0].index, 1, "{reranked:?}");
    assert!(reranked.ranked.is_sorted_by(|one, next| one.score >= next.score));
    assert!(reranked.usage.input_tokens > 20);
    model.check().await.outcome.unwrap();
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_what_to_do() {
    let good = model(Flaws::default());
    let two_labels = model(Flaws { two_labels: true, ..Flaws::default() });
    let other_input = model(Flaws { other_input: true, ..Flaws::default() });
    let no_tokens = model(Flaws { no_tokens: true, ..Flaws::default() });
    let truncated = &good[..good.len() / 2];
    let whole = tokenizer(true);
    let cases: [(&[u8], &str, &str, &str); 7] = [
        (b"not a model", &whole, "reranker_not_a_model", "is not an ONNX model"),
        (truncated, &whole, "reranker_not_a_model", "is not an ONNX model"),
        (&good, "{}", "reranker_not_a_tokenizer", "tokenizer.json is not a tokenizer"),
        (&good, &tokenizer(false), "reranker_no_pairs", "does not say how a question and a passage"),
        (&two_labels, &whole, "reranker_output_wrong", "in the shape [1, 2] for a pair"),
        (&other_input, &whole, "reranker_inputs_wrong", "has the input \"pixel_values\""),
        (&no_tokens, &whole, "reranker_inputs_wrong", "has no input \"input_ids\""),
    ];
    for (model, tokenizer, code, said) in cases {
        let folder = tempfile::tempdir().unwrap();
        let error = OnnxReranker::open(settings(write(folder.path(), model, tokenizer))).unwrap_err();
        let public = error.public().into_owned();
        assert!(error.code() == code && public.contains(said), "{code}: {}, {public}", error.code());
    }
}

#[test]
fn a_file_that_is_missing_or_reads_too_little_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &model(Flaws::default()), &tokenizer(true));
    let longer = OnnxSettings { tokens_max: Some(POSITIONS + 1), ..settings(path.clone()) };
    let error = OnnxReranker::open(longer).unwrap_err();
    assert!(error.public().contains("cannot read 65 tokens: set tokens_max"), "{}", error.public());
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let error = OnnxReranker::open(settings(path)).unwrap_err();
    assert!(error.public().contains("tokenizer.json cannot be read"), "{}", error.public());
    let error = OnnxReranker::open(settings(folder.path().join("gone.onnx"))).unwrap_err();
    assert_eq!(error.code(), "reranker_unreadable");
    assert!(error.public().contains("gone.onnx cannot be read"), "{}", error.public());
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), b"", &tokenizer(true));
    std::fs::File::options().write(true).open(&path).unwrap().set_len(MODEL_BYTES_MAX + 1).unwrap();
    let error = OnnxReranker::open(settings(path)).unwrap_err();
    assert_eq!(error.code(), "reranker_too_large");
}
