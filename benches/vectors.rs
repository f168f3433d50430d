//! The vector index at 100,000 chunks of 384 dimensions: scan, graph, and the graph library bare.
//!
//! `cargo bench --bench vectors` prints one line per figure. `CHUNKS` sets another size; `GRAPH=0` leaves the
//! graphs out, which take minutes to build. Data: 4,000 centres with noise that leaves a cosine of about 0.86
//! between neighbours, as passages of the same documents have.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use frontdesk::search::vectors::{Filter, Settings, VectorIndex};
use hnsw_rs::anndists::dist::DistDot;
use hnsw_rs::hnsw::Hnsw;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const DIMENSIONS: usize = 384;
const QUERIES: usize = 500;
const LIMIT: usize = 10;

type Answers = Vec<Vec<u64>>;

fn main() {
    let chunks = std::env::var("CHUNKS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let graphs = std::env::var("GRAPH").map_or(true, |text| text != "0");
    let (rows, queries) = data(chunks);
    let read = |chunk: u64, into: &mut [f32]| {
        into.copy_from_slice(&rows[chunk as usize]);
        true
    };
    let resident = resident_mb();
    let settings = Settings { hnsw_chunks_min: usize::MAX, ..Settings::default() };
    let scan = VectorIndex::new(DIMENSIONS, "bench", settings);
    let began = Instant::now();
    for (chunk, row) in (0..).zip(&rows) {
        scan.add(chunk, row).unwrap();
    }
    let each_us = began.elapsed().as_secs_f64() * 1e6 / chunks as f64;
    let memory = scan.bytes().rows_bytes as f64 / 1e6;
    println!(
        "scan: {chunks} chunks, add {each_us:.1} us, {memory:.0} MB (resident +{:.0})",
        resident_mb() - resident
    );
    let (found, times) = timed(&queries, |query| ids(&scan, query, &read));
    let truth: Answers = queries.iter().take(100).map(|query| brute_force(&rows, query)).collect();
    println!(
        "scan: {}, recall@10 {:.4} of 100 brute-force answers",
        percentiles(times),
        recall(&found, &truth)
    );
    let truth = found;
    if graphs {
        wrapped(&rows, &queries, &truth);
        bare(&rows, &queries, &truth);
    }
}

fn ids(index: &VectorIndex, query: &[f32], read: &dyn Fn(u64, &mut [f32]) -> bool) -> Vec<u64> {
    let read = |chunk: u64, into: &mut [f32]| read(chunk, into);
    index.search(query, LIMIT, Filter::All, &read).unwrap().iter().map(|hit| hit.chunk).collect()
}

fn wrapped(rows: &[Vec<f32>], queries: &[Vec<f32>], truth: &Answers) {
    let resident = resident_mb();
    let read = |chunk: u64, into: &mut [f32]| {
        into.copy_from_slice(&rows[chunk as usize]);
        true
    };
    let directory = tempfile::tempdir().unwrap();
    let index = VectorIndex::new(DIMENSIONS, "bench", Settings { hnsw_chunks_min: 1, ..Settings::default() });
    for (chunk, row) in (0..).zip(rows) {
        index.add(chunk, row).unwrap();
    }
    let began = Instant::now();
    index.plan_rebuild().unwrap().run(&AtomicBool::new(false)).unwrap();
    let (memory, seconds) = (index.bytes(), began.elapsed().as_secs_f64());
    println!(
        "graph: built in {seconds:.0} s, graph {:.0} MB by its own estimate, rows {:.0} MB (resident +{:.0} both)",
        memory.graph_bytes as f64 / 1e6,
        memory.rows_bytes as f64 / 1e6,
        resident_mb() - resident
    );
    let began = Instant::now();
    index.save(directory.path(), 1).unwrap();
    println!("graph: saved in {:.2} s", began.elapsed().as_secs_f64());
    drop(index);
    for effort in [32, 64, 96, 128, 192, 256] {
        let settings = Settings { hnsw_chunks_min: 1, hnsw_search_effort: effort, ..Settings::default() };
        let began = Instant::now();
        let (index, _) = VectorIndex::load(directory.path(), DIMENSIONS, "bench", settings).unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let (found, times) = timed(queries, |query| ids(&index, query, &read));
        let share = recall(&found, truth);
        println!(
            "graph: ef {effort}: recall@10 {share:.4}, {} (reloaded in {seconds:.2} s)",
            percentiles(times)
        );
    }
}

fn bare(rows: &[Vec<f32>], queries: &[Vec<f32>], truth: &Answers) {
    let resident = resident_mb();
    let began = Instant::now();
    let graph = Hnsw::<f32, DistDot>::new(16, rows.len(), 16, 200, DistDot);
    for (id, row) in rows.iter().enumerate() {
        graph.insert((row, id));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("bare: built in {seconds:.0} s (resident +{:.0} MB)", resident_mb() - resident);
    for effort in [32, 64, 96, 128, 192, 256] {
        let (found, times) = timed(queries, |query| {
            graph.search(query, LIMIT, effort).iter().map(|near| near.d_id as u64).collect()
        });
        println!("bare: ef {effort}: recall@10 {:.4}, {}", recall(&found, truth), percentiles(times));
    }
}

/// Rows and queries of length one (just under, for the bare library's assertion).
fn data(chunks: usize) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let mut rng = StdRng::seed_from_u64(4);
    let mut random = |scale: f32| -> Vec<f32> {
        (0..DIMENSIONS).map(|_| (0..4).map(|_| rng.random_range(-1.0f32..1.0)).sum::<f32>() * scale).collect()
    };
    // Centres themselves share a few themes, so that the space is not equally empty everywhere.
    let themes: Vec<_> = (0..60).map(|_| random(1.0)).collect();
    let centres: Vec<_> = (0..4_000).map(|i| sum(&themes[i % themes.len()], &random(1.0))).collect();
    let mut near = |index: usize| unit(&sum(&centres[index % centres.len()], &random(0.57)));
    let rows = (0..chunks).map(|i| near(i * 7)).collect();
    let queries = (0..QUERIES).map(|i| near(i * 13 + 5)).collect();
    (rows, queries)
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(x, y)| x + y).collect()
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt() * 1.000_001;
    vector.iter().map(|x| x / norm).collect()
}

fn brute_force(rows: &[Vec<f32>], query: &[f32]) -> Vec<u64> {
    let dot =
        |row: &[f32]| -> f64 { row.iter().zip(query).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
    let mut all: Vec<(f64, u64)> = rows.iter().zip(0..).map(|(row, id)| (dot(row), id)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.iter().take(LIMIT).map(|(_, id)| *id).collect()
}

fn timed(queries: &[Vec<f32>], search: impl Fn(&[f32]) -> Vec<u64>) -> (Answers, Vec<f64>) {
    queries.iter().take(50).for_each(|query| drop(search(query)));
    let one = |query: &Vec<f32>| {
        let began = Instant::now();
        let found = search(query);
        (found, began.elapsed().as_secs_f64() * 1e3)
    };
    queries.iter().map(one).unzip()
}

fn percentiles(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    format!("p50 {:.2} ms, p99 {:.2} ms, mean {mean:.2} ms", at(0.5), at(0.99))
}

fn recall(found: &Answers, truth: &Answers) -> f64 {
    let hits = found.iter().zip(truth).map(|(found, truth)| {
        let truth: HashSet<_> = truth.iter().collect();
        found.iter().filter(|id| truth.contains(id)).count()
    });
    hits.sum::<usize>() as f64 / (truth.len() * LIMIT) as f64
}

/// Resident memory of this process, where the system tells.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0);
    kib / 1e3
}
