//! Retrieval from 100,000 chunks, the question's embedding included: `Knowledge::retrieve` on a keyspace on disk.
//!
//! `taskset -c 0 cargo bench --bench retrieval` prints p50 and p99 of the whole and of its parts, and the memory. `CHUNKS`
//! sets another size; `GRAPH=1` lets the index build its graph first, which takes minutes.
//!
//! The documents' rows are written directly, with vectors around 4,000 centres and texts of 40 to 80 words whose frequencies
//! fall off as those of a language do: embedding so many passages would take an hour and change nothing of what is measured.
//! The rows of `knowledge.document` and `knowledge.place` are mirrored here; the bench fails if they do not read back.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use frontdesk::base::{Clock as _, DocumentId, SystemClock, TenantId, Timestamp};
use frontdesk::files::BlobHash;
use frontdesk::identity::Pass;
use frontdesk::knowledge::extract::{Extractor, Limits};
use frontdesk::knowledge::{DocumentState, Failure, Knowledge, Options, Settings};
use frontdesk::search::embedder::MiniLm;
use frontdesk::search::index::{self, Group, Passage, TenantIndex};
use frontdesk::store::{Keyspace, Store, StoreOptions, tables};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

const DIMENSIONS: usize = 384;
const CENTRES: usize = 4_000;
const CHUNKS_PER_DOCUMENT: u32 = 50;
const QUERIES: usize = 500;
const WARM_UP: usize = 20;
const DOCUMENTS_PER_COMMIT: usize = 20;

