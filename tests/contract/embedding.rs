//! What is sent to those who embed, and what becomes of their vectors.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontdesk::ai::embedding::{
    Embedded, Embedder, EmbeddingFailed, EmbeddingRequest, InputType, RemoteEmbedder,
};
use frontdesk::ai::{Error, Usage};
use frontdesk::base::Fault;
use serde_json::{Value, json};

use crate::description::{Schema, example};
use crate::lists::Desk;
use crate::vendor::{Reply, Vendor, outbound};

const BOTH: [Desk; 2] = [Desk::VoyageEmbedding, Desk::OpenAiEmbedding];

fn embedder(desk: Desk, vendor: &Vendor, more: &Value) -> RemoteEmbedder {
    let settings = desk.settings(vendor, more);
    let outbound = outbound(&[&vendor.address()]);
    if desk == Desk::VoyageEmbedding {
        RemoteEmbedder::voyage(serde_json::from_value(settings).unwrap(), outbound).unwrap()
    } else {
        RemoteEmbedder::openai_compatible(serde_json::from_value(settings).unwrap(), outbound).unwrap()
    }
}

async fn embed(
    model: &RemoteEmbedder,
    texts: &[&str],
    input_type: InputType,
) -> Result<Embedded, EmbeddingFailed> {
    model.embed(EmbeddingRequest { texts, input_type, tenant: None }).await
}

fn answer(vectors: &[(usize, Value)]) -> Value {
    let data: Value = vectors
        .iter()
        .map(|(index, embedding)| json!({"object": "embedding", "index": index, "embedding": embedding}))
        .collect();
    json!({
        "object": "list", "model": "house-1", "data": data,
        "usage": {"prompt_tokens": 3 * vectors.len(), "total_tokens": 3 * vectors.len()},
    })
}

fn reply(vectors: &[(usize, Value)]) -> Reply {
    Reply::json(200, &[], &answer(vectors))
}

fn base64(numbers: [f32; 2]) -> Value {
    BASE64_STANDARD.encode(numbers.map(f32::to_le_bytes).concat()).into()
}

fn told(tokens: u64) -> Usage {
    Usage { input_tokens: tokens, ..Usage::default() }
}

#[test]
fn the_answers_played_are_what_the_vendor_describes() {
    let Some(schema) = Schema::load("openai.yaml", "CreateEmbeddingResponse") else { return };
    let played = answer(&[(0, json!([0.6, 0.8])), (1, base64([1.0, 0.0]))]);
    assert_eq!(schema.violations(&played), Vec::<String>::new());
}

#[tokio::test]
async fn the_vendors_own_examples_are_understood() {
    for (desk, file, pointer) in [
        (
            Desk::OpenAiEmbedding,
            "openai.yaml",
            "~1v1~1embeddings/post/responses/200/content/application~1json/examples/float/value",
        ),
        (
            Desk::OpenAiEmbedding,
            "openai.yaml",
            "~1v1~1embeddings/post/responses/200/content/application~1json/examples/base64/value",
        ),
        (
            Desk::VoyageEmbedding,
            "voyage.yaml",
            "~1v1~1embeddings/post/responses/200/content/application~1json/example",
        ),
    ] {
        let Some(body) = example(file, &format!("/{pointer}")) else { return };
        let vendor = desk.vendor([Reply::json(200, &[], &body)]).await;
        let model = embedder(desk, &vendor, &json!({}));
        assert_eq!(model.dimensions(), None);
        let embedded = embed(&model, &["x"], InputType::Query).await.unwrap();
        let expected = [0.1_f32, -0.2, 0.3].map(|number| number / 0.14_f32.sqrt());
        for (number, expected) in embedded.vectors[0].iter().zip(expected) {
            assert!((number - expected).abs() < 1e-6, "{file} {:?}", embedded.vectors);
        }
        assert_eq!((embedded.usage, model.dimensions()), (told(3), Some(3)), "{file}");
    }
}

