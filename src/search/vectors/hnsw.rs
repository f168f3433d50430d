//! The graph for large indexes: `hnsw_rs` over 8-bit codes, with its sharp edges covered.
//!
//! What the library does not do is done here: it has no deletion (nodes map to slots, and slots that died are
//! dropped by the caller), it mislays other vectors when many are identical (rows with the same code share one
//! node), its built-in dot distance panics on rounding (ours is clamped and takes any input), its
//! filtered search can unwrap an empty heap (not used: callers ask for more and filter what comes), and two
//! insertions at once can wait for each other (there is one inserter at a time). Panics that remain are
//! contained and reported as [`Error::Graph`]. Nodes hold the code rather than the f32 vector: a quarter of the
//! memory and of the memory traffic; the exact cosine is computed afterwards anyway.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use hnsw_rs::anndists::dist::Distance;
use hnsw_rs::api::AnnT;
use hnsw_rs::hnsw::Hnsw;
use hnsw_rs::hnswio::HnswIo;
use parking_lot::{Mutex, RwLock};

use super::block::Row;
use super::flat::Slot;
use super::{Error, code, simd};

/// Bytes of a node after its codes: the inverse norm, little endian.
const NORM_BYTES: usize = 4;
/// Levels of the graph; the library dumps a graph only when it has all sixteen.
const LEVELS: usize = 16;
/// What a node costs beside its code: its point, lists for sixteen levels and about 32 shared neighbour
/// records. Measured with the resident size of 100,000 nodes.
const NODE_OVERHEAD_BYTES: usize = 2_300;

/// One minus the cosine of two coded nodes, never below zero, for any bytes whatever.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Angle;

impl Distance<i8> for Angle {
    fn eval(&self, a: &[i8], b: &[i8]) -> f32 {
        let (Some((a, a_norm)), Some((b, b_norm))) = (a.split_last_chunk(), b.split_last_chunk()) else {
            return 2.0;
        };
        let cosine = code::cosine(simd::dot(a, b), norm(*a_norm), norm(*b_norm));
        (1.0 - cosine).max(0.0)
    }
}

fn norm(bytes: [i8; NORM_BYTES]) -> f32 {
    f32::from_le_bytes(bytes.map(i8::cast_unsigned))
}

fn node_data(codes: &[i8], inverse_norm: f32) -> Vec<i8> {
    let mut data = Vec::with_capacity(codes.len() + NORM_BYTES);
    data.extend_from_slice(codes);
    data.extend(inverse_norm.to_le_bytes().map(u8::cast_signed));
    data
}

type Points<'reloader> = Hnsw<'reloader, i8, Angle>;

// A graph that was reloaded borrows its reloader by type (for memory maps, which are not used here), so the two
// live and die together. A new graph gets an idle reloader.
self_cell::self_cell!(
    struct Cell {
        owner: HnswIo,
        #[not_covariant]
        dependent: Points,
    }
);

/// Which slots share a node.
#[derive(Debug, Default, Clone)]
struct Nodes {
    /// The first slot of each node.
    first: Vec<Slot>,
    /// The further slots of nodes that have several.
    more: HashMap<u32, Vec<Slot>>,
}

impl Nodes {
    fn slots(&self, node: usize) -> impl Iterator<Item = Slot> {
        let more = u32::try_from(node).ok().and_then(|node| self.more.get(&node));
        self.first.get(node).into_iter().chain(more.into_iter().flatten()).copied()
    }
}

/// A graph over the slots below [`Graph::covered`].
pub(super) struct Graph {
    cell: Cell,
    nodes: RwLock<Nodes>,
    /// Node by digest of its code. Its lock makes the one inserter.
    by_code: Mutex<HashMap<[u8; 16], u32>>,
    covered: AtomicU32,
    dimensions: usize,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("covered", &self.covered).finish_non_exhaustive()
    }
}

