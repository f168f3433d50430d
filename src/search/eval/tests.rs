//! The evaluation on sets small enough to check by hand.

use std::path::Path;

use super::*;

fn write(folder: &Path, corpus: &str, queries: &str, qrels: &str) {
    for (name, text) in [("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels.tsv", qrels)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

const CORPUS: &str = r#"{"id":"a","title":"Invoices","text":"Download invoices from billing."}
{"id":"b","title":"Password","text":"Reset your password by mail."}
"#;
const QUERIES: &str = r#"{"id":"1","text":"where are my invoices"}
{"id":"2","text":"nobody judged this one"}
"#;
const QRELS: &str = "query_id\tdoc_id\trel\n1\ta\t1\n1\tb\t0\n";

fn embed(texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>, String> {
    let vector = |text: &&str| match text.to_lowercase() {
        text if text.contains("invoice") => Some(vec![1.0, 0.2]),
        text if text.is_empty() => None,
        _ => Some(vec![0.1, 3.0]),
    };
    Ok(texts.iter().map(vector).collect())
}

fn run(folder: &Path) -> Result<Report, Error> {
    evaluate(folder, &embed, Options::default(), None, &|_, _| {})
}

#[test]
fn a_set_that_both_lists_answer_scores_one_in_every_way() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), CORPUS, QUERIES, QRELS);
    let seen = std::cell::Cell::new((0, 0));
    let heard = |done, total| seen.set((done, total));
    let report = evaluate(folder.path(), &embed, Options::default(), None, &heard).unwrap();
    assert_eq!(seen.get(), (3, 3));
    for metrics in [report.semantic, report.keyword, report.hybrid, report.predecessor] {
        assert_eq!((metrics.ndcg_at_10, metrics.recall_at_10, metrics.mrr_at_10), (1.0, 1.0, 1.0));
    }
}

#[test]
fn a_document_without_words_is_found_by_nobody_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = format!("{CORPUS}{{\"id\":\"empty\",\"title\":\"\",\"text\":\"\"}}\n");
    write(folder.path(), &corpus, QUERIES, &format!("{QRELS}1\tempty\t1\n"));
    let report = run(folder.path()).unwrap();
    assert!((report.semantic.recall_at_10 - 0.5).abs() < 1e-6, "{report}");
    assert!((report.hybrid.recall_at_10 - 0.5).abs() < 1e-6, "{report}");
}

#[test]
fn the_report_is_one_object_per_way_and_an_aligned_table() {
    let report = Report::default();
    let json = serde_json::to_string(&report).unwrap();
    let one = r#"{"ndcg_at_10":0.0,"recall_at_10":0.0,"mrr_at_10":0.0}"#;
    assert_eq!(json, format!(r#"{{"semantic":{one},"keyword":{one},"hybrid":{one},"predecessor":{one}}}"#));
    let widths: Vec<usize> = report.to_string().lines().map(str::len).collect();
    assert_eq!(widths, [41; 5]);
}

#[test]
fn a_reranker_is_a_row_of_its_own_and_its_failure_ends_the_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), CORPUS, QUERIES, QRELS);
    let seen = std::cell::Cell::new((0, 0));
    let run = |order: Order<'_>| {
        let tried = Tried { name: "backwards", candidates: 2, order };
        let heard = |done, total| seen.set((done, total));
        evaluate(folder.path(), &embed, Options::default(), Some(tried), &heard)
    };
    let report = run(&|_, texts| Ok((0..texts.len()).rev().collect())).unwrap();
    assert_eq!(seen.get(), (4, 4));
    let reranked = report.reranked.clone().unwrap();
    assert_eq!((report.hybrid.mrr_at_10, reranked.metrics.mrr_at_10), (1.0, 0.5));
    assert!(report.to_string().contains("\nreranked: the 2 best of hybrid by backwards, "), "{report}");
    assert!(serde_json::to_string(&report).unwrap().contains(r#""reranked":{"reranker":"backwards""#));
    assert!(matches!(run(&|_, _| Err("down".to_owned())), Err(Error::Reranking(_))));
}

#[test]
fn a_fault_of_the_set_names_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(run(folder.path()), Err(Error::File { file, .. }) if file.ends_with("corpus.jsonl")));
    let cases = [
        (format!("{CORPUS}{{\"id\":"), QUERIES.to_owned(), QRELS.to_owned(), "corpus.jsonl", 3),
        (
            format!("{CORPUS}{{\"id\":\"a\",\"text\":\"\"}}\n"),
            QUERIES.to_owned(),
            QRELS.to_owned(),
            "corpus.jsonl",
            3,
        ),
        (CORPUS.to_owned(), format!("{QUERIES}nonsense\n"), QRELS.to_owned(), "queries.jsonl", 3),
        (CORPUS.to_owned(), QUERIES.to_owned(), format!("{QRELS}1\ta\n"), "qrels.tsv", 4),
        (CORPUS.to_owned(), QUERIES.to_owned(), format!("{QRELS}1\tmissing\t1\n"), "qrels.tsv", 4),
        (CORPUS.to_owned(), QUERIES.to_owned(), format!("{QRELS}9\ta\t1\n"), "qrels.tsv", 4),
        (CORPUS.to_owned(), QUERIES.to_owned(), format!("{QRELS}1\ta\tmuch\n"), "qrels.tsv", 4),
    ];
    for (corpus, queries, qrels, expected, at) in cases {
        write(folder.path(), &corpus, &queries, &qrels);
        let error = run(folder.path()).unwrap_err();
        let Error::Line { file, line, .. } = &error else { panic!("{error}") };
        assert!(file.ends_with(expected) && *line == at, "{error}");
    }
    write(folder.path(), CORPUS, QUERIES, "query_id\tdoc_id\trel\n1\ta\t0\n");
    assert!(matches!(run(folder.path()), Err(Error::Empty { .. })));
}

#[test]
fn an_embedder_that_miscounts_or_returns_no_direction_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), CORPUS, QUERIES, QRELS);
    let evaluate = |embed: Embed<'_>| evaluate(folder.path(), embed, Options::default(), None, &|_, _| {});
    assert!(matches!(evaluate(&|_| Ok(vec![Some(vec![1.0])])), Err(Error::Embedding(_))));
    assert!(matches!(
        evaluate(&|texts| Ok(vec![Some(vec![0.0, 0.0]); texts.len()])),
        Err(Error::Embedding(_))
    ));
    assert!(matches!(
        evaluate(&|texts| Ok(vec![Some(vec![f32::NAN]); texts.len()])),
        Err(Error::Embedding(_))
    ));
    assert!(matches!(evaluate(&|_| Err("out of memory".to_owned())), Err(Error::Embedding(_))));
    let lengths = |texts: &[&str]| Ok(texts.iter().map(|text| Some(vec![1.0; 1 + text.len() % 2])).collect());
    assert!(matches!(evaluate(&lengths), Err(Error::Embedding(_))));
}