#[tokio::test]
async fn voyage_is_told_what_the_text_is_and_how_long_the_vector_shall_be() {
    let vendor = Desk::VoyageEmbedding
        .vendor([reply(&[(0, base64([3.0, 4.0]))]), reply(&[(0, base64([3.0, 4.0]))])])
        .await;
    let model = embedder(Desk::VoyageEmbedding, &vendor, &json!({"api_key": "sk-hunter2", "dimensions": 2}));
    let embedded = embed(&model, &["How long?"], InputType::Query).await.unwrap();
    assert_eq!(embedded, Embedded { vectors: vec![vec![0.6, 0.8]], usage: told(3) });
    embed(&model, &["Two years."], InputType::Passage).await.unwrap();
    let seen = vendor.seen();
    assert_eq!(seen[0].path, "/v1/embeddings");
    assert_eq!(seen[0].headers["authorization"], "Bearer sk-hunter2");
    assert_eq!(
        seen[0].body,
        json!({
            "model": "house-1", "input": ["How long?"], "input_type": "query", "output_dimension": 2,
            "encoding_format": "base64",
        })
    );
    assert_eq!(seen[1].body["input_type"], "document");
    assert_eq!((model.name(), model.model(), model.model_id()), ("house", "house-1", "voyage:house-1@2"));
}

#[tokio::test]
async fn a_compatible_server_gets_the_words_that_its_model_was_trained_with_and_nothing_it_may_not_know() {
    let desk = Desk::OpenAiEmbedding;
    let vendor = desk.vendor([reply(&[(0, json!([0, 1]))]), reply(&[(0, json!([0, 1]))])]).await;
    let model = embedder(desk, &vendor, &json!({"query_prefix": "query: ", "passage_prefix": "passage: "}));
    embed(&model, &["How long?"], InputType::Query).await.unwrap();
    embed(&model, &["Two years."], InputType::Passage).await.unwrap();
    let seen = vendor.seen();
    assert!(!seen[0].headers.contains_key("authorization"));
    let expected = json!({"model": "house-1", "input": ["query: How long?"], "encoding_format": "base64"});
    assert_eq!(seen[0].body, expected);
    assert_eq!(seen[1].body["input"], json!(["passage: Two years."]));
    assert_eq!(model.model_id(), "openai:house-1+passage: ");
    let vendor = desk.vendor([reply(&[(0, json!([0, 1]))])]).await;
    let model = embedder(desk, &vendor, &json!({"dimensions": 2, "query_prefix": "query: "}));
    embed(&model, &["x"], InputType::Passage).await.unwrap();
    assert_eq!((&vendor.seen()[0].body["dimensions"], model.model_id()), (&json!(2), "openai:house-1@2"));
}

