//! Models on servers: what they cost, what becomes of documents and questions when they fail, and how one takes over from another.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::block_in_place;

use super::desk::{Desk, tenant};
use super::models::{Server, TEXT_MICROS, Trouble, models};
use crate::base::{Call, Clock as _, ManualClock, SystemClock};
use crate::budget::{Budgets, Cause, Limit, OwnBudget, Scope, spent};
use crate::identity::Pass;
use crate::knowledge::{DocumentState, Failure};
use crate::search::index::spaces::{self, Step};
use crate::search::index::{self, TenantIndex};
use crate::store::crash::CrashDisks;
use crate::store::{KeyspaceId, WriteTx};

const MANUAL: &str = "# Lamps\n\nA red lamp: the tank is empty.\n\n# Pumps\n\nA loud pump draws air.\n\n# Doors\n\nThe door has a \
                      magnet.\n";
const PASSAGES: usize = 3;
const PLENTY: u64 = 1_000_000_000;

fn with(folder: &Path, disks: Option<CrashDisks>, server: &Arc<Server>) -> Desk {
    Desk::open_with(folder, disks, models(server, PLENTY).0, Arc::new(SystemClock))
}

impl Desk {
    fn cost(&self, scope: &Scope) -> u64 {
        self.keyspace.read(|tx| spent(tx, Pass::appliance("a test"), scope)).unwrap().cost.0
    }

    /// Runs jobs until the document is as wanted; those that wait stay in the queue.
    async fn work_until(&self, name: &str, as_wanted: impl Fn(&crate::knowledge::Document) -> bool) {
        let running = self.start();
        while !self.document(name).is_some_and(|document| as_wanted(&document)) {
            tokio::task::yield_now().await;
        }
        running.stop(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn a_new_tenants_documents_and_questions_are_embedded_by_the_chosen_model_and_every_text_is_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new("bags");
    let desk = with(folder.path(), None, &server);
    let id = desk.receive("manual.md", MANUAL.as_bytes()).await.document.id;
    desk.work().await;
    assert_eq!((server.texts(), desk.rows("search.vector")), (PASSAGES, PASSAGES));
    assert_eq!(desk.cost(&Scope::Document(id)), PASSAGES as u64 * TEXT_MICROS);

    let found = desk.ask("a loud pump draws air").await;
    assert_eq!((found.explanation.model.as_str(), found.explanation.semantic_missing), ("test:bags", None));
    assert!(!found.explanation.calibrated, "nobody has measured this model");
    assert!(found.passages[0].text.contains("pump") && found.passages[0].semantic.score > 0.5);
    assert_eq!(desk.cost(&Scope::Searches), TEXT_MICROS);

    // The same texts again are copied.
    desk.receive("again.md", format!("{MANUAL}\n").as_bytes()).await;
    desk.work().await;
    assert_eq!(server.texts(), PASSAGES + 1);
    assert_eq!(desk.cost(&Scope::Tenant), server.texts() as u64 * TEXT_MICROS);
    assert_eq!((desk.rows("budget.reservation"), desk.rows("budget.reserved")), (0, 0));
    assert_eq!(desk.jobs_left(), 0);
}

#[tokio::test]
async fn a_server_that_fails_halfway_makes_the_document_wait_and_nothing_is_bought_twice() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new("bags");
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let desk = Desk::open_with(folder.path(), None, models(&server, PLENTY).0, clock.clone());
    server.has(Trouble::FailsAfter(1));
    let id = desk.receive("manual.md", MANUAL.as_bytes()).await.document.id;
    clock.advance(Duration::from_secs(1));
    desk.work_until("manual.md", |document| document.waiting.is_some()).await;
    let document = desk.document("manual.md").unwrap();
    assert_eq!((document.state, document.progress.done), (DocumentState::Embedding, 1));
    assert_eq!(document.waiting.unwrap().code, "model_failed");
    assert_eq!(desk.cost(&Scope::Document(id)), TEXT_MICROS);

    server.has(Trouble::None);
    clock.advance(Duration::from_secs(60));
    desk.work_until("manual.md", |document| document.state == DocumentState::Ready).await;
    assert_eq!((server.texts(), desk.document("manual.md").unwrap().waiting), (PASSAGES, None));
    assert_eq!(desk.cost(&Scope::Tenant), PASSAGES as u64 * TEXT_MICROS);
}

#[tokio::test]
async fn a_refusal_is_the_documents_failure_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new("bags");
    let desk = with(folder.path(), None, &server);
    server.has(Trouble::Refuses);
    desk.receive("manual.md", MANUAL.as_bytes()).await;
    desk.work().await;
    let document = desk.document("manual.md").unwrap();
    let Failure { code, detail } = document.failure.unwrap();
    assert_eq!((document.state, code.as_str()), (DocumentState::Failed, "model_credential_refused"));
    assert!(detail.contains("manual.md") && detail.contains("api_key"), "{detail}");
    assert_eq!((desk.cost(&Scope::Tenant), desk.rows("budget.reserved")), (0, 0));
}

