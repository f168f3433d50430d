//! The index against brute force, under change, under concurrency, and back from disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Error, Filter, Hit, Settings, VectorIndex};

const DIMENSIONS: usize = 48;

/// Small enough that a test has a graph within a second.
fn settings() -> Settings {
    Settings {
        hnsw_chunks_min: 900,
        hnsw_build_effort: 60,
        hnsw_search_effort: 120,
        hnsw_tail_max: 1_024,
        filtered_scan_max: 200,
        dead_rows_min: 200,
        ..Settings::default()
    }
}

fn scan_only() -> Settings {
    Settings { hnsw_chunks_min: usize::MAX, dead_rows_min: usize::MAX, ..settings() }
}

/// What the database holds, and the answers of brute force.
#[derive(Default, Clone)]
struct Truth(BTreeMap<u64, Vec<f32>>);

impl Truth {
    fn read(&self, chunk: u64, into: &mut [f32]) -> bool {
        self.0.get(&chunk).is_some_and(|vector| {
            into.copy_from_slice(vector);
            true
        })
    }

    fn nearest(&self, query: &[f32], limit: usize, passes: impl Fn(u64) -> bool) -> Vec<Hit> {
        let rows = self.0.iter().filter(|(chunk, _)| passes(**chunk));
        let mut hits: Vec<Hit> =
            rows.map(|(&chunk, vector)| Hit { chunk, cosine: cosine(query, vector) }).collect();
        hits.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        hits.truncate(limit);
        hits
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn random(rng: &mut StdRng, dimensions: usize) -> Vec<f32> {
    (0..dimensions).map(|_| (0..4).map(|_| rng.random_range(-1.0f32..1.0)).sum()).collect()
}

/// Vectors around a few centres, about as near to each other as passages of one document are.
fn clustered(seed: u64, count: usize, dimensions: usize) -> Truth {
    let mut rng = StdRng::seed_from_u64(seed);
    let centres: Vec<_> = (0..count / 25 + 1).map(|_| random(&mut rng, dimensions)).collect();
    let vectors = (0..count as u64).map(|chunk| {
        let centre = &centres[rng.random_range(0..centres.len())];
        let noise = random(&mut rng, dimensions);
        (chunk, centre.iter().zip(noise).map(|(c, n)| c + 0.6 * n).collect())
    });
    Truth(vectors.collect())
}

fn filled(truth: &Truth, dimensions: usize, settings: Settings) -> VectorIndex {
    let index = VectorIndex::new(dimensions, "model", settings);
    for (&chunk, vector) in &truth.0 {
        index.add(chunk, vector).unwrap();
    }
    index
}

fn maintained(index: VectorIndex) -> VectorIndex {
    while let Some(rebuild) = index.plan_rebuild() {
        rebuild.run(&AtomicBool::new(false)).unwrap();
    }
    index
}

fn search(index: &VectorIndex, truth: &Truth, query: &[f32], limit: usize, filter: Filter<'_>) -> Vec<Hit> {
    index.search(query, limit, filter, &|chunk, into: &mut [f32]| truth.read(chunk, into)).unwrap()
}

/// The share of the true ten nearest that the index finds for queries near its vectors.
fn recall(index: &VectorIndex, truth: &Truth, filter: Filter<'_>, passes: impl Fn(u64) -> bool) -> f64 {
    let mut rng = StdRng::seed_from_u64(99);
    let (mut found, mut wanted) = (0, 0);
    for vector in truth.0.values().step_by(truth.0.len() / 60 + 1) {
        let noise = random(&mut rng, vector.len());
        let query: Vec<f32> = vector.iter().zip(noise).map(|(v, n)| v + 0.5 * n).collect();
        let expected = truth.nearest(&query, 10, &passes);
        let hits = search(index, truth, &query, 10, filter);
        assert!(hits.is_sorted_by(|a, b| a.cosine >= b.cosine));
        assert!(hits.iter().all(|hit| passes(hit.chunk)));
        let worst = expected.last().map_or(0.0, |hit| hit.cosine) - 1e-5;
        wanted += expected.len();
        found += hits.iter().filter(|hit| hit.cosine >= worst).count();
    }
    f64::from(found as u32) / f64::from(wanted as u32)
}

#[test]
fn the_scan_finds_exactly_what_brute_force_finds() {
    let mut rng = StdRng::seed_from_u64(1);
    let random = Truth((0..1_500).map(|chunk| (chunk, random(&mut rng, 100))).collect());
    for (truth, dimensions) in [(random, 100), (clustered(2, 1_500, 384), 384), (clustered(3, 700, 33), 33)] {
        let index = filled(&truth, dimensions, scan_only());
        assert!((recall(&index, &truth, Filter::All, |_| true) - 1.0).abs() < f64::EPSILON);
    }
}

#[test]
fn near_duplicates_are_ranked_exactly() {
    let mut rng = StdRng::seed_from_u64(5);
    let centre = random(&mut rng, 384);
    let near = |rng: &mut StdRng| random(rng, 384).iter().zip(&centre).map(|(n, c)| c + 0.02 * n).collect();
    let truth = Truth((0..400).map(|chunk| (chunk, near(&mut rng))).collect());
    let index = filled(&truth, 384, scan_only());
    let share = recall(&index, &truth, Filter::All, |_| true);
    assert!(share > 0.99, "{share}");
}

#[test]
fn the_graph_finds_nearly_all() {
    let truth = clustered(7, 2_000, DIMENSIONS);
    let index = maintained(filled(&truth, DIMENSIONS, settings()));
    assert!(index.has_graph());
    let share = recall(&index, &truth, Filter::All, |_| true);
    assert!(share > 0.98, "{share}");
}

#[test]
fn filters_of_any_width_find_what_passes() {
    let truth = clustered(8, 2_000, DIMENSIONS);
    for index in [filled(&truth, DIMENSIONS, scan_only()), maintained(filled(&truth, DIMENSIONS, settings()))]
    {
        for every in [100, 10, 2] {
            let passes = |chunk: u64| chunk.is_multiple_of(every);
            let share = recall(&index, &truth, Filter::Where(&passes), passes);
            assert!(share > 0.98, "one in {every}: {share}");
            let chunks: Vec<u64> = (0..4_000).filter(|&chunk| passes(chunk)).collect();
            let share = recall(&index, &truth, Filter::Only(&chunks), passes);
            assert!(share > 0.98, "one in {every} by number: {share}");
        }
        let nobody = search(&index, &truth, &truth.0[&0], 10, Filter::Where(&|_| false));
        assert!(nobody.is_empty());
        assert!(search(&index, &truth, &truth.0[&0], 10, Filter::Only(&[])).is_empty());
        assert_eq!(search(&index, &truth, &truth.0[&3], 10, Filter::Only(&[3, 3, 3])).len(), 1);
    }
}

#[test]
fn removed_chunks_are_gone_and_their_rows_are_reclaimed() {
    let mut truth = clustered(9, 2_000, DIMENSIONS);
    let index = maintained(filled(&truth, DIMENSIONS, settings()));
    for chunk in (0..2_000).filter(|chunk| chunk % 5 < 2) {
        assert!(index.remove(chunk));
        assert!(!index.remove(chunk));
        truth.0.remove(&chunk);
    }
    assert_eq!(index.len(), 1_200);
    let full = index.bytes();
    for index in [index.clone(), maintained(index)] {
        let share = recall(&index, &truth, Filter::All, |_| true);
        assert!(share > 0.98, "{share}");
        assert!(!index.contains(0) && index.contains(2));
        assert_eq!(search(&index, &truth, &truth.0[&2], 1, Filter::All)[0].chunk, 2);
    }
    let index = maintained(filled(&truth, DIMENSIONS, settings()));
    assert!(index.bytes().rows_bytes < full.rows_bytes);
}

#[test]
fn adding_again_changes_nothing_and_another_vector_replaces() {
    let mut truth = clustered(10, 300, DIMENSIONS);
    let index = filled(&truth, DIMENSIONS, scan_only());
    let before = index.bytes();
    for (&chunk, vector) in &truth.0 {
        let longer: Vec<f32> = vector.iter().map(|x| x * 2.0).collect();
        index.add(chunk, &longer).unwrap();
    }
    assert_eq!((index.len(), index.bytes()), (300, before));
    let (old, new) = (truth.0[&5].clone(), truth.0[&200].iter().map(|x| -x).collect::<Vec<_>>());
    index.add(5, &new).unwrap();
    truth.0.insert(5, new.clone());
    assert_eq!(index.len(), 300);
    assert_eq!(search(&index, &truth, &new, 1, Filter::All)[0].chunk, 5);
    assert!(search(&index, &truth, &old, 1, Filter::All)[0].chunk != 5);
}

#[test]
fn three_hundred_duplicates_hide_nobody() {
    let mut truth = clustered(11, 1_500, DIMENSIONS);
    let header = truth.0[&77].clone();
    truth.0.extend((10_000..10_300).map(|chunk| (chunk, header.clone())));
    let index = maintained(filled(&truth, DIMENSIONS, settings()));
    assert!(index.has_graph());
    let found = |chunk: &u64| search(&index, &truth, &truth.0[chunk], 10, Filter::All)[0].chunk == *chunk;
    let hidden = (0..1_500).filter(|chunk| *chunk != 77 && !found(chunk)).count();
    assert!(hidden <= 3, "{hidden} vectors do not find themselves");
    let all = search(&index, &truth, &header, 301, Filter::All);
    assert_eq!(all.iter().filter(|hit| hit.cosine > 0.9999).count(), 301);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let index = VectorIndex::new(3, "model", Settings::default());
    assert!(matches!(index.add(1, &[0.0; 3]), Err(Error::Zero)));
    assert!(matches!(index.add(1, &[1.0, f32::NAN, 0.0]), Err(Error::NotFinite)));
    assert!(matches!(index.add(1, &[1.0; 4]), Err(Error::Dimensions { expected: 3, actual: 4 })));
    assert!(index.is_empty());
    let nothing = |_: u64, _: &mut [f32]| false;
    assert!(matches!(index.search(&[0.0; 3], 5, Filter::All, &nothing), Err(Error::Zero)));
    assert!(matches!(index.cosines(&[f32::INFINITY; 3], &[], &nothing), Err(Error::NotFinite)));
    assert!(index.search(&[1.0; 3], 5, Filter::All, &nothing).unwrap().is_empty());
    let none = VectorIndex::new(0, "model", Settings::default());
    assert!(matches!(none.add(1, &[]), Err(Error::Zero)));
}

#[test]
fn cosines_are_filled_in_for_known_chunks() {
    let truth = clustered(12, 50, DIMENSIONS);
    let index = filled(&truth, DIMENSIONS, scan_only());
    index.remove(3);
    let query = &truth.0[&7];
    let cosines =
        index.cosines(query, &[7, 3, 999, 8], &|chunk, into: &mut [f32]| truth.read(chunk, into)).unwrap();
    assert!((cosines[0].unwrap() - 1.0).abs() < 1e-6);
    assert_eq!((cosines[1], cosines[2]), (None, None));
    assert!((cosines[3].unwrap() - cosine(query, &truth.0[&8])).abs() < 1e-5);
}

#[test]
fn chunks_the_database_no_longer_has_are_not_hits() {
    let truth = clustered(13, 200, DIMENSIONS);
    let index = filled(&truth, DIMENSIONS, scan_only());
    let query = truth.0[&4].clone();
    let hits = index
        .search(&query, 5, Filter::All, &|chunk, into: &mut [f32]| chunk != 4 && truth.read(chunk, into))
        .unwrap();
    assert_eq!(hits.len(), 5);
    assert!(hits.iter().all(|hit| hit.chunk != 4));
}

#[test]
fn only_one_rebuild_runs_and_a_stopped_one_changes_nothing() {
    let truth = clustered(14, 1_200, DIMENSIONS);
    let index = filled(&truth, DIMENSIONS, settings());
    let first = index.plan_rebuild().unwrap();
    assert!(index.plan_rebuild().is_none());
    assert!(matches!(first.run(&AtomicBool::new(true)), Err(Error::Stopped)));
    assert!(!index.has_graph());
    let index = maintained(index);
    assert!(index.has_graph());
    assert!(index.plan_rebuild().is_none());
}

#[test]
fn searches_see_one_moment_while_chunks_come_go_and_the_graph_is_swapped() {
    let stable = clustered(15, 1_500, DIMENSIONS);
    let index = filled(&stable, DIMENSIONS, settings());
    let coming = clustered(16, 800, DIMENSIONS);
    let mut truth = stable.clone();
    truth.0.extend(coming.0.iter().map(|(chunk, vector)| (chunk + 100_000, vector.clone())));
    let (done, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let (index, truth, done) = (&index, &truth, &done);
                scope.spawn(move || {
                    let (mut searches, mut missed) = (0u32, 0u32);
                    while !done.load(Ordering::Relaxed) || searches < 200 {
                        let chunk = u64::from(searches * 7 + reader) % 1_500;
                        let hits = search(index, truth, &truth.0[&chunk], 10, Filter::All);
                        assert_eq!(hits.len(), 10);
                        assert!(hits.is_sorted_by(|a, b| a.cosine >= b.cosine));
                        let mut chunks: Vec<u64> = hits.iter().map(|hit| hit.chunk).collect();
                        chunks.sort_unstable();
                        chunks.dedup();
                        assert_eq!(chunks.len(), 10, "a chunk was found twice");
                        missed += u32::from(hits[0].chunk != chunk);
                        searches += 1;
                    }
                    (searches, missed)
                })
            })
            .collect();
        let writer = scope.spawn(|| {
            for (chunk, vector) in coming.0.iter().map(|(chunk, vector)| (chunk + 100_000, vector)) {
                index.add(chunk, vector).unwrap();
                if chunk % 3 == 0 {
                    index.remove(chunk);
                }
                if let Some((&chunk, vector)) = stable.0.range(chunk - 100_000..).next() {
                    index.add(chunk, vector.iter().map(|x| -x).collect::<Vec<_>>().as_slice()).unwrap();
                    index.add(chunk, vector).unwrap();
                }
            }
        });
        while let Some(rebuild) = index.plan_rebuild() {
            rebuild.run(&stop).unwrap();
        }
        writer.join().unwrap();
        while let Some(rebuild) = index.plan_rebuild() {
            rebuild.run(&stop).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            let (searches, missed) = reader.join().unwrap();
            // The writer turns vectors round for a moment, and a graph is not exact.
            assert!(missed * 50 <= searches, "{missed} of {searches} did not find themselves");
        }
    });
    truth.0.retain(|chunk, _| *chunk < 100_000 || chunk % 3 != 0);
    assert_eq!(index.len(), truth.0.len());
    assert!(index.has_graph());
    let share = recall(&index, &truth, Filter::All, |_| true);
    assert!(share > 0.98, "{share}");
}

