//! Durable posts over HTTPS: one sender, and 64 at a time, into one tenant.
//!
//! `cargo bench --bench posts` runs the whole appliance in this process on a free port and prints posts a second, p50 and
//! p99 in milliseconds, and how many times one sender's posts 64 senders make. Senders are programs with an API key, so that
//! the assistant has nothing to answer; each keeps one connection open and has a conversation of its own. `POSTS` sets how many
//! each measurement makes.
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

use std::time::{Duration, Instant};

use sender::{SENDERS, Sender, Serving};

const WARM_UP: usize = 20;

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let posts = std::env::var("POSTS").ok().and_then(|text| text.parse().ok()).unwrap_or(12_000);
    tokio::runtime::Runtime::new().unwrap().block_on(measure(posts));
}

async fn measure(posts: usize) {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path()).await;
    let senders = serving.senders().await;
    let one = run(&senders[..1], posts / 8).await;
    println!(" 1 sender:  {one}");
    let many = run(&senders, posts).await;
    println!("{SENDERS} senders: {many}");
    println!("{SENDERS} senders post {:.1} times as much as one", many.per_second / one.per_second);
    serving.stop().await;
}

/// What a measurement came to.
struct Figure {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} posts/s, p50 {:.2} ms, p99 {:.2} ms", self.per_second, self.p50_ms, self.p99_ms)
    }
}

async fn run(senders: &[Sender], posts: usize) -> Figure {
    post_all(senders, WARM_UP).await;
    let begun = Instant::now();
    let mut times = post_all(senders, posts / senders.len()).await;
    let total = begun.elapsed();
    times.sort_unstable();
    let ms = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
    Figure { per_second: times.len() as f64 / total.as_secs_f64(), p50_ms: ms(50), p99_ms: ms(99) }
}

async fn post_all(senders: &[Sender], each: usize) -> Vec<Duration> {
    let tasks: Vec<_> = senders
        .iter()
        .cloned()
        .map(|sender| {
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(each);
                for number in 0..each {
                    times.push(sender.post(number).await);
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    times
}