#[tokio::test]
async fn many_texts_go_out_in_batches_and_each_gets_its_own_vector() {
    for desk in BOTH {
        let (east, north, west) = (json!([1, 0]), base64([0.0, 2.0]), json!([-3, 0]));
        let vendor = desk
            .vendor([
                reply(&[(1, north.clone()), (0, east.clone())]),
                reply(&[(0, west.clone())]),
                reply(&[(1, west), (0, north)]),
            ])
            .await;
        let batches = json!({"batches": {"texts_max": 2, "bytes_max": 20}});
        let texts = ["east", "north", "a long way to the w", "north", "west"];
        let embedded = embed(&embedder(desk, &vendor, &batches), &texts, InputType::Passage).await.unwrap();
        assert_eq!(embedded.vectors, [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]);
        assert_eq!(embedded.usage, told(15));
        let sent: Vec<_> = vendor.seen().into_iter().map(|seen| seen.body["input"].clone()).collect();
        assert_eq!(sent, [json!(texts[..2]), json!(texts[2..3]), json!(texts[3..])]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_embedded_and_spent_before_a_failure_is_not_lost() {
    for desk in BOTH {
        let down = || Reply::json(503, &[], &json!({}));
        let vendor = desk.vendor([reply(&[(0, json!([1, 0]))]), down(), down(), down()]).await;
        let model = embedder(desk, &vendor, &json!({"batches": {"texts_max": 1}}));
        let failed = embed(&model, &["one", "two"], InputType::Passage).await.unwrap_err();
        assert_eq!(*failed.done, Embedded { vectors: vec![vec![1.0, 0.0]], usage: told(3) });
        assert_eq!(Error::from(failed).code(), "model_failed");

        // Its answer cannot be used, and is charged all the same.
        let vendor = desk.vendor([reply(&[(0, json!([1, 0]))]), reply(&[(0, json!([1, 0, 0]))])]).await;
        let model = embedder(desk, &vendor, &json!({"batches": {"texts_max": 1}}));
        let failed = embed(&model, &["one", "two"], InputType::Passage).await.unwrap_err();
        assert_eq!(*failed.done, Embedded { vectors: vec![vec![1.0, 0.0]], usage: told(6) });
        assert!(failed.error.to_string().contains("3 numbers where 2 are wanted"), "{}", failed.error);
    }
}

#[tokio::test]
async fn a_vector_of_another_size_than_the_settings_say_is_refused() {
    for desk in BOTH {
        let vendor = desk.vendor([reply(&[(0, json!([1, 0]))])]).await;
        let model = embedder(desk, &vendor, &json!({"dimensions": 256}));
        let failed = embed(&model, &["x"], InputType::Passage).await.unwrap_err();
        assert_eq!((failed.error.code(), model.dimensions()), ("model_malformed", Some(256)));
        assert!(failed.error.to_string().contains("2 numbers where 256 are wanted"));
        let vendor = desk.vendor([reply(&[(0, base64([f32::NAN, 0.0]))])]).await;
        let model = embedder(desk, &vendor, &json!({}));
        let failed = embed(&model, &["x"], InputType::Passage).await.unwrap_err();
        assert_eq!((failed.error.code(), model.dimensions()), ("model_malformed", None));
    }
}

#[tokio::test]
async fn usage_that_is_not_told_is_guessed_and_says_so() {
    for desk in BOTH {
        let mut body = answer(&[(0, json!([1, 0]))]);
        body.as_object_mut().unwrap().remove("usage");
        let vendor = desk.vendor([Reply::json(200, &[], &body)]).await;
        let embedded = embed(&embedder(desk, &vendor, &json!({})), &["12345"], InputType::Query).await;
        assert_eq!(embedded.unwrap().usage, Usage::estimate(5, 0));
    }
}

#[tokio::test]
async fn what_cannot_be_embedded_is_not_sent() {
    for desk in BOTH {
        let vendor = desk.vendor([]).await;
        let model = embedder(desk, &vendor, &json!({"batches": {"bytes_max": 10}}));
        assert_eq!(embed(&model, &[], InputType::Passage).await.unwrap(), Embedded::default());
        let blank = embed(&model, &["x", " \n"], InputType::Passage).await.unwrap_err();
        assert_eq!(blank.error.code(), "model_request_refused");
        let long = embed(&model, &["x", "12345678901"], InputType::Passage).await.unwrap_err();
        assert_eq!(long.error.code(), "model_context_too_long");
        assert!(vendor.seen().is_empty());
    }
}

#[tokio::test]
async fn too_many_tokens_are_told_from_other_wrong_requests() {
    for (desk, body) in [
        (Desk::VoyageEmbedding, json!({"detail": "The max allowed tokens per submitted batch is 120000."})),
        (
            Desk::OpenAiEmbedding,
            json!({"error": {"type": "invalid_request_error", "code": null, "param": null,
            "message": "This model's maximum context length is 8192 tokens."}}),
        ),
    ] {
        let vendor = desk.vendor([Reply::json(400, &[], &body)]).await;
        let failed =
            embed(&embedder(desk, &vendor, &json!({})), &["x"], InputType::Passage).await.unwrap_err();
        assert_eq!(failed.error.code(), "model_context_too_long", "{desk:?}");
    }
}