fn load(directory: &Path) -> Result<(VectorIndex, u64), Error> {
    VectorIndex::load(directory, DIMENSIONS, "model", settings())
}

#[test]
fn a_snapshot_comes_back_as_it_was_and_can_be_changed() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(load(directory.path()), Err(Error::SnapshotMissing)));
    let mut truth = clustered(17, 2_000, DIMENSIONS);
    let index = maintained(filled(&truth, DIMENSIONS, settings()));
    for chunk in (0..300).chain(1_700..1_720) {
        index.remove(chunk);
        truth.0.remove(&chunk);
    }
    let late = clustered(18, 100, DIMENSIONS);
    for (chunk, vector) in late.0 {
        index.add(chunk + 50_000, &vector).unwrap();
        truth.0.insert(chunk + 50_000, vector);
    }
    index.save(directory.path(), 41).unwrap();
    index.save(directory.path(), 42).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5, "the first snapshot was cleared away");
    let (reloaded, position) = load(directory.path()).unwrap();
    assert_eq!((position, reloaded.len(), reloaded.has_graph()), (42, index.len(), true));
    for vector in truth.0.values().step_by(97) {
        let (one, other) = (&index, &reloaded);
        let hits = search(one, &truth, vector, 10, Filter::All);
        assert_eq!(hits, search(other, &truth, vector, 10, Filter::All));
    }
    for (chunk, vector) in clustered(19, 1_500, DIMENSIONS).0 {
        reloaded.add(chunk + 90_000, &vector).unwrap();
        truth.0.insert(chunk + 90_000, vector);
    }
    let reloaded = maintained(reloaded);
    let share = recall(&reloaded, &truth, Filter::All, |_| true);
    assert!(share > 0.98, "{share}");
    reloaded.save(directory.path(), 43).unwrap();
    assert_eq!(load(directory.path()).unwrap().0.len(), truth.0.len());
}

