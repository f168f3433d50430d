//! `kill -9` again and again, while documents are being read and questions answered. What was acknowledged stays, and
//! everything is done in the end, once.
//!
//! The moment is drawn by lot and is never a time: after so many acknowledgements, passages read, documents ready or answers
//! given. So a round is cut off early or late, in the middle of a batch or between two.

use std::cell::Cell;
use std::fmt;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::appliance::{Appliance, Console, data, until};
use super::desk::Desk;
use super::witness;

/// When the process is killed, counted from its start.
#[derive(Clone, Copy)]
enum Moment {
    Acknowledgements(u64),
    PassagesRead(u64),
    DocumentsReady(usize),
    Answers(usize),
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledgements(count) => write!(f, "{count} acknowledgements"),
            Self::PassagesRead(count) => write!(f, "{count} passages"),
            Self::DocumentsReady(count) => write!(f, "{count} documents"),
            Self::Answers(count) => write!(f, "{count} answers"),
        }
    }
}

impl Moment {
    fn draw(round: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(round ^ 0x6b69_6c6c);
        match dice.random_range(0..4) {
            0 => Self::Acknowledgements(dice.random_range(1..12)),
            1 => Self::PassagesRead(dice.random_range(1..40)),
            2 => Self::DocumentsReady(1),
            _ => Self::Answers(dice.random_range(1..9)),
        }
    }

    /// Waits for it; `before` was there when the process began.
    async fn wait(self, console: &Console, desk: &Witnessed, acknowledged: &Cell<u64>) {
        until("the moment to kill", async || {
            let now = match self {
                Self::Acknowledgements(count) => return (acknowledged.get() >= count).then_some(()),
                _ => Witnessed::look(console, &desk.talks).await?,
            };
            let everything = now.ready == now.documents && now.answers >= now.questions;
            let reached = match self {
                Self::Acknowledgements(_) => false,
                Self::PassagesRead(count) => now.passages >= desk.passages + count,
                Self::DocumentsReady(count) => now.ready >= desk.ready + count,
                Self::Answers(count) => now.answers >= desk.answers + count,
            };
            // What little there was to do may be done before the moment comes.
            (reached || (everything && acknowledged.get() > 0)).then_some(())
        })
        .await;
    }
}

/// How far the appliance is.
#[derive(Default)]
struct Witnessed {
    talks: Vec<super::desk::Talk>,
    documents: usize,
    ready: usize,
    passages: u64,
    questions: usize,
    answers: usize,
}

impl Witnessed {
    async fn look(console: &Console, talks: &[super::desk::Talk]) -> Option<Self> {
        let documents = witness::documents(console).await?;
        let mut seen = Self { talks: talks.to_vec(), documents: documents.len(), ..Self::default() };
        for document in documents.values() {
            seen.ready += usize::from(document["state"] == "ready");
            seen.passages += document["progress"]["done"].as_u64().unwrap();
        }
        for talk in talks {
            let messages = witness::messages(console, talk).await?;
            let answers = messages.iter().filter(|message| message["author"] == "assistant").count();
            seen.answers += answers;
            seen.questions += messages.len() - answers;
        }
        Some(seen)
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_being_killed_and_is_done_once() {
    let rounds = std::env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut appliance = Appliance::start(folder.path()).await;
    let mut desk = Desk::set_up(&appliance.console).await;
    for round in 0..rounds {
        desk.plan(round);
        let before = Witnessed::look(&appliance.console, &desk.talks).await.unwrap();
        let moment = Moment::draw(round);
        let acknowledged = Cell::new(0);
        let console = Console::of(&data(folder.path()));
        {
            let count = || acknowledged.set(acknowledged.get() + 1);
            let sending = async {
                desk.send(&console, &count).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = sending => {}
                () = moment.wait(&console, &before, &acknowledged) => {}
            }
        }
        appliance.kill();
        appliance = Appliance::start(folder.path()).await;
        witness::check_nothing_lost(&appliance.console, &desk).await;
        let ready = appliance.ready_after.as_millis();
        println!(
            "round {round}: killed after {moment} ({} acknowledged), ready after {ready} ms",
            acknowledged.get()
        );
    }
    desk.send(&appliance.console, &|| {}).await;
    witness::check_finished(&appliance.console, &desk).await;
    appliance.kill();
    let appliance = Appliance::start(folder.path()).await;
    witness::check_finished(&appliance.console, &desk).await;
    let questions: usize = desk.talks.iter().map(|talk| talk.questions.len()).sum();
    println!(
        "killed {} times in {:.1} s: {} documents and {questions} questions, each there and done once",
        rounds + 1,
        begun.elapsed().as_secs_f64(),
        desk.documents.len()
    );
}
