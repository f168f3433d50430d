//! What is sent to those who rerank, and what becomes of their order.

use frontdesk::ai::rerank::{
    DOCUMENTS_MAX, REQUEST_BYTES_MAX, Ranked, RemoteReranker, RerankRequest, Reranked, Reranker,
};
use frontdesk::ai::{Error, Usage};
use frontdesk::base::Fault;
use serde_json::{Value, json};

use crate::description::{Schema, example};
use crate::lists::Desk;
use crate::vendor::{Reply, Vendor, outbound};

const ALL: [Desk; 4] = [Desk::CohereRerank, Desk::VoyageRerank, Desk::HttpRerank, Desk::TextsRerank];
const FOUND: [&str; 3] = ["No cash.", "Two years.", "Open on Mondays."];

fn reranker(desk: Desk, vendor: &Vendor, more: &Value) -> RemoteReranker {
    fn read<T: serde::de::DeserializeOwned>(settings: Value) -> T {
        serde_json::from_value(settings).unwrap()
    }
    let settings = desk.settings(vendor, more);
    let outbound = outbound(&[&vendor.address()]);
    match desk {
        Desk::CohereRerank => RemoteReranker::cohere(read(settings), outbound),
        Desk::VoyageRerank => RemoteReranker::voyage(read(settings), outbound),
        _ => RemoteReranker::http(read(settings), outbound),
    }
    .unwrap()
}

async fn rerank(model: &RemoteReranker, documents: &[&str], top: usize) -> Result<Reranked, Error> {
    model.rerank(RerankRequest { query: "How long?", documents, top, tenant: None }).await
}

fn answer(desk: Desk, places: &[(usize, f32)]) -> Value {
    let score = if desk == Desk::TextsRerank { "score" } else { "relevance_score" };
    let list: Value = places.iter().map(|(index, value)| json!({"index": index, score: value})).collect();
    match desk {
        Desk::CohereRerank => json!({"results": list, "meta": {"billed_units": {"search_units": 1}}}),
        Desk::VoyageRerank => json!({"object": "list", "data": list, "usage": {"total_tokens": 9}}),
        Desk::TextsRerank => list,
        _ => json!({"model": "house-1", "results": list, "usage": {"total_tokens": 9, "prompt_tokens": 9}}),
    }
}

fn indexes(reranked: &Reranked) -> Vec<usize> {
    reranked.ranked.iter().map(|ranked| ranked.index).collect()
}

#[test]
fn the_answers_played_are_what_the_vendor_describes() {
    let Some(schema) = Schema::load("cohere.yaml", "RerankResponse") else { return };
    let played = answer(Desk::CohereRerank, &[(1, 0.5), (0, 0.25)]);
    assert_eq!(schema.violations(&played), Vec::<String>::new());
}

#[tokio::test]
async fn the_vendors_own_examples_are_understood() {
    for (desk, file, path, second, search_units) in [
        (Desk::CohereRerank, "cohere.yaml", "~1v2~1rerank", 0.03, Some(1)),
        (Desk::VoyageRerank, "voyage.yaml", "~1v1~1rerank", 0.12, None),
    ] {
        let pointer = format!("/{path}/post/responses/200/content/application~1json/example");
        let Some(body) = example(file, &pointer) else { return };
        let vendor = desk.vendor([Reply::json(200, &[], &body)]).await;
        let reranked = rerank(&reranker(desk, &vendor, &json!({})), &FOUND[..2], 2).await.unwrap();
        assert_eq!(indexes(&reranked), [1, 0]);
        assert_eq!(reranked.ranked[1], Ranked { index: 0, score: second });
        assert_eq!((reranked.search_units, reranked.usage.estimated), (search_units, search_units.is_some()));
    }
}

#[tokio::test]
async fn each_vendor_gets_the_question_the_documents_and_how_many_are_wanted_in_its_own_words() {
    let base = json!({"model": "house-1", "query": "How long?"});
    for (desk, path, fields) in [
        (Desk::CohereRerank, "/v2/rerank", json!({"documents": FOUND, "top_n": 2})),
        (Desk::VoyageRerank, "/v1/rerank", json!({"documents": FOUND, "top_k": 2})),
        (Desk::HttpRerank, "/v1/rerank", json!({"documents": FOUND, "top_n": 2})),
        (Desk::TextsRerank, "/rerank", json!({"texts": FOUND, "truncate": true})),
    ] {
        let vendor = desk.vendor([Reply::json(200, &[], &answer(desk, &[(1, 0.75), (0, 0.5)]))]).await;
        let model = reranker(desk, &vendor, &json!({"api_key": "sk-hunter2"}));
        let reranked = rerank(&model, &FOUND, 2).await.unwrap();
        let expected = [Ranked { index: 1, score: 0.75 }, Ranked { index: 0, score: 0.5 }];
        assert_eq!(reranked.ranked, expected, "{desk:?}");
        let seen = vendor.seen().pop().unwrap();
        let mut body = base.clone();
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!((seen.path.as_str(), &seen.body), (path, &body), "{desk:?}");
        assert_eq!(seen.headers["authorization"], "Bearer sk-hunter2");
        assert_eq!((model.name(), model.model()), ("house", "house-1"));
    }
}