#[test]
fn a_small_and_an_empty_index_come_back_too() {
    let directory = tempfile::tempdir().unwrap();
    VectorIndex::new(DIMENSIONS, "model", settings()).save(directory.path(), 0).unwrap();
    assert!(load(directory.path()).unwrap().0.is_empty());
    let truth = clustered(20, 100, DIMENSIONS);
    filled(&truth, DIMENSIONS, settings()).save(directory.path(), 7).unwrap();
    let (index, position) = load(directory.path()).unwrap();
    assert_eq!((index.len(), position), (100, 7));
    assert!((recall(&index, &truth, Filter::All, |_| true) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_snapshot_of_another_model_or_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let truth = clustered(21, 100, DIMENSIONS);
    filled(&truth, DIMENSIONS, settings()).save(directory.path(), 7).unwrap();
    for (dimensions, model) in [(DIMENSIONS, "other"), (DIMENSIONS + 1, "model")] {
        let refused = VectorIndex::load(directory.path(), dimensions, model, settings());
        assert!(matches!(refused, Err(Error::SnapshotOfAnotherModel { .. })));
    }
    let path = directory.path().join("manifest");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    let end = bytes.len() - 32;
    let digest = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(digest.as_bytes());
    fs::write(&path, bytes).unwrap();
    assert!(matches!(load(directory.path()), Err(Error::SnapshotVersion { found: 9, .. })));
}

#[test]
fn any_damage_to_any_file_is_an_error_and_nothing_worse() {
    let directory = tempfile::tempdir().unwrap();
    let index = maintained(filled(&clustered(22, 1_000, DIMENSIONS), DIMENSIONS, settings()));
    index.save(directory.path(), 7).unwrap();
    let mut rng = StdRng::seed_from_u64(23);
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        let refused = |bytes: &[u8], how: &str| {
            fs::write(&path, bytes).unwrap();
            let answer = load(directory.path());
            assert!(
                matches!(answer, Err(Error::SnapshotDamaged { .. })),
                "{} {how}: {answer:?}",
                path.display()
            );
        };
        for part in 0..16 {
            refused(&whole[..whole.len() * part / 16], "truncated");
        }
        for _ in 0..16 {
            let mut changed = whole.clone();
            changed[rng.random_range(0..whole.len())] ^= 1 << rng.random_range(0..8u32);
            refused(&changed, "with a flipped bit");
        }
        refused(&[whole.as_slice(), &[0]].concat(), "with a byte too many");
        fs::remove_file(&path).unwrap();
        assert!(load(directory.path()).is_err());
        fs::write(&path, &whole).unwrap();
        assert!(load(directory.path()).is_ok());
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Add(u64, u8),
    Remove(u64),
    Search(u8),
    Maintain,
    Reload,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        20 => (0..60u64, any::<u8>()).prop_map(|(chunk, seed)| Operation::Add(chunk, seed)),
        8 => (0..60u64).prop_map(Operation::Remove),
        6 => any::<u8>().prop_map(Operation::Search),
        2 => Just(Operation::Maintain),
        1 => Just(Operation::Reload),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_of_changes_agrees_with_brute_force(
        operations in prop::collection::vec(operation(), 1..150),
        graph in any::<bool>(),
    ) {
        let settings = Settings {
            hnsw_chunks_min: if graph { 20 } else { usize::MAX },
            hnsw_tail_max: 0,
            dead_rows_min: 5,
            filtered_scan_max: 10,
            ..Settings::default()
        };
        let directory = tempfile::tempdir().unwrap();
        let mut index = VectorIndex::new(16, "model", settings);
        let mut truth = Truth::default();
        let vector = |seed: u8| random(&mut StdRng::seed_from_u64(u64::from(seed)), 16);
        for operation in operations {
            match operation {
                Operation::Add(chunk, seed) => {
                    index.add(chunk, &vector(seed)).unwrap();
                    truth.0.insert(chunk, vector(seed));
                }
                Operation::Remove(chunk) => {
                    prop_assert_eq!(index.remove(chunk), truth.0.remove(&chunk).is_some());
                }
                Operation::Search(seed) => {
                    let expected = truth.nearest(&vector(seed), 5, |_| true);
                    let hits = search(&index, &truth, &vector(seed), 5, Filter::All);
                    prop_assert_eq!(hits.len(), expected.len());
                    for (hit, expected) in hits.iter().zip(expected) {
                        prop_assert!((hit.cosine - expected.cosine).abs() < 1e-5);
                    }
                }
                Operation::Maintain => {
                    if let Some(rebuild) = index.plan_rebuild() {
                        rebuild.run(&AtomicBool::new(false)).unwrap();
                    }
                }
                Operation::Reload => {
                    index.save(directory.path(), 1).unwrap();
                    index = VectorIndex::load(directory.path(), 16, "model", settings).unwrap().0;
                }
            }
            prop_assert_eq!(index.len(), truth.0.len());
        }
    }
}
