//! The index itself: adding, removing, and searching by whichever way is right for the size and the filter.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};

use super::Error;
use super::code::{self, Code};
use super::flat::{Best, Flat, View};
use super::hnsw::Graph;

/// The most hits a search answers, whatever it is asked for.
pub const LIMIT_MAX: usize = 10_000;

/// Beyond this many graph nodes a search would be slower than the scan.
const EFFORT_MAX: usize = 2_048;

/// How the index works. The defaults were measured with 100,000 vectors of 384 dimensions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// From this many chunks on a graph is built.
    pub hnsw_chunks_min: usize,
    /// M: neighbours a node has on the upper levels, 2 to 64; twice as many on the lowest.
    pub hnsw_connections: usize,
    /// efConstruction: how many nodes are looked at to place a new one.
    pub hnsw_build_effort: usize,
    /// ef: how many nodes a search keeps in view, before it is enlarged for tombstones and filters.
    pub hnsw_search_effort: usize,
    /// Rows outside the graph, which are scanned, before an extension is worth its while.
    pub hnsw_tail_max: usize,
    /// A filter that leaves fewer chunks than this is scanned.
    pub filtered_scan_max: usize,
    /// A filter that leaves a smaller share of the rows than this is scanned. 0 to 1.
    pub filtered_share_min: f64,
    /// The share of dead rows above which the index is rebuilt. 0 to 1.
    pub dead_share_max: f64,
    /// Fewer dead rows than this never cause a rebuild.
    pub dead_rows_min: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hnsw_chunks_min: 100_000,
            hnsw_connections: 16,
            hnsw_build_effort: 200,
            hnsw_search_effort: 128,
            hnsw_tail_max: 8_192,
            filtered_scan_max: 20_000,
            filtered_share_min: 0.2,
            dead_share_max: 0.2,
            dead_rows_min: 1_024,
        }
    }
}

/// A chunk that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The chunk's number.
    pub chunk: u64,
    /// The exact cosine to the query, -1 to 1.
    pub cosine: f32,
}

/// Which chunks a search may find.
#[derive(Clone, Copy)]
pub enum Filter<'a> {
    /// Every one.
    All,
    /// These, in any order; numbers that are not in the index are passed over. The best form when they are few.
    Only(&'a [u64]),
    /// Those for which the function says so. It is asked about candidates only, outside any lock, and may be
    /// asked several times about one.
    Where(&'a dyn Fn(u64) -> bool),
}

/// Where the exact vectors are read: the database.
pub trait Source {
    /// Writes the chunk's vector, as it was added, into a slice of the index's dimensions; `false` when the
    /// database has no such chunk (any more), which is then not among the hits.
    fn vector(&self, chunk: u64, into: &mut [f32]) -> bool;
}

impl<F: Fn(u64, &mut [f32]) -> bool> Source for F {
    fn vector(&self, chunk: u64, into: &mut [f32]) -> bool {
        self(chunk, into)
    }
}

/// What an index holds in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Rows and the map from chunks to them.
    pub rows_bytes: usize,
    /// The graph, estimated; 0 without one.
    pub graph_bytes: usize,
}

/// An index of vectors by chunk. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct VectorIndex {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) dimensions: usize,
    pub(super) model: String,
    pub(super) settings: Settings,
    pub(super) flat: RwLock<Flat>,
    /// One rebuild at a time.
    pub(super) rebuilding: AtomicBool,
    /// One snapshot at a time.
    pub(super) saving: Mutex<()>,
    /// Graphs that were replaced while searches still walked them. Dropping one takes a while, which no search
    /// should pay: maintenance drops them when it is their last owner.
    pub(super) retired: Mutex<Vec<Arc<Graph>>>,
}

impl VectorIndex {
    /// An empty index of vectors of one model. `dimensions` is cut to [`DIMENSIONS_MAX`](super::DIMENSIONS_MAX).
    #[must_use]
    pub fn new(dimensions: usize, model: &str, settings: Settings) -> Self {
        let dimensions = dimensions.min(code::DIMENSIONS_MAX);
        Self::with_rows(dimensions, model, settings, Flat::new(dimensions))
    }

    pub(super) fn with_rows(dimensions: usize, model: &str, settings: Settings, flat: Flat) -> Self {
        let inner = Inner {
            dimensions,
            model: model.to_owned(),
            settings,
            flat: RwLock::new(flat),
            rebuilding: AtomicBool::new(false),
            saving: Mutex::new(()),
            retired: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The dimensions of its vectors.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.inner.dimensions
    }

    /// The id of the model its vectors come from.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.inner.model
    }