#[tokio::test]
async fn documents_leave_best_first_whatever_order_they_came_in() {
    for desk in ALL {
        let places = [(0, -1.5), (2, 0.25), (1, 7.5)];
        for (top, expected) in [(3, &[1, 2, 0][..]), (9, &[1, 2, 0]), (1, &[1])] {
            let vendor = desk.vendor([Reply::json(200, &[], &answer(desk, &places))]).await;
            let reranked = rerank(&reranker(desk, &vendor, &json!({})), &FOUND, top).await.unwrap();
            assert_eq!(indexes(&reranked), expected, "{desk:?} {top}");
        }
    }
}

#[tokio::test]
async fn what_is_charged_is_told_by_tokens_or_by_searches_or_guessed() {
    let input_bytes = "How long?".len() + FOUND.concat().len();
    let told = Usage { input_tokens: 9, ..Usage::default() };
    for (desk, usage, search_units) in [
        (Desk::CohereRerank, Usage::estimate(input_bytes, 0), Some(1)),
        (Desk::VoyageRerank, told, None),
        (Desk::HttpRerank, told, None),
        (Desk::TextsRerank, Usage::estimate(input_bytes, 0), None),
    ] {
        let body = answer(desk, &[(0, 0.5), (1, 0.5), (2, 0.5)]);
        let vendor = desk.vendor([Reply::json(200, &[], &body)]).await;
        let reranked = rerank(&reranker(desk, &vendor, &json!({})), &FOUND, 3).await.unwrap();
        assert_eq!((reranked.usage, reranked.search_units), (usage, search_units), "{desk:?}");
    }
}

#[tokio::test]
async fn a_server_with_one_model_is_not_told_which() {
    let desk = Desk::HttpRerank;
    let vendor = desk.vendor([Reply::json(200, &[], &answer(desk, &[(0, 0.5)]))]).await;
    let model = reranker(desk, &vendor, &json!({"model": null}));
    rerank(&model, &FOUND[..1], 1).await.unwrap();
    let seen = vendor.seen().pop().unwrap();
    assert_eq!((seen.body.get("model"), model.model()), (None, "default"));
    assert!(!seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn what_cannot_be_ranked_is_not_sent() {
    for desk in ALL {
        let vendor = desk.vendor([]).await;
        let model = reranker(desk, &vendor, &json!({}));
        assert_eq!(rerank(&model, &[], 5).await.unwrap(), Reranked::default());
        assert_eq!(rerank(&model, &FOUND, 0).await.unwrap(), Reranked::default());
        let blank = RerankRequest { query: " ", documents: &FOUND, top: 3, tenant: None };
        assert_eq!(model.rerank(blank).await.unwrap_err().code(), "model_request_refused");
        let many = vec!["x"; DOCUMENTS_MAX + 1];
        assert_eq!(rerank(&model, &many, 3).await.unwrap_err().code(), "model_request_refused");
        let long = "x".repeat(REQUEST_BYTES_MAX);
        assert_eq!(rerank(&model, &[&long], 1).await.unwrap_err().code(), "model_context_too_long");
        assert!(vendor.seen().is_empty());
    }
}

#[tokio::test]
async fn what_only_cohere_says_means_something_else_elsewhere() {
    for (desk, status, code, retryable) in [
        (Desk::CohereRerank, 498, "model_filtered", false),
        (Desk::CohereRerank, 499, "model_failed", true),
        (Desk::HttpRerank, 498, "model_request_refused", false),
    ] {
        let vendor = desk.vendor([Reply::json(status, &[], &json!({"message": "blocked token"}))]).await;
        let error = rerank(&reranker(desk, &vendor, &json!({})), &FOUND, 3).await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{desk:?} {status}");
        assert!(error.to_string().contains("blocked token"));
    }
}