#[tokio::test]
async fn over_budget_a_document_waits_and_says_so_until_the_budget_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new("bags");
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let (known, budgets) = models(&server, 5);
    let desk = Desk::open_with(folder.path(), None, known, clock.clone());
    desk.receive("manual.md", MANUAL.as_bytes()).await;
    clock.advance(Duration::from_secs(1));
    desk.work_until("manual.md", |document| document.waiting.is_some()).await;
    let waiting = desk.document("manual.md").unwrap().waiting.unwrap();
    assert_eq!((waiting.code.as_str(), server.texts()), ("over_budget", 0));
    // Questions go on with words alone, once there is something to find.
    raise(&desk, &budgets, &clock).await;
    clock.advance(Duration::from_secs(600));
    desk.work_until("manual.md", |document| document.state == DocumentState::Ready).await;
    assert_eq!(server.texts(), PASSAGES);
}

async fn raise(desk: &Desk, budgets: &Budgets, clock: &Arc<ManualClock>) {
    let (budgets, now) = (budgets.clone(), clock.now());
    let own = OwnBudget { day_limit_micros: Some(Limit::Unlimited), ..OwnBudget::default() };
    let pass = Pass::appliance("a test");
    desk.keyspace.write(move |tx| budgets.change(tx, &Call::appliance(now), pass, &own)).await.unwrap();
}

#[tokio::test]
async fn a_question_that_cannot_be_embedded_is_answered_by_words_alone_which_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new("bags");
    let desk = with(folder.path(), None, &server);
    desk.receive("manual.md", MANUAL.as_bytes()).await;
    desk.work().await;
    for (trouble, said) in [(Trouble::Refuses, "key"), (Trouble::Hangs, "did not answer within 50 ms")] {
        server.has(trouble);
        let found = desk.ask("why is the pump loud").await;
        let missing = found.explanation.semantic_missing.unwrap();
        assert!(missing.contains(said) && missing.contains("bags"), "{missing}");
        assert!(found.passages[0].text.contains("loud pump") && found.passages[0].score > 0.05);
        assert_eq!(found.passages[0].semantic.rank, None);
    }
    for _ in 0..4 {
        desk.ask("pump").await;
    }
    server.has(Trouble::None);
    let missing = desk.ask("pump").await.explanation.semantic_missing.unwrap();
    assert!(missing.contains("left alone"), "{missing}");
    assert_eq!((desk.cost(&Scope::Searches), desk.rows("budget.reserved")), (0, 0));
}

/// A desk whose documents the bundled model has embedded.
async fn bundled(folder: &Path, disks: Option<CrashDisks>) {
    let desk = Desk::open(folder, disks);
    desk.receive("manual.md", MANUAL.as_bytes()).await;
    desk.work().await;
}