/// What a snapshot keeps of a graph beside the library's own two files.
#[derive(Debug)]
pub(super) struct Saved {
    /// The slot below which rows are in the graph.
    pub(super) covered: Slot,
    /// Slot and node of each row in the graph, the first of each node before its others.
    pub(super) members: Vec<(Slot, u32)>,
}

impl Graph {
    /// An empty graph. `connections` is the degree M of the upper levels (the lowest has twice as many),
    /// `effort` is efConstruction (Malkov and Yashunin, 2016).
    pub(super) fn new(dimensions: usize, connections: usize, effort: usize, capacity: usize) -> Self {
        let (connections, effort) = (connections.clamp(2, 64), effort.max(8));
        Self {
            cell: Cell::new(HnswIo::default(), |_| Hnsw::new(connections, capacity, LEVELS, effort, Angle)),
            nodes: RwLock::default(),
            by_code: Mutex::default(),
            covered: AtomicU32::new(0),
            dimensions,
        }
    }

    /// Slots below this are in the graph; those from it on have to be scanned.
    pub(super) fn covered(&self) -> Slot {
        self.covered.load(Ordering::Acquire)
    }

    /// Says that every living row below this slot is in.
    pub(super) fn cover(&self, below: Slot) {
        self.covered.store(below, Ordering::Release);
    }

    /// Puts a row into the graph. An error leaves the graph unfit for use.
    pub(super) fn insert(&self, slot: Slot, row: Row<'_>) -> Result<(), Error> {
        let data = node_data(row.codes, row.inverse_norm);
        let mut by_code = self.by_code.lock();
        let digest = digest(row.codes);
        if let Some(&node) = by_code.get(&digest) {
            self.nodes.write().more.entry(node).or_default().push(slot);
            return Ok(());
        }
        let node = {
            let first = &mut self.nodes.write().first;
            first.push(slot);
            first.len() - 1
        };
        let id = u32::try_from(node).map_err(|_| Error::Full)?;
        by_code.insert(digest, id);
        contained("inserting", || self.cell.with_dependent(|_, points| points.insert((&data, node))))
    }

    /// The slots of the `effort` (ef) nearest nodes that the graph finds, nearest first, with their cosine.
    /// The slots may have died.
    pub(super) fn search(
        &self,
        codes: &[i8],
        inverse_norm: f32,
        effort: usize,
    ) -> Result<Vec<(Slot, f32)>, Error> {
        let data = node_data(codes, inverse_norm);
        let search = || self.cell.with_dependent(|_, points| points.search(&data, effort, effort));
        let found = contained("searching", search)?;
        let nodes = self.nodes.read();
        let slots = |near: &hnsw_rs::hnsw::Neighbour| {
            let cosine = 1.0 - near.distance;
            nodes.slots(near.d_id).map(move |slot| (slot, cosine)).collect::<Vec<_>>()
        };
        Ok(found.iter().flat_map(slots).collect())
    }

    /// Memory held, in bytes; an estimate, for the library does not tell.
    pub(super) fn bytes(&self) -> usize {
        let (nodes, shared) = {
            let nodes = self.nodes.read();
            (nodes.first.len(), nodes.more.values().map(|slots| 48 + slots.capacity() * 4).sum::<usize>())
        };
        nodes * (self.dimensions + NORM_BYTES + NODE_OVERHEAD_BYTES + 4 + 24) + shared
    }

    /// Writes the library's two files (`BASENAME.hnsw.graph`, `BASENAME.hnsw.data`), unsynced, with insertions
    /// held off meanwhile (the library takes no lock for that, and one that waits would make searches wait).
    pub(super) fn dump(&self, directory: &Path, basename: &str) -> Result<Saved, Error> {
        let _inserter = self.by_code.lock();
        let nodes = self.nodes.read().clone();
        let written = contained("writing", || {
            self.cell.with_dependent(|_, points| points.file_dump(directory, basename))
        })?;
        if written.ok().as_deref() != Some(basename) {
            return Err(Error::Graph("writing"));
        }
        let mut members = Vec::with_capacity(nodes.first.len());
        for (node, id) in (0..nodes.first.len()).zip(0u32..) {
            members.extend(nodes.slots(node).map(|slot| (slot, id)));
        }
        Ok(Saved { covered: self.covered(), members })
    }

