//! A backup while 64 senders post over HTTPS: how fast it is, and what it costs the posts.
//!
//! `cargo bench --bench backup` runs the whole appliance in this process on a free port, with `MIB` MiB of documents (256), and
//! prints p50, p99 and the longest wait of a post without a backup, during backups that follow each other, and of as many posts
//! without one again, because the longest of many waits is longer than that of few; and the MiB a second that are written and
//! proven. `POSTS` sets how many posts the first measurement makes (12,000). What must hold: no post waits longer than twice
//! its usual p99. On a virtual machine, a moment in which the host takes a processor away is felt by all senders at once, with
//! or without a backup: so all that is printed is also printed without what was stolen while a post waited.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

mod desk;
mod sender;
mod stolen;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use frontdesk::app::App;
use frontdesk::base::{Clock as _, SystemClock};
use frontdesk::files;
use tokio_util::sync::CancellationToken;

use sender::{Sender, Serving};

const FILE_MIB: usize = 8;
/// Backups that are made one after the other.
const BACKUPS: usize = 3;

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let number =
        |name: &str, usual| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (posts, mib) = (number("POSTS", 12_000), number("MIB", 256));
    tokio::runtime::Runtime::new().unwrap().block_on(measure(posts, mib));
}

async fn measure(posts: usize, mib: usize) {
    stolen::watch();
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path()).await;
    // A tenant has its keyspace from the first conversation on.
    let senders = serving.senders().await;
    furnish(&serving.app, mib).await;
    let usual = run(senders, Until::Posts(Arc::new(AtomicUsize::new(posts)))).await;
    println!("without a backup: {usual}");

    let stop = Arc::new(AtomicBool::new(false));
    let posting = tokio::spawn({
        let (senders, stop) = (serving.senders().await, stop.clone());
        run(senders, Until::Told(stop))
    });
    for number in 0..BACKUPS {
        let begun = Instant::now();
        let name = format!("bench-{number}.frontdesk-backup");
        let made = serving.app.services().backups.make(name, CancellationToken::new()).await.unwrap();
        assert!(made.verified_at.is_some(), "{made:?}");
        let seconds = begun.elapsed().as_secs_f64();
        let mib_per_second = mib as f64 / seconds;
        println!(
            "backup {number}: {seconds:.1} s written and proven, {mib_per_second:.0} MiB of documents a second"
        );
    }
    stop.store(true, Ordering::SeqCst);
    let during = posting.await.unwrap();
    println!("during backups:   {during}");
    let after = run(serving.senders().await, Until::Posts(Arc::new(AtomicUsize::new(during.posts)))).await;
    println!("as many without:  {after}");
    let compared = |waits: fn(&Figure) -> &Waits| {
        let usual_ms = (waits(&usual).p99_ms + waits(&after).p99_ms) / 2.0;
        let longest = |figure| waits(figure).max_ms / usual_ms;
        format!(
            "{:.2} of the usual p99; of as many posts without, {:.2}; p99 during backups, {:.2}",
            longest(&during),
            longest(&after),
            waits(&during).p99_ms / usual_ms
        )
    };
    println!("the longest wait during backups is {}", compared(|figure| &figure.waits));
    println!("but for what was stolen:           {}", compared(|figure| &figure.own));
    serving.stop().await;
}

/// Documents whose bytes do not shrink, referred to by rows.
async fn furnish(app: &App, mib: usize) {
    let folder = app.store().directory().path().join("tenants");
    let id = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().file_name();
    let keyspace = app.store().tenant(id.to_str().unwrap().parse().unwrap()).unwrap();
    for number in 0..mib.div_ceil(FILE_MIB) {
        let mut bytes = vec![0; FILE_MIB << 20];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let stored = files::put(&keyspace, SystemClock.now(), bytes.into()).await.unwrap();
        keyspace.write(move |tx| files::refer(tx, &stored, "the benchmark")).await.unwrap();
    }
}

/// When the senders stop.
#[derive(Clone)]
enum Until {
    /// When so many posts are made.
    Posts(Arc<AtomicUsize>),
    /// When they are told.
    Told(Arc<AtomicBool>),
}

impl Until {
    fn goes_on(&self) -> bool {
        match self {
            Self::Posts(left) => {
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
            }
            Self::Told(stop) => !stop.load(Ordering::SeqCst),
        }
    }
}

/// How long posts took.
struct Waits {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Waits {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let ms = |place: usize| times[place].as_secs_f64() * 1e3;
        Self { p50_ms: ms(times.len() / 2), p99_ms: ms(times.len() * 99 / 100), max_ms: ms(times.len() - 1) }
    }
}

impl std::fmt::Display for Waits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms", self.p50_ms, self.p99_ms, self.max_ms)
    }
}

/// What a measurement came to.
struct Figure {
    posts: usize,
    per_second: f64,
    waits: Waits,
    /// Without what the host stole while they waited.
    own: Waits,
    stolen: Duration,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { per_second, waits, own, stolen, .. } = self;
        write!(f, "{per_second:.0} posts/s, {waits}; but for {} ms stolen: {own}", stolen.as_millis())
    }
}

async fn run(senders: Vec<Sender>, until: Until) -> Figure {
    let post = |sender: Sender, until: Until| async move {
        // The first post opens the connection.
        sender.post(0).await;
        let mut times = Vec::new();
        while until.goes_on() {
            let begun = Instant::now();
            times.push((begun, sender.post(times.len()).await));
        }
        times
    };
    let begun = Instant::now();
    let tasks: Vec<_> = senders.into_iter().map(|sender| tokio::spawn(post(sender, until.clone()))).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let ended = Instant::now();
    let own = |&(begun, took): &(Instant, Duration)| took.saturating_sub(stolen::of_one(begun, begun + took));
    Figure {
        posts: times.len(),
        per_second: times.len() as f64 / (ended - begun).as_secs_f64(),
        own: Waits::of(times.iter().map(own).collect()),
        waits: Waits::of(times.into_iter().map(|(_, took)| took).collect()),
        stolen: stolen::of_all(begun, ended),
    }
}
