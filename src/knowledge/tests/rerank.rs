//! What a reranker makes of a search, and what it may not: cost an answer, or money that is not there.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::desk::Desk;
use crate::ai::prices::Price;
use crate::ai::rerank::{Ranked, RerankRequest, Reranked, Reranker};
use crate::ai::{self, Checked, Deadline, Usage};
use crate::base::Clock as _;
use crate::base::{ConversationId, MessageId, Micros, SystemClock};
use crate::budget::{self, Budget, Budgets, Limit, Scope, Subject};
use crate::config::PriceSettings;
use crate::identity::Pass;
use crate::knowledge::*;

const QUESTION: &str = "What about the parcel?";

/// A server that prefers the passage that holds a word, until it is told to fail.
#[derive(Debug, Default)]
struct Server {
    word: &'static str,
    fails: Mutex<Option<fn() -> ai::Error>>,
    asked: Mutex<Vec<Vec<String>>>,
}

impl Server {
    fn times_asked(&self) -> usize {
        self.asked.lock().len()
    }
}

#[derive(Debug, Clone)]
struct Asked(Arc<Server>);

impl Reranker for Asked {
    fn name(&self) -> &'static str {
        "house"
    }

    fn model(&self) -> &'static str {
        "house-1"
    }

    fn rerank<'a>(&'a self, request: RerankRequest<'a>) -> BoxFuture<'a, Result<Reranked, ai::Error>> {
        self.0.asked.lock().push(request.documents.iter().map(|text| (*text).to_owned()).collect());
        if let Some(fails) = *self.0.fails.lock() {
            return Box::pin(async move { Err(fails()) });
        }
        let score = |text: &&str| if text.contains(self.0.word) { 9.0 } else { 0.5 };
        let mut ranked: Vec<Ranked> = request
            .documents
            .iter()
            .enumerate()
            .map(|(index, text)| Ranked { index, score: score(text) })
            .collect();
        ranked.sort_by(|one, other| other.score.total_cmp(&one.score));
        let usage = Usage { input_tokens: 30, ..Usage::default() };
        Box::pin(async move { Ok(Reranked { ranked, usage, search_units: None }) })
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        Box::pin(async { Checked { took: std::time::Duration::ZERO, outcome: Ok(()) } })
    }
}

fn price(input_micros: u64) -> Price {
    Price::new(PriceSettings {
        model: "house-1".to_owned(),
        input_micros,
        cached_input_micros: None,
        output_micros: 0,
        image_tokens_max: None,
        search_micros: None,
    })
}

fn budgets(day_micros: u64) -> Budgets {
    Budgets::new(Budget { day_limit: Limit::Micros(Micros(day_micros)), ..Budget::default() })
}

fn subject() -> Subject {
    Subject { conversation: ConversationId::from_bytes([1; 16]), message: MessageId::from_bytes([2; 16]) }
}

struct World {
    desk: Desk,
    server: Arc<Server>,
    _folder: tempfile::TempDir,
}

/// Four documents, and a server that prefers the one about `word`.
async fn world(word: &'static str, price: Price, candidates: usize, budgets: Budgets) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(folder.path(), None);
    for (name, text) in [
        ("a.md", "# Parcel\n\nThe parcel comes on Monday.\n"),
        ("b.md", "# Returns\n\nA parcel can be sent back within 30 days.\n"),
        ("c.md", "# Lamp\n\nThe lamp is of brass.\n"),
        ("d.md", "# Garden\n\nRoses need water.\n"),
    ] {
        desk.receive(name, text.as_bytes()).await;
    }
    desk.work().await;
    let server = Arc::new(Server { word, ..Server::default() });
    let reranking = Reranking::new(Arc::new(Asked(server.clone())), price, candidates, budgets);
    desk.knowledge = desk.knowledge.clone().with_reranking(reranking);
    World { desk, server, _folder: folder }
}

impl World {
    async fn retrieve(&self, options: Options) -> Retrieval {
        let pass = Pass::appliance("a test");
        self.desk.knowledge.retrieve(&self.desk.keyspace, pass, QUESTION, options).await.unwrap()
    }

    /// What the index alone finds, and what the reranker makes of it.
    async fn both(&self, options: Options) -> (Retrieval, Retrieval, RerankExplanation) {
        let before = self.retrieve(Options { rerank: false, ..options }).await;
        let after = self.retrieve(options).await;
        let explanation = after.explanation.rerank.clone().unwrap();
        (before, after, explanation)
    }

    fn spent(&self) -> u64 {
        let pass = Pass::appliance("a test");
        let scope = Scope::Message(subject().message);
        self.desk.keyspace.read(|tx| budget::spent(tx, pass, &scope)).unwrap().cost.0
    }

    fn reserved(&self, budgets: &Budgets) -> u64 {
        let pass = Pass::appliance("a test");
        let view = self.desk.keyspace.read(|tx| budgets.view(tx, SystemClock.now(), pass)).unwrap();
        view.day.reserved_micros.0
    }
}

fn chunks(retrieval: &Retrieval) -> Vec<u64> {
    retrieval.passages.iter().map(|passage| passage.chunk).collect()
}