    /// Adds a chunk, or replaces its vector. Takes microseconds, and nothing when the chunk has this vector
    /// already. The vector may have any length but zero.
    ///
    /// # Errors
    /// [`Error::Dimensions`], [`Error::NotFinite`], [`Error::Zero`], [`Error::Full`]; the index is unchanged.
    pub fn add(&self, chunk: u64, vector: &[f32]) -> Result<(), Error> {
        let unit = code::unit(vector, self.inner.dimensions)?;
        let code = Code::quantise(&unit);
        self.inner.flat.write().put(chunk, &code)
    }

    /// Removes a chunk; `false` when it was not there.
    #[allow(clippy::must_use_candidate, reason = "most callers only want it gone")]
    pub fn remove(&self, chunk: u64) -> bool {
        self.inner.flat.write().remove(chunk)
    }

    /// How many chunks it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.flat.read().slots.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds this chunk.
    #[must_use]
    pub fn contains(&self, chunk: u64) -> bool {
        self.inner.flat.read().slots.contains_key(&chunk)
    }

    /// Whether a graph serves searches, rather than the scan alone.
    #[must_use]
    pub fn has_graph(&self) -> bool {
        self.inner.flat.read().graph.is_some()
    }

    /// What it holds in memory.
    #[must_use]
    pub fn bytes(&self) -> Memory {
        let flat = self.inner.flat.read();
        Memory { rows_bytes: flat.bytes(), graph_bytes: flat.graph.as_ref().map_or(0, |graph| graph.bytes()) }
    }

    /// The chunks nearest to the query, best first, at most `limit` and [`LIMIT_MAX`], ties by number.
    /// Fewer only when fewer pass the filter, or when the source does not know many of the nearest.
    ///
    /// # Errors
    /// [`Error::Dimensions`], [`Error::NotFinite`], [`Error::Zero`] for the query.
    pub fn search(
        &self,
        query: &[f32],
        limit: usize,
        filter: Filter<'_>,
        exact: &dyn Source,
    ) -> Result<Vec<Hit>, Error> {
        let question = Question::new(query, limit, self.inner.dimensions)?;
        if question.limit == 0 {
            return Ok(Vec::new());
        }
        let candidates = match filter {
            Filter::All => self.nearest(&question, None),
            Filter::Only(chunks) if chunks.len() <= self.inner.settings.filtered_scan_max => {
                self.nearest_of(&question, chunks)
            }
            Filter::Only(chunks) => {
                let chunks: HashSet<u64> = chunks.iter().copied().collect();
                self.nearest(&question, Some(&|chunk| chunks.contains(&chunk)))
            }
            Filter::Where(passes) => self.nearest(&question, Some(passes)),
        };
        Ok(question.rank(&candidates, exact))
    }

    /// The exact cosine of the query to each of the chunks, in their order: for candidates that another search
    /// found. `None` for a chunk that the index or the source does not have.
    ///
    /// # Errors
    /// [`Error::Dimensions`], [`Error::NotFinite`], [`Error::Zero`] for the query.
    pub fn cosines(
        &self,
        query: &[f32],
        chunks: &[u64],
        exact: &dyn Source,
    ) -> Result<Vec<Option<f32>>, Error> {
        let unit = code::unit(query, self.inner.dimensions)?;
        let known: Vec<bool> = {
            let flat = self.inner.flat.read();
            chunks.iter().map(|chunk| flat.slots.contains_key(chunk)).collect()
        };
        let mut vector = vec![0.0; self.inner.dimensions];
        let cosine = |(&chunk, known): (&u64, bool)| {
            if known && exact.vector(chunk, &mut vector) { code::exact_cosine(&unit, &vector) } else { None }
        };
        Ok(chunks.iter().zip(known).map(cosine).collect())
    }

    fn nearest_of(&self, question: &Question, chunks: &[u64]) -> Vec<(u64, f32)> {
        let mut found = self.inner.flat.read().scan_only(&question.code, chunks);
        found.sort_unstable_by_key(|&(chunk, _)| chunk);
        found.dedup_by_key(|&mut (chunk, _)| chunk);
        let mut best = Best::new(question.pool);
        for (chunk, cosine) in found {
            best.offer(chunk, cosine);
        }
        best.into_sorted()
    }