#[tokio::test]
async fn another_model_takes_over_while_the_one_before_serves_and_back_again() {
    let folder = tempfile::tempdir().unwrap();
    bundled(folder.path(), None).await;
    let server = Server::new("bags");
    let desk = with(folder.path(), None, &server);
    assert_eq!((desk.jobs_left(), server.texts()), (0, 0), "nothing happens before somebody comes");
    let before = desk.ask("loud pump").await;
    assert!(before.explanation.calibrated && before.explanation.semantic_missing.is_none());
    assert_eq!(desk.jobs_left(), 1, "the question has set it going");
    desk.work().await;
    let after = desk.ask("loud pump").await;
    assert_eq!((after.explanation.model.as_str(), after.explanation.indexed), ("test:bags", PASSAGES));
    assert!(after.explanation.semantic_missing.is_none() && after.passages[0].semantic.rank == Some(1));
    assert_eq!((desk.rows("search.vector"), desk.rows("search.vector_other")), (0, PASSAGES));
    assert_eq!(desk.cost(&Scope::Reembedding), PASSAGES as u64 * TEXT_MICROS);
    desk.receive("new.md", b"# Keys\n\nThe key is under the mat.").await;
    desk.work().await;
    assert_eq!(desk.found("the key under the mat").await[0], "new.md");
    assert_eq!(desk.rows("search.vector_other"), PASSAGES + 1);
    desk.knowledge.tend(&desk.keyspace).await.unwrap();
    drop(desk);

    // Started again, the files of the indexes are of the model that serves.
    let desk = with(folder.path(), None, &server);
    let texts = server.texts();
    assert_eq!(desk.ask("loud pump").await.explanation.model, "test:bags");
    assert_eq!((server.texts(), desk.jobs_left()), (texts + 1, 0));
    desk.work().await;
    drop(desk);

    // Without that server in the settings, words alone serve until the bundled model has taken over.
    let desk = Desk::open(folder.path(), None);
    let meanwhile = desk.ask("loud pump").await;
    assert!(meanwhile.explanation.semantic_missing.unwrap().contains("test:bags"));
    assert!(meanwhile.passages[0].text.contains("loud pump"));
    desk.receive("late.md", b"# Mats\n\nThe mat is blue.").await;
    desk.work().await;
    let back = desk.ask("what colour has the mat").await;
    assert!(back.explanation.calibrated && back.passages[0].text.contains("blue"));
    assert_eq!((desk.rows("search.vector"), desk.rows("search.vector_other")), (PASSAGES + 2, 0));
    assert_eq!(back.explanation.indexed, PASSAGES + 2);
}

#[tokio::test]
async fn documents_that_came_while_the_model_could_not_be_asked_get_their_vectors_when_it_is_chosen_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let (bags, other) = (Server::new("bags"), Server::new("other"));
    let open = |server| Desk::open_with(folder.path(), None, models(server, PLENTY).0, clock.clone());
    let desk = open(&bags);
    desk.receive("manual.md", MANUAL.as_bytes()).await;
    clock.advance(Duration::from_secs(1));
    desk.work().await;
    drop(desk);

    // Neither can be asked: the one that serves is not in the settings, the one that is to serve is down.
    other.has(Trouble::FailsAfter(0));
    let desk = open(&other);
    desk.receive("late.md", b"# Mats\n\nThe mat is blue.").await;
    clock.advance(Duration::from_secs(1));
    desk.work_until("late.md", |document| document.state == DocumentState::Ready).await;
    assert_eq!(desk.found("which mat is blue").await[0], "late.md");
    drop(desk);

    clock.advance(Duration::from_secs(3_600));
    let desk = open(&bags);
    desk.work().await;
    let found = desk.ask("which mat is blue").await;
    assert_eq!((found.explanation.semantic_missing, found.explanation.indexed), (None, PASSAGES + 1));
    assert!(found.passages[0].name == "late.md" && found.passages[0].semantic.rank == Some(1));
    assert_eq!(bags.texts(), PASSAGES + 2, "each passage once, and the question");
    assert_eq!((desk.rows("search.vector"), desk.rows("search.vector_other")), (0, PASSAGES + 1));
}