#[tokio::test]
async fn the_order_follows_the_reranker_and_the_scores_stay_what_they_were() {
    let world = world("brass", price(0), 20, budgets(0)).await;
    let (before, after, explanation) = world.both(Options::default()).await;
    assert_ne!(before.passages[0].name, "c.md");
    assert_eq!(before.explanation.rerank, None);
    assert_eq!(after.passages[0].name, "c.md");
    for passage in &after.passages {
        assert!(before.passages.contains(passage), "the same passages with the same scores");
    }
    assert_eq!((explanation.reranker.as_str(), explanation.model.as_str()), ("house", "house-1"));
    assert_eq!((explanation.outcome, explanation.detail), (RerankOutcome::Reordered, None));
    assert_eq!(
        (explanation.usage.input_tokens, explanation.cost, explanation.candidates),
        (30, Micros::ZERO, 4)
    );
    assert!(after.explanation.timings.rerank_us == explanation.took_us && explanation.took_us > 0);
    let first = explanation.places[0];
    let place = |chunk: u64| chunks(&before).iter().position(|one| *one == chunk).unwrap() as u32 + 1;
    assert_eq!((first.before, first.after, first.score), (place(first.chunk), 1, 9.0));
    assert_eq!(explanation.places.iter().map(|place| place.chunk).collect::<Vec<_>>(), chunks(&after));
    assert_eq!(world.spent(), 0, "what is free is not booked");
}

#[tokio::test]
async fn what_is_read_has_its_title_above_it_and_is_cut_only_afterwards() {
    let world = world("brass", price(0), 20, budgets(0)).await;
    let found = world.retrieve(Options { limit: 1, ..Options::default() }).await;
    assert_eq!(found.passages.len(), 1);
    assert_eq!(found.passages[0].name, "c.md", "it would not have been found otherwise");
    let texts = world.server.asked.lock().concat();
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().any(|text| text == "Lamp\nThe lamp is of brass."), "{texts:?}");
}

#[tokio::test]
async fn what_is_beyond_the_candidates_keeps_its_place_behind_them() {
    let world = world("brass", price(0), 2, budgets(0)).await;
    let (before, after, explanation) = world.both(Options::default()).await;
    assert_eq!(chunks(&before)[2..], chunks(&after)[2..]);
    assert_eq!((explanation.candidates, explanation.places.len()), (2, 2));
}

#[tokio::test]
async fn the_least_score_decides_before_the_reranker() {
    let world = world("brass", price(0), 20, budgets(0)).await;
    let all = world.retrieve(Options { rerank: false, ..Options::default() }).await;
    let mut scores: Vec<f32> = all.passages.iter().map(|passage| passage.score).collect();
    scores.sort_by(f32::total_cmp);
    let (before, after, explanation) =
        world.both(Options { min_score: scores[2], ..Options::default() }).await;
    assert_eq!((before.passages.len(), after.passages.len(), explanation.candidates), (2, 2, 2));
    let (_, after, explanation) = world.both(Options { min_score: 1.1, ..Options::default() }).await;
    assert!(after.passages.is_empty() && explanation.outcome == RerankOutcome::TooFew);
    assert_eq!(world.server.times_asked(), 1, "nobody is asked to order nothing");
}

#[tokio::test]
async fn a_reranker_that_fails_leaves_the_order_and_is_left_alone_after_a_while() {
    let world = world("brass", price(0), 20, budgets(0)).await;
    *world.server.fails.lock() =
        Some(|| ai::Error::TimedOut { provider: "house".into(), deadline: Deadline::Whole });
    for _ in 0..5 {
        let (before, after, explanation) = world.both(Options::default()).await;
        assert_eq!(before.passages, after.passages);
        assert_eq!(explanation.outcome, RerankOutcome::Failed);
        assert!(explanation.detail.unwrap().contains("took too long") && explanation.places.is_empty());
    }
    *world.server.fails.lock() = None;
    let (before, after, explanation) = world.both(Options::default()).await;
    assert_eq!(before.passages, after.passages);
    assert_eq!(explanation.outcome, RerankOutcome::LeftAlone);
    assert_eq!(world.server.times_asked(), 5);
}

#[tokio::test]
async fn a_question_that_cannot_be_reranked_is_not_held_against_the_reranker() {
    let world = world("brass", price(0), 20, budgets(0)).await;
    *world.server.fails.lock() =
        Some(|| ai::Error::RequestRefused { provider: "house".into(), detail: String::new() });
    for _ in 0..9 {
        world.retrieve(Options::default()).await;
    }
    assert_eq!(world.server.times_asked(), 9);
}

#[tokio::test]
async fn what_it_costs_is_booked_on_the_message_and_what_was_set_aside_is_given_back() {
    let budgets = budgets(1_000_000);
    let world = world("brass", price(1_000_000), 20, budgets.clone()).await;
    let options = Options { subject: Some(subject()), ..Options::default() };
    let explanation = world.retrieve(options).await.explanation.rerank.unwrap();
    assert_eq!((explanation.outcome, explanation.cost), (RerankOutcome::Reordered, Micros(30)));
    assert_eq!((world.spent(), world.reserved(&budgets)), (30, 0));

    *world.server.fails.lock() =
        Some(|| ai::Error::Failed { provider: "house".into(), retry_after: None, detail: String::new() });
    world.retrieve(options).await;
    assert_eq!((world.spent(), world.reserved(&budgets)), (30, 0), "no order, no charge");

    *world.server.fails.lock() =
        Some(|| ai::Error::Malformed { provider: "house".into(), detail: String::new() });
    let explanation = world.retrieve(options).await.explanation.rerank.unwrap();
    assert!(explanation.cost.0 > 100, "what was set aside, as it may have been charged: {explanation:?}");
    assert_eq!((world.spent(), world.reserved(&budgets)), (30 + explanation.cost.0, 0));
}

#[tokio::test]
async fn nobody_is_asked_when_the_budget_does_not_allow_it() {
    let budgets = budgets(5);
    let world = world("brass", price(1_000_000), 20, budgets.clone()).await;
    let (before, after, explanation) =
        world.both(Options { subject: Some(subject()), ..Options::default() }).await;
    assert_eq!(before.passages, after.passages);
    assert_eq!(explanation.outcome, RerankOutcome::OverBudget);
    assert_eq!((world.server.times_asked(), world.spent(), world.reserved(&budgets)), (0, 0, 0));
}