    fn nearest(&self, question: &Question, filter: Option<&dyn Fn(u64) -> bool>) -> Vec<(u64, f32)> {
        let (view, open) = {
            let flat = self.inner.flat.read();
            (flat.view(), flat.scan_open(&question.code))
        };
        let passes = |chunk| filter.is_none_or(|filter| filter(chunk));
        let mut best = Best::new(question.pool);
        let scan_from = self.walk(question, &view, filter, &mut best).unwrap_or_else(|| {
            best = Best::new(question.pool);
            0
        });
        view.scan(&question.code, scan_from, &passes, &mut best);
        for (chunk, cosine) in open {
            if cosine > best.floor && passes(chunk) {
                best.offer(chunk, cosine);
            }
        }
        best.into_sorted()
    }

    /// Fills in candidates from the graph; answers the slot from which on rows must be scanned, or `None` where
    /// the graph is not there, not worth it, or did not find enough.
    fn walk(
        &self,
        question: &Question,
        view: &View,
        filter: Option<&dyn Fn(u64) -> bool>,
        best: &mut Best,
    ) -> Option<u32> {
        let settings = &self.inner.settings;
        let graph = view.graph.as_ref()?;
        let share = match filter {
            Some(passes) => view.share_passing(passes),
            None => ratio(view.alive, view.rows),
        };
        let few = share < settings.filtered_share_min
            || share * ratio(view.rows, 1) < ratio(settings.filtered_scan_max, 1);
        if filter.is_some() && few {
            return None;
        }
        let effort = enlarged(settings.hnsw_search_effort.max(question.pool), share)?;
        let covered = graph.covered();
        let found = graph.search(&question.code.codes, question.code.inverse_norm, effort).ok()?;
        for (slot, cosine) in found {
            // What was inserted since `covered` was read is scanned below; here it would be there twice.
            let row = view.living(slot).filter(|_| slot < covered);
            if let Some(row) = row.filter(|row| filter.is_none_or(|passes| passes(row.chunk))) {
                best.offer(row.chunk, cosine);
            }
        }
        (best.len() >= question.limit).then_some(covered)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share of rows needs no more than 52 bits")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The effort that leaves `effort` nodes when only a share of them counts; `None` when that is too dear.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most EFFORT_MAX")]
fn enlarged(effort: usize, share: f64) -> Option<usize> {
    let enlarged = (ratio(effort, 1) / share).ceil();
    (enlarged <= ratio(EFFORT_MAX, 1)).then_some(enlarged as usize)
}

/// A query made ready.
struct Question {
    unit: Vec<f32>,
    code: Code,
    limit: usize,
    /// How many candidates are always compared exactly.
    depth: usize,
    /// How many candidates are kept, so that close decisions can look further than `depth`.
    pool: usize,
    /// By how much an approximate cosine may be wrong.
    margin: f32,
}

impl Question {
    #[allow(clippy::cast_precision_loss, reason = "dimensions are few")]
    fn new(query: &[f32], limit: usize, dimensions: usize) -> Result<Self, Error> {
        let unit = code::unit(query, dimensions)?;
        let code = Code::quantise(&unit);
        let limit = limit.min(LIMIT_MAX);
        let depth = (limit + 10).max(limit * 2);
        // The errors of query and row point anywhere, so of each only 1/sqrt(dimensions) lies along the other
        // vector; six standard deviations of their sum.
        let margin = 6.0 * (2.0 / dimensions as f32).sqrt() * code.residual(&unit);
        Ok(Self { unit, code, limit, depth, pool: depth * 2, margin })
    }

    /// Ranks candidates, sorted by approximate cosine, by the exact one.
    fn rank(&self, candidates: &[(u64, f32)], exact: &dyn Source) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::with_capacity(candidates.len());
        let mut vector = vec![0.0; self.unit.len()];
        let mut worst = f32::NEG_INFINITY;
        for (index, &(chunk, approximate)) in candidates.iter().enumerate() {
            if index == self.depth {
                sort(&mut hits);
                worst =
                    self.limit.checked_sub(1).and_then(|last| hits.get(last)).map_or(worst, |hit| hit.cosine);
            }
            if index >= self.depth && approximate + self.margin < worst {
                break;
            }
            if exact.vector(chunk, &mut vector)
                && let Some(cosine) = code::exact_cosine(&self.unit, &vector)
            {
                hits.push(Hit { chunk, cosine });
            }
        }
        sort(&mut hits);
        hits.truncate(self.limit);
        hits
    }
}

fn sort(hits: &mut [Hit]) {
    hits.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.chunk.cmp(&b.chunk)));
}
