//! What is asked of every server that answers a list with a list, whether it embeds or reranks.

use std::sync::Arc;

use frontdesk::ai::embedding::{Embedder, EmbeddingRequest, InputType, RemoteEmbedder};
use frontdesk::ai::rerank::{RemoteReranker, RerankRequest, Reranker};
use frontdesk::ai::{Checked, Error};
use frontdesk::base::{Fault, Kind};
use frontdesk::outbound::Outbound;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::vendor::{Reply, Then, Vendor, outbound};

/// Who embeds or reranks, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Desk {
    VoyageEmbedding,
    OpenAiEmbedding,
    CohereRerank,
    VoyageRerank,
    HttpRerank,
    TextsRerank,
}

pub(crate) const EVERY_DESK: [Desk; 6] = [
    Desk::VoyageEmbedding,
    Desk::OpenAiEmbedding,
    Desk::CohereRerank,
    Desk::VoyageRerank,
    Desk::HttpRerank,
    Desk::TextsRerank,
];

enum Model {
    Embedder(Arc<dyn Embedder>),
    Reranker(Arc<dyn Reranker>),
}

impl Model {
    /// Asks about two texts.
    async fn ask(&self) -> Result<(), Error> {
        let (texts, tenant) = (&["two years", "no cash"], Some("tnt_1".to_owned()));
        match self {
            Self::Embedder(model) => {
                let request = EmbeddingRequest { texts, input_type: InputType::Passage, tenant };
                model.embed(request).await.map(drop).map_err(Error::from)
            }
            Self::Reranker(model) => {
                let request = RerankRequest { query: "How long?", documents: texts, top: 2, tenant };
                model.rerank(request).await.map(drop)
            }
        }
    }

    async fn check(&self) -> Checked {
        match self {
            Self::Embedder(model) => model.check().await,
            Self::Reranker(model) => model.check().await,
        }
    }

    fn purpose(&self) -> &'static str {
        match self {
            Self::Embedder(_) => "ai.embed",
            Self::Reranker(_) => "ai.rerank",
        }
    }

    fn printed(&self) -> String {
        match self {
            Self::Embedder(model) => format!("{model:?}"),
            Self::Reranker(model) => format!("{model:?}"),
        }
    }
}

impl Desk {
    pub(crate) async fn vendor(self, replies: impl IntoIterator<Item = Reply>) -> Vendor {
        let file = match self {
            Self::VoyageEmbedding | Self::VoyageRerank => Some("voyage.yaml"),
            Self::OpenAiEmbedding => Some("openai.yaml"),
            Self::CohereRerank => Some("cohere.yaml"),
            Self::HttpRerank | Self::TextsRerank => None,
        };
        Vendor::judged_by(file, replies).await
    }

    /// Settings as an operator writes them, with `more` on top.
    pub(crate) fn settings(self, vendor: &Vendor, more: &Value) -> Value {
        let version = if matches!(self, Self::CohereRerank | Self::TextsRerank) { "" } else { "/v1" };
        let base_url = format!("http://{}{version}", vendor.address());
        let mut settings = json!({"name": "house", "base_url": base_url, "model": "house-1"});
        if self == Self::TextsRerank {
            settings["documents_field"] = "texts".into();
        }
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    }

    fn model(self, vendor: &Vendor, more: &Value, outbound: Outbound) -> Result<Model, Error> {
        fn read<T: serde::de::DeserializeOwned>(settings: Value) -> T {
            serde_json::from_value(settings).unwrap()
        }
        let settings = self.settings(vendor, more);
        let embedder = |embedder| Model::Embedder(Arc::new(embedder));
        let reranker = |reranker| Model::Reranker(Arc::new(reranker));
        match self {
            Self::VoyageEmbedding => RemoteEmbedder::voyage(read(settings), outbound).map(embedder),
            Self::OpenAiEmbedding => {
                RemoteEmbedder::openai_compatible(read(settings), outbound).map(embedder)
            }
            Self::CohereRerank => RemoteReranker::cohere(read(settings), outbound).map(reranker),
            Self::VoyageRerank => RemoteReranker::voyage(read(settings), outbound).map(reranker),
            Self::HttpRerank | Self::TextsRerank => {
                RemoteReranker::http(read(settings), outbound).map(reranker)
            }
        }
    }

    fn reaching(self, vendor: &Vendor, more: &Value) -> Model {
        self.model(vendor, more, outbound(&[&vendor.address()])).unwrap()
    }

