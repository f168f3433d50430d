//! How fast the bundled model embeds, and how that compares with ONNX Runtime on the same file.
//!
//! Run `cargo bench --bench embedding`, on a quiet machine or with priority (`nice -n -20`, `chrt -f 50`).
//! Both engines take turns within each round, so that a busy moment meets both; a figure is the median of the
//! rounds. Time runs from text to vector, tokenising included. A query is one text over all threads; chunks are
//! spread over the threads, one each. Without the Python environment that `make assets` leaves in the cache,
//! only our own figures are printed.
#![allow(clippy::print_stdout, reason = "a benchmark reports on the terminal")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use frontdesk::search::embedder::MiniLm;
use serde_json::json;

const ROUNDS: usize = 5;
const QUERIES_PER_ROUND: usize = 100;
const CHUNKS_PER_ROUND: usize = 12;

const QUERIES: [&str; 6] = [
    "How do I reset my password if I lost my phone?",
    "Can I get my money back for a yearly plan?",
    "Which file formats can I export the report to?",
    "The widget does not load in Safari, what now?",
    "How many seats does the Team plan come with?",
    "Where do I find the invoices of last year?",
];

const PARAGRAPH: &str = "To restore a backup, stop the appliance, move the old data directory aside and run the \
    restore command with the archive. The archive is verified before anything is written; a damaged archive changes \
    nothing. When the appliance starts again it replays the index log, so that both indexes agree with the \
    documents, and reports how long that took. ";

fn main() -> Result<()> {
    let chunk = chunk_of(MiniLm::bundled()?.with_threads(1), MiniLm::TEXT_TOKENS_MAX - 2);
    let mut other = OnnxRuntime::start().ok();
    if other.is_none() {
        println!("ONNX Runtime: not found; run `make assets` for the comparison.");
    }
    println!("query: 12 to 14 tokens with marks; chunk: 250 to 256 tokens; median of {ROUNDS} rounds\n");
    for threads in [1, 2] {
        let model = MiniLm::bundled()?.with_threads(threads);
        compare(&model, other.as_mut(), threads, &chunk)?;
    }
    Ok(())
}

/// Repeats the paragraph, word by word, up to about this many tokens.
fn chunk_of(model: MiniLm, tokens: usize) -> String {
    let mut chunk = String::new();
    for word in PARAGRAPH.split_whitespace().cycle() {
        let longer = format!("{chunk}{word} ");
        if model.token_count(&longer) > tokens {
            break;
        }
        chunk = longer;
    }
    chunk
}

#[derive(Default)]
struct Figures {
    query_p50_ms: Vec<f64>,
    query_p99_ms: Vec<f64>,
    chunks_per_second: Vec<f64>,
}

impl Figures {
    fn add(&mut self, mut queries_ms: Vec<f64>, chunks_ms: f64) {
        queries_ms.sort_unstable_by(f64::total_cmp);
        self.query_p50_ms.push(quantile(&queries_ms, 50));
        self.query_p99_ms.push(quantile(&queries_ms, 99));
        self.chunks_per_second.push(CHUNKS_PER_ROUND as f64 * 1000.0 / chunks_ms);
    }

    fn print(&self, engine: &str, threads: usize) {
        println!(
            "{engine:<13} {threads} thread(s)  query p50 {:6.2} ms  p99 {:6.2} ms  {:6.1} chunks/s",
            median(&self.query_p50_ms),
            median(&self.query_p99_ms),
            median(&self.chunks_per_second)
        );
    }
}

fn quantile(sorted: &[f64], percent: usize) -> f64 {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 50)
}

fn compare(model: &MiniLm, mut other: Option<&mut OnnxRuntime>, threads: usize, chunk: &str) -> Result<()> {
    let queries: Vec<&str> = QUERIES.into_iter().cycle().take(QUERIES_PER_ROUND).collect();
    let chunks = vec![chunk; CHUNKS_PER_ROUND];
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    // The first round warms both up and is not counted.
    for round in 0..=ROUNDS {
        let (queries_ms, chunks_ms) = measure(model, &queries, &chunks)?;
        let measured = other.as_mut().map(|other| other.measure(threads, &queries, &chunks)).transpose()?;
        if round > 0 {
            ours.add(queries_ms, chunks_ms);
            if let Some((queries_ms, chunks_ms)) = measured {
                theirs.add(queries_ms, chunks_ms);
            }
        }
    }
    ours.print("rten", threads);
    if other.is_some() {
        theirs.print("ONNX Runtime", threads);
        println!(
            "rten / ONNX Runtime: {:.2} of the queries/s, {:.2} of the chunks/s\n",
            median(&theirs.query_p50_ms) / median(&ours.query_p50_ms),
            median(&ours.chunks_per_second) / median(&theirs.chunks_per_second)
        );
    }
    Ok(())
}

fn measure(model: &MiniLm, queries: &[&str], chunks: &[&str]) -> Result<(Vec<f64>, f64)> {
    let mut queries_ms = Vec::new();
    for query in queries {
        let begun = Instant::now();
        std::hint::black_box(model.embed_query(query)?);
        queries_ms.push(milliseconds(begun.elapsed()));
    }
    let begun = Instant::now();
    std::hint::black_box(model.embed_passages(chunks)?);
    Ok((queries_ms, milliseconds(begun.elapsed())))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The Python side, `embedding_onnxruntime.py`: a request and an answer are one line of JSON each.
struct OnnxRuntime {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl OnnxRuntime {
    fn start() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(model_cache()?.join("current/python/bin/python"))
            .arg(root.join("benches/embedding_onnxruntime.py"))
            .arg(root.join("data/models"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take().context("the requests' pipe")?;
        let answers = BufReader::new(child.stdout.take().context("the answers' pipe")?);
        Ok(Self { child, requests, answers })
    }

    fn measure(&mut self, threads: usize, queries: &[&str], chunks: &[&str]) -> Result<(Vec<f64>, f64)> {
        writeln!(self.requests, "{}", json!({ "threads": threads, "queries": queries, "chunks": chunks }))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("ONNX Runtime stopped; see its message above")
    }
}

impl Drop for OnnxRuntime {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where `packaging/models/build.sh` keeps its Python environment.
fn model_cache() -> Result<PathBuf> {
    if let Some(cache) = std::env::var_os("FRONTDESK_MODEL_CACHE") {
        return Ok(cache.into());
    }
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Ok(base.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("frontdesk/models"))
}