#[tokio::test]
async fn a_change_that_is_taken_back_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    bundled(folder.path(), None).await;
    let server = Server::new("bags");
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let desk = Desk::open_with(folder.path(), None, models(&server, PLENTY).0, clock.clone());
    server.has(Trouble::FailsAfter(2));
    desk.ask("pump").await;
    let running = desk.start();
    while desk.rows("search.vector_other") < 2 {
        tokio::task::yield_now().await;
    }
    running.stop(Duration::from_secs(60)).await;
    drop(desk);
    clock.advance(Duration::from_secs(3_600));
    let desk = Desk::open_with(folder.path(), None, super::desk::model().into(), clock);
    assert!(desk.ask("loud pump").await.explanation.calibrated);
    desk.work().await;
    assert_eq!((desk.rows("search.vector"), desk.rows("search.vector_other")), (PASSAGES, 0));
    let state = desk.knowledge.embedding_state(&desk.keyspace, Pass::appliance("a test")).await.unwrap();
    assert_eq!((state.next, state.model), (None, state.wanted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_switch_waits_for_documents_that_came_meanwhile_and_for_questions_that_were_embedded_before() {
    let folder = tempfile::tempdir().unwrap();
    bundled(folder.path(), None).await;
    let desk = Desk::open(folder.path(), None);
    let (keyspace, index) = (&desk.keyspace, TenantIndex::of(&desk.keyspace));
    let old = index.model(keyspace).unwrap();
    let question = super::desk::model().embed_query("loud pump").unwrap();
    let fill = || {
        let batch = keyspace.read(|tx| spaces::batch(tx, 10)).unwrap();
        let rows: Vec<_> = batch.iter().map(|one| (one.chunk, Some(vec![1.0, 0.5]))).collect();
        let fill = move |tx: &mut WriteTx<'_>| spaces::fill(tx, "other", &rows);
        assert!(block_in_place(|| keyspace.write_blocking(fill)).unwrap());
        batch.len()
    };
    let begun = keyspace.write(|tx| spaces::begin(tx, "other")).await;
    let switch = || block_in_place(|| index.switch(keyspace, "other")).unwrap();
    assert_eq!((begun.unwrap(), fill()), (Step::Fill, PASSAGES));
    desk.receive("late.md", b"# Mats\n\nThe mat is blue.").await;
    desk.work().await;
    assert!(!switch(), "one has no vector of the new model yet");
    assert_eq!(fill(), 1);
    assert!(switch());

    let settings = crate::search::fusion::Settings::default();
    let ask = |vector: Option<(&index::EmbeddingModel, &[f32])>| {
        let question = index::Question { text: "loud pump", vector, settings: &settings };
        let answer = keyspace.read(|tx| index.ask(keyspace, tx, &question)).unwrap();
        (answer.semantic, answer.fused.results[0].explanation.semantic_rank)
    };
    let new = index.model(keyspace).unwrap();
    assert_eq!((&*new.id, new.dimensions), ("other", 2));
    assert_eq!(ask(Some((&old, &question))), (true, Some(1)), "the vectors before are still there for it");
    assert!(ask(Some((&new, &[1.0, 0.5]))).0);
    assert_eq!(ask(Some((&new, &question))), (false, None), "of another size");
    index.forget_before();
    assert_eq!(ask(Some((&old, &question))), (false, None));
    assert_eq!(ask(None), (false, None));
}

/// Whether the power failed before everything was done.
async fn crash_and_recover(stop_after: u64) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let disks = CrashDisks::default();
    bundled(folder.path(), Some(disks.clone())).await;
    let server = Server::new("bags");
    let disks = disks.after_crash(0);
    let desk = with(folder.path(), Some(disks.clone()), &server);
    let disk = disks.disk(KeyspaceId::Tenant(tenant()));
    disk.stop_after_syncs(stop_after);
    let pass = Pass::appliance("a test");
    let options = crate::knowledge::Options::default();
    // It may fail with the power.
    let _ = desk.knowledge.retrieve(&desk.keyspace, pass, "loud pump", options).await;
    let running = desk.start();
    while desk.jobs_left() > 0 && !disk.has_failed() {
        tokio::task::yield_now().await;
    }
    running.stop(Duration::from_secs(60)).await;
    let failed = disk.has_failed();
    drop(desk);

    let desk = with(folder.path(), Some(disks.after_crash(stop_after.wrapping_mul(0x9e37_79b9))), &server);
    let at_once = desk.ask("loud pump").await;
    assert!(at_once.passages[0].text.contains("loud pump"), "after {stop_after}");
    assert_eq!((at_once.explanation.indexed, at_once.explanation.semantic_missing), (PASSAGES, None));
    desk.work().await;
    let found = desk.ask("loud pump").await;
    assert_eq!((found.explanation.model.as_str(), found.explanation.indexed), ("test:bags", PASSAGES));
    assert_eq!((desk.rows("search.vector"), desk.rows("search.vector_other")), (0, PASSAGES));
    let booked = desk.cost(&Scope::Tenant);
    assert_eq!(desk.cost(&Scope::Reembedding) + desk.cost(&Scope::Searches), booked);
    assert!(booked <= server.texts.load(Ordering::SeqCst) as u64 * TEXT_MICROS);
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedding_anew_survives_a_power_failure_at_any_moment() {
    let mut stop_after = 0;
    while crash_and_recover(stop_after).await {
        stop_after += 1;
        assert!(stop_after < 200, "it never comes to an end");
    }
    assert!(stop_after > 8, "only {stop_after} syncs");
}

#[test]
fn what_is_spent_on_a_search_is_set_aside_for_that_search_alone() {
    assert_ne!(Cause::search(), Cause::search());
}