    /// Reads a dump back. The files must be known to be as they were written (their checksums verified by the
    /// caller): on damaged ones the library may panic, which is contained, or end the process.
    pub(super) fn reload<'rows>(
        directory: &Path,
        basename: &str,
        dimensions: usize,
        saved: &Saved,
        row: impl Fn(Slot) -> Option<Row<'rows>>,
    ) -> Result<Self, Error> {
        let (nodes, by_code) = regroup(saved, row).ok_or(Error::Graph("regrouping"))?;
        let load = || {
            Cell::try_new(HnswIo::new(directory, basename), |reloader| {
                let mut points = reloader.load_hnsw_with_dist(Angle).map_err(|_| Error::Graph("reading"))?;
                // The reloader turns this on, whatever it was.
                points.set_extend_candidates(false);
                Ok::<_, Error>(points)
            })
        };
        let cell: Cell = contained("reading", load)??;
        let count = cell.with_dependent(|_, points| points.get_nb_point());
        let width = cell.with_dependent(|_, points| points.get_point_indexation().get_data_dimension());
        if count != nodes.first.len() || (count > 0 && width != dimensions + NORM_BYTES) {
            return Err(Error::Graph("reading"));
        }
        Ok(Self {
            cell,
            nodes: RwLock::new(nodes),
            by_code: Mutex::new(by_code),
            covered: AtomicU32::new(saved.covered),
            dimensions,
        })
    }
}

fn digest(codes: &[i8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = [0u8; 512];
    for codes in codes.chunks(bytes.len()) {
        for (byte, code) in bytes.iter_mut().zip(codes) {
            *byte = code.cast_unsigned();
        }
        hasher.update(bytes.get(..codes.len()).unwrap_or_default());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

fn regroup<'rows>(
    saved: &Saved,
    row: impl Fn(Slot) -> Option<Row<'rows>>,
) -> Option<(Nodes, HashMap<[u8; 16], u32>)> {
    let mut nodes = Nodes::default();
    let mut by_code = HashMap::with_capacity(saved.members.len());
    for &(slot, node) in &saved.members {
        let row = row(slot).filter(|_| slot < saved.covered)?;
        match (node as usize).cmp(&nodes.first.len()) {
            std::cmp::Ordering::Less => nodes.more.entry(node).or_default().push(slot),
            std::cmp::Ordering::Equal => {
                nodes.first.push(slot);
                by_code.insert(digest(row.codes), node);
            }
            std::cmp::Ordering::Greater => return None,
        }
    }
    Some((nodes, by_code))
}

/// Runs a call into the library; its panic becomes an error. Its locks do not poison, and a graph that failed
/// while it was written is thrown away by the caller, so nothing half-done is ever used.
fn contained<T>(doing: &'static str, call: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Error::Graph(doing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_takes_any_bytes() {
        let angle = Angle;
        assert_eq!(angle.eval(&[], &[1, 2, 3]).to_bits(), 2.0f32.to_bits());
        let not_a_number = node_data(&[1, 2], f32::NAN);
        assert!(angle.eval(&not_a_number, &not_a_number) >= 0.0);
        let same = node_data(&[3, 4], 0.2);
        assert!(angle.eval(&same, &same) < 1e-6);
        let opposite = node_data(&[-3, -4], 0.2);
        assert!((angle.eval(&same, &opposite) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_graph_that_holds_nothing_finds_nothing() {
        let graph = Graph::new(2, 16, 200, 10);
        assert!(graph.search(&[1, 0], 1.0, 10).unwrap().is_empty());
    }
}
