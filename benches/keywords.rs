//! The keyword index at the size of a large tenant: 100,000 chunks of 80 words from a vocabulary with a natural (Zipf) spread.
//!
//! Prints the time to build, the size, the latency of questions with and without filling in scores, and of single and batched commits.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement prints, and may stop"
)]

use std::time::{Duration, Instant};

use frontdesk::search::keywords::{Change, Entry, KeywordIndex, Language};

const CHUNKS: u64 = 100_000;
const WORDS: usize = 80;
const VOCABULARY: f64 = 60_000.0;

/// Deterministic numbers (SplitMix64), so that every run measures the same work.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn word(&mut self) -> String {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let rank = VOCABULARY.powf(uniform) as u64;
        let mut word = String::new();
        let mut rest = rank.wrapping_mul(2_654_435_761) % 1_000_003;
        while rest > 0 {
            word.push(char::from(b'a' + u8::try_from(rest % 26).unwrap()));
            rest /= 26;
        }
        if rank % 97 == 0 { format!("{word}-{rank}") } else { word }
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

fn put(chunk: u64, body: &str) -> Change<'_> {
    Change::Put(Entry {
        chunk,
        document: u128::from(chunk / 20),
        language: Language::ENGLISH,
        title: "A title",
        headings: &[],
        body,
    })
}

fn spread(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{name:<44} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99));
}

fn measure(rounds: usize, mut work: impl FnMut()) -> Vec<Duration> {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let index = KeywordIndex::open(folder.path()).unwrap();
    let mut numbers = Numbers(42);
    let start = Instant::now();
    for batch in 0..CHUNKS / 5_000 {
        let bodies: Vec<String> = (0..5_000).map(|_| numbers.text(WORDS)).collect();
        let changes: Vec<Change<'_>> =
            (batch * 5_000..).zip(&bodies).map(|(chunk, body)| put(chunk, body)).collect();
        index.apply(&changes, batch).unwrap();
    }
    println!(
        "{CHUNKS} chunks of {WORDS} words in {:.1} s, {:.1} MB",
        start.elapsed().as_secs_f64(),
        index.size_bytes().unwrap() as f64 / 1e6
    );

    let questions: Vec<String> = (0..500).map(|_| numbers.text(8)).collect();
    let mut next = questions.iter().cycle();
    spread(
        "question of 8 words, top 50",
        measure(500, || drop(index.search(next.next().unwrap(), 50, None).unwrap())),
    );
    let tenth = |chunk: u64| chunk % 10 == 0;
    spread(
        "the same, a tenth passes the filter",
        measure(500, || drop(index.search(next.next().unwrap(), 50, Some(&tenth)).unwrap())),
    );
    let given: Vec<u64> = (0..100).map(|n| n * 997).collect();
    spread(
        "scores of 100 given chunks",
        measure(500, || drop(index.scores(next.next().unwrap(), &given).unwrap())),
    );

    let mut chunk = CHUNKS;
    let mut commit = |size: u64, rounds| {
        measure(rounds, || {
            let bodies: Vec<String> = (0..size).map(|_| numbers.text(WORDS)).collect();
            let changes: Vec<Change<'_>> =
                (chunk..).zip(&bodies).map(|(chunk, body)| put(chunk, body)).collect();
            index.apply(&changes, chunk).unwrap();
            chunk += size;
        })
    };
    spread("commit of 1 chunk", commit(1, 40));
    spread("commit of 50 chunks", commit(50, 20));
    index.rest().unwrap();
    let start = Instant::now();
    drop(index);
    KeywordIndex::open(folder.path()).unwrap();
    println!("open, with every checksum verified            {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}