    /// A good answer about so many texts.
    fn answer(self, texts: usize) -> Value {
        let places =
            |score: &str| -> Value { (0..texts).map(|index| json!({"index": index, score: 0.5})).collect() };
        match self {
            Self::VoyageEmbedding | Self::OpenAiEmbedding => json!({
                "object": "list", "model": "house-1", "usage": {"prompt_tokens": 4, "total_tokens": 4},
                "data": (0..texts)
                    .map(|index| json!({"object": "embedding", "index": index, "embedding": [0.6, 0.8]}))
                    .collect::<Value>(),
            }),
            Self::CohereRerank | Self::HttpRerank => json!({"results": places("relevance_score")}),
            Self::VoyageRerank => json!({"data": places("relevance_score")}),
            Self::TextsRerank => places("score"),
        }
    }

    /// An error in the vendor's own shape.
    fn refusal(self) -> Value {
        match self {
            Self::VoyageEmbedding | Self::VoyageRerank => json!({"detail": "key sk-hunter2"}),
            Self::CohereRerank => json!({"message": "key sk-hunter2"}),
            Self::TextsRerank => json!({"error": "key sk-hunter2", "error_type": "backend"}),
            Self::OpenAiEmbedding | Self::HttpRerank => {
                json!({"error": {"message": "key sk-hunter2", "type": "x", "param": null, "code": null}})
            }
        }
    }