#[derive(Debug, Serialize, Deserialize)]
struct VersionRow {
    group: u64,
    title: String,
    media_type: String,
    text: BlobHash,
    passages: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct DocumentRow {
    name: String,
    title: String,
    media_type: String,
    size_bytes: u64,
    content: BlobHash,
    generation: u64,
    state: DocumentState,
    language: Option<String>,
    failure: Option<Failure>,
    active: Option<VersionRow>,
    pending: Option<()>,
    created: Timestamp,
    updated: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceRow {
    start: u64,
    end: u64,
    page: Option<u32>,
}

tables! {
    Documents = "knowledge.document": DocumentId => DocumentRow;
    Places = "knowledge.place": u64 => PlaceRow;
}

fn main() {
    let chunks: usize = std::env::var("CHUNKS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let with_graph = std::env::var("GRAPH").is_ok_and(|text| text == "1");
    let folder = tempfile::tempdir().unwrap();
    let embedder = Arc::new(MiniLm::bundled().unwrap());
    let store = Store::open(folder.path(), StoreOptions::default(), Arc::new(SystemClock)).unwrap();
    let keyspace = store.tenant(TenantId::from_bytes([1; 16])).unwrap();
    let begun = Instant::now();
    Filler::new().fill(&keyspace, chunks, embedder.model_id());
    println!("{chunks} chunks written in {:.1} s", begun.elapsed().as_secs_f64());
    let extractor = Extractor::new(PathBuf::from("/nonexistent"), Limits::default(), 1);
    let knowledge = Knowledge::new(embedder, extractor, Arc::new(SystemClock), Settings::default());
    let indexes = TenantIndex::of(&keyspace);
    let begun = Instant::now();
    indexes.catch_up(&keyspace).unwrap();
    println!("indexes built in {:.1} s, {:.0} MB resident", begun.elapsed().as_secs_f64(), resident_mb());
    if with_graph {
        let begun = Instant::now();
        indexes.tend(&keyspace, &AtomicBool::new(false)).unwrap();
        println!("tended in {:.1} s, {:.0} MB resident", begun.elapsed().as_secs_f64(), resident_mb());
    }
    ask_all(&knowledge, &keyspace, chunks);
}

/// Asks one question after another and prints how long they took.
fn ask_all(knowledge: &Knowledge, keyspace: &Keyspace, chunks: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut words = Words::new();
    let questions: Vec<String> = (0..QUERIES + WARM_UP).map(|_| words.question()).collect();
    let (mut whole, mut parts) = (Vec::new(), [const { Vec::new() }; 5]);
    for (number, question) in questions.iter().enumerate() {
        let pass = Pass::appliance("a benchmark");
        let begun = Instant::now();
        let asked = knowledge.retrieve(keyspace, pass, question, Options { limit: 8, ..Options::default() });
        let found = runtime.block_on(asked).unwrap();
        let took = begun.elapsed();
        assert_eq!((found.passages.len(), found.explanation.indexed), (8, chunks), "{question}");
        if number >= WARM_UP {
            let timings = found.explanation.timings;
            let times =
                [timings.embed_us, timings.semantic_us, timings.keyword_us, timings.fill_us, timings.fuse_us];
            parts.iter_mut().zip(times).for_each(|(part, us)| part.push(Duration::from_micros(us)));
            whole.push(took);
        }
    }
    println!("retrieve: {}, {:.0} MB resident", percentiles(&mut whole), resident_mb());
    for (name, part) in ["embed", "semantic", "keyword", "fill", "fuse"].into_iter().zip(&mut parts) {
        println!("  {name}: {}", percentiles(part));
    }
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let ms = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
    format!("p50 {:.2} ms, p99 {:.2} ms", ms(50), ms(99))
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1e3
}

/// Words by rank, the frequent ones being those of English.
struct Words {
    dice: StdRng,
}

const FREQUENT: [&str; 40] = [
    "the", "of", "and", "to", "a", "in", "is", "for", "that", "it", "with", "as", "on", "be", "by", "this",
    "are", "or", "from", "at", "machine", "water", "filter", "setting", "error", "button", "cable", "order",
    "return", "warranty", "account", "password", "delivery", "invoice", "update", "connect", "reset",
    "screen", "clean", "replace",
];
const RANKS: f64 = 60_000.0;

impl Words {
    fn new() -> Self {
        Self { dice: StdRng::seed_from_u64(2) }
    }

    /// A word whose rank is drawn by Zipf's law.
    fn word(&mut self) -> String {
        let rank = RANKS.powf(self.dice.random_range(0.0..1.0)) as usize - 1;
        FREQUENT.get(rank).map_or_else(|| made_up(rank), |word| (*word).to_owned())
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn question(&mut self) -> String {
        let words = self.dice.random_range(4..12);
        format!("How do I {}?", self.text(words))
    }
}

/// A pronounceable word for a number.
fn made_up(rank: usize) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "ve"];
    let mut word = String::new();
    let mut rest = rank;
    while rest > 0 {
        word.push_str(SYLLABLES[rest % 16]);
        rest /= 16;
    }
    word
}

/// Writes documents of passages as ingestion leaves them.
struct Filler {
    dice: StdRng,
    words: Words,
    centres: Vec<Vec<f32>>,
}

type Passages = Vec<(Passage, Vec<f32>)>;

impl Filler {
    fn new() -> Self {
        let mut dice = StdRng::seed_from_u64(1);
        let centres =
            (0..CENTRES).map(|_| unit((0..DIMENSIONS).map(|_| noise(&mut dice)).collect())).collect();
        Self { dice, words: Words::new(), centres }
    }

    fn fill(&mut self, keyspace: &Keyspace, chunks: usize, model: &'static str) {
        let mut left = chunks as u32;
        while left > 0 {
            let mut documents: Vec<Passages> = Vec::new();
            while left > 0 && documents.len() < DOCUMENTS_PER_COMMIT {
                let passages = left.min(CHUNKS_PER_DOCUMENT);
                documents.push((0..passages).map(|_| self.passage()).collect());
                left -= passages;
            }
            let written = keyspace.write_blocking(move |tx| {
                documents.iter().try_for_each(|passages| write_document(tx, passages, model))
            });
            written.unwrap();
        }
    }

    fn passage(&mut self) -> (Passage, Vec<f32>) {
        let centre = self.dice.random_range(0..CENTRES);
        let words = self.dice.random_range(40..=80);
        let text = self.words.text(words);
        // Leaves a cosine of about 0.86 between neighbours.
        let spread = 0.4 / (DIMENSIONS as f32).sqrt();
        let vector =
            self.centres[centre].clone().into_iter().map(|value| value + spread * noise(&mut self.dice));
        let vector = unit(vector.collect());
        let hash = blake3::hash(text.as_bytes()).as_bytes().to_vec().into();
        (Passage { headings: vec![self.words.text(3)], text, hash }, vector)
    }
}

fn write_document(
    tx: &mut frontdesk::store::WriteTx<'_>,
    passages: &Passages,
    model: &str,
) -> Result<(), index::Error> {
    let now = SystemClock.now();
    let id = DocumentId::new(now);
    let group = index::begin(tx)?;
    let count = passages.len() as u32;
    for (place, (passage, vector)) in (0..).zip(passages) {
        let number = index::add(tx, group, place, passage, Some(vector))?;
        tx.put::<Places>(&number, &PlaceRow { start: 0, end: passage.text.len() as u64, page: None })?;
    }
    let (title, language) = (format!("Manual {group}"), Some("en".to_owned()));
    let row = Group {
        owner: id,
        title: title.clone(),
        language: language.clone(),
        passages: count,
        model: model.into(),
    };
    index::prepare(tx, group, &row)?;
    index::show(tx, group)?;
    let text = BlobHash::of(&group.to_be_bytes());
    let media_type = "text/markdown".to_owned();
    let active =
        VersionRow { group, title: title.clone(), media_type: media_type.clone(), text, passages: count };
    let document = DocumentRow {
        name: format!("manuals/{group}.md"),
        title,
        media_type,
        size_bytes: 1,
        content: text,
        generation: 1,
        state: DocumentState::Ready,
        language,
        failure: None,
        active: Some(active),
        pending: None,
        created: now,
        updated: now,
    };
    Ok(tx.put::<Documents>(&id, &document)?)
}

/// About normal, by Irwin and Hall.
fn noise(dice: &mut StdRng) -> f32 {
    (0..4).map(|_| dice.random_range(-1.0..1.0)).sum::<f32>() * 0.866
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= norm);
    vector
}