    /// The documented errors: status, what it becomes, how often it is asked.
    fn documented(self) -> Vec<(u16, &'static str, usize)> {
        let (refused, unknown) = ((400, "model_request_refused", 1), (404, "model_unknown", 1));
        let (key, forbidden) = ((401, "model_credential_refused", 1), (403, "model_credential_refused", 1));
        let (limited, failed) = ((429, "model_limited", 3), (500, "model_failed", 3));
        let (gateway, down, late) =
            ((502, "model_failed", 3), (503, "model_failed", 3), (504, "model_failed", 3));
        let unprocessable = (422, "model_request_refused", 1);
        match self {
            Self::VoyageEmbedding | Self::VoyageRerank => {
                vec![refused, key, forbidden, limited, failed, gateway, down, late]
            }
            Self::OpenAiEmbedding => vec![refused, key, unknown, limited, failed, down],
            Self::CohereRerank => vec![
                refused,
                key,
                forbidden,
                unknown,
                unprocessable,
                limited,
                failed,
                down,
                late,
                (498, "model_filtered", 1),
                (499, "model_failed", 1),
            ],
            Self::HttpRerank => {
                vec![refused, key, unknown, limited, failed, down, (402, "model_credit_spent", 1)]
            }
            Self::TextsRerank => vec![
                (413, "model_context_too_long", 1),
                unprocessable,
                (424, "model_failed", 1),
                limited,
                down,
            ],
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_documented_error_becomes_what_an_operator_can_act_on() {
    for desk in EVERY_DESK {
        for (status, code, requests) in desk.documented() {
            let replies = (0..3).map(|_| Reply::json(status, &[], &desk.refusal()));
            let vendor = desk.vendor(replies).await;
            let model = desk.reaching(&vendor, &json!({"api_key": "sk-hunter2"}));
            let error = model.ask().await.unwrap_err();
            let label = format!("{desk:?} {status}: {error:?}");
            assert_eq!((error.code(), vendor.seen().len()), (code, requests), "{label}");
            assert_eq!((error.kind(), error.provider()), (Kind::Unavailable, "house"), "{label}");
            let shown = format!("{error:?} {error} {} {}", error.public(), model.printed());
            assert!(!shown.contains("hunter2"), "{label}");
            assert!(error.to_string().contains("key (key)"), "what the server says is lost: {label}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_when_the_server_says() {
    for desk in EVERY_DESK {
        let limited = Reply::json(429, &[("retry-after", "2")], &desk.refusal());
        let vendor = desk.vendor([limited, Reply::json(200, &[], &desk.answer(2))]).await;
        let began = Instant::now();
        desk.reaching(&vendor, &json!({})).ask().await.unwrap();
        assert!((2_000..2_100).contains(&began.elapsed().as_millis()), "{desk:?} {:?}", began.elapsed());

        let limited = Reply::json(429, &[("retry-after", "20")], &desk.refusal());
        let vendor = desk.vendor([limited]).await;
        let error = desk.reaching(&vendor, &json!({"deadline_ms": 9_000})).ask().await.unwrap_err();
        assert_eq!(error.retry_after().unwrap().as_secs(), 20, "{desk:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_hangs_or_is_no_answer_is_told_apart() {
    for desk in EVERY_DESK {
        let whole = desk.answer(2).to_string();
        let half = whole[..whole.len() / 2].to_owned();
        for (pieces, then, code) in [
            (vec![half.clone()], Then::Break, "model_interrupted"),
            (vec![half.clone()], Then::Hang, "model_timed_out"),
            (vec![half], Then::End, "model_malformed"),
            (vec![], Then::Hang, "model_timed_out"),
            (vec![], Then::End, "model_malformed"),
            (vec!["<html>Sign in".to_owned()], Then::End, "model_malformed"),
            (vec!["{}".to_owned()], Then::End, "model_malformed"),
            (vec![desk.answer(0).to_string()], Then::End, "model_malformed"),
            (vec![desk.answer(1).to_string()], Then::End, "model_malformed"),
            (vec![desk.answer(3).to_string()], Then::End, "model_malformed"),
            (vec![whole.replace("\"index\":1", "\"index\":0")], Then::End, "model_malformed"),
            (vec![whole.replace("\"index\":1", "\"index\":2")], Then::End, "model_malformed"),
            (vec![whole.replace("0.8", "NaN").replace("0.5", "NaN")], Then::End, "model_malformed"),
            (vec![whole.replace("0.8", "null").replace("0.5", "null")], Then::End, "model_malformed"),
            (vec![whole.replace("0.8", "1e99").replace("0.5", "1e99")], Then::End, "model_malformed"),
            (vec!["{\"error\":{\"message\":\"x\",\"code\":503}}".to_owned()], Then::End, "model_failed"),
        ] {
            let label = format!("{desk:?} {pieces:?}");
            let vendor = desk.vendor([Reply::stream(pieces, then)]).await;
            let began = Instant::now();
            let error = desk.reaching(&vendor, &json!({"deadline_ms": 9_000})).ask().await.unwrap_err();
            assert_eq!((error.code(), vendor.seen().len()), (code, 1), "{label}");
            assert!(began.elapsed().as_millis() < 9_100, "{label}");
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_taken_in() {
    for desk in EVERY_DESK {
        let piece = vec![b' '; 1024 * 1024];
        let vendor = desk.vendor([Reply::stream([piece], Then::Repeat(std::time::Duration::ZERO))]).await;
        let error = desk.reaching(&vendor, &json!({})).ask().await.unwrap_err();
        assert_eq!(error.code(), "remote_too_large", "{desk:?}");
    }
}

#[tokio::test]
async fn nobody_is_asked_whom_the_settings_do_not_allow() {
    for desk in EVERY_DESK {
        let vendor = desk.vendor([]).await;
        let outbound = outbound(&[]);
        let model = desk.model(&vendor, &json!({}), outbound.clone()).unwrap();
        let error = model.ask().await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("egress_not_allowed", Kind::Forbidden), "{desk:?}");
        assert!(vendor.seen().is_empty());
        let entry = outbound.ledger().latest().pop().unwrap();
        let expected = (model.purpose(), Some("tnt_1"), 0);
        assert_eq!((entry.purpose, entry.tenant.as_deref(), entry.bytes_out), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_trial_asks_once_with_the_shortest_of_texts() {
    for desk in EVERY_DESK {
        let outbound = |vendor: &Vendor| outbound(&[&vendor.address()]);
        let vendor = desk.vendor([Reply::json(200, &[], &desk.answer(1))]).await;
        let way_out = outbound(&vendor);
        let model = desk.model(&vendor, &json!({"api_key": "sk-hunter2"}), way_out.clone()).unwrap();
        let checked = model.check().await;
        assert!(checked.outcome.is_ok(), "{desk:?} {checked:?}");
        let seen = vendor.seen().pop().unwrap();
        assert_eq!(seen.headers["authorization"], "Bearer sk-hunter2");
        assert!(seen.body.to_string().len() < 120, "{}", seen.body);
        assert_eq!(way_out.ledger().latest().pop().unwrap().purpose, "ai.check");

        let vendor = desk.vendor([Reply::json(503, &[], &desk.refusal())]).await;
        let checked = desk.model(&vendor, &json!({}), outbound(&vendor)).unwrap().check().await;
        assert_eq!((checked.outcome.unwrap_err().code(), vendor.seen().len()), ("model_failed", 1));
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    for desk in EVERY_DESK {
        let vendor = desk.vendor([]).await;
        let mut wrong = vec![
            json!({"base_url": "house"}),
            json!({"base_url": "ftp://house/v1"}),
            json!({"model": ""}),
            json!({"name": ""}),
            json!({"deadline_ms": 0}),
        ];
        if matches!(desk, Desk::VoyageEmbedding | Desk::OpenAiEmbedding) {
            wrong.extend([
                json!({"dimensions": 0}),
                json!({"dimensions": 8_193}),
                json!({"batches": {"texts_max": 0}}),
                json!({"batches": {"texts_max": 1_001}}),
                json!({"batches": {"bytes_max": 0}}),
            ]);
        }
        for more in wrong {
            let refused = desk.model(&vendor, &more, outbound(&[])).err().unwrap();
            assert_eq!(refused.code(), "model_settings_invalid", "{desk:?} {more}");
        }
    }
}
