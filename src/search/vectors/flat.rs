//! The rows of the index: what is written ([`Flat`]), and what a reader holds while it searches ([`View`]).
//!
//! Rows are numbered by slot, `block * BLOCK_ROWS + offset`. Removing or replacing a chunk marks its row dead
//! as of a new epoch; a view remembers the epoch at which it was taken. So a reader holds the lock for the
//! moment it takes to copy two pointers and to scan the open block, and what it sees is one moment in time.

use std::collections::HashMap;
use std::sync::Arc;

use super::Error;
use super::block::{BLOCK_ROWS, Block, Row};
use super::code::Code;
use super::hnsw::Graph;

/// A row's number.
pub(super) type Slot = u32;

/// Splits a slot into its block and its offset in it.
pub(super) fn place(slot: Slot) -> (usize, usize) {
    let slot = slot as usize;
    (slot / BLOCK_ROWS, slot % BLOCK_ROWS)
}

/// The slot of a block's row; `None` when 32 bits do not hold it.
pub(super) fn slot_of(block: usize, offset: usize) -> Option<Slot> {
    block.checked_mul(BLOCK_ROWS)?.checked_add(offset)?.try_into().ok()
}

/// The rows, the chunk each belongs to, and the graph over them. Behind the index's lock.
#[derive(Debug)]
pub(super) struct Flat {
    pub(super) sealed: Arc<Vec<Arc<Block>>>,
    pub(super) open: Block,
    pub(super) slots: HashMap<u64, Slot>,
    /// Counts removals; a row is dead for readers of its epoch and later.
    pub(super) epoch: u64,
    /// All rows, dead ones too.
    pub(super) rows: usize,
    pub(super) graph: Option<Arc<Graph>>,
    /// The slots that died since a rebuild began, while one runs.
    pub(super) deaths: Option<Vec<Slot>>,
    dimensions: usize,
}

/// One moment of the sealed rows and their graph.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) sealed: Arc<Vec<Arc<Block>>>,
    pub(super) graph: Option<Arc<Graph>>,
    pub(super) epoch: u64,
    /// Rows alive, those of the open block too.
    pub(super) alive: usize,
    /// All rows.
    pub(super) rows: usize,
}

impl Flat {
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            sealed: Arc::default(),
            open: Block::new(dimensions),
            slots: HashMap::new(),
            epoch: 0,
            rows: 0,
            graph: None,
            deaths: None,
            dimensions,
        }
    }

    /// Adds a chunk or replaces its vector; does nothing when it has this one already.
    pub(super) fn put(&mut self, chunk: u64, code: &Code) -> Result<(), Error> {
        let before = self.slots.get(&chunk).copied();
        if before.and_then(|slot| self.row(slot)).is_some_and(|row| row.codes == code.codes) {
            return Ok(());
        }
        if self.open.is_full() {
            self.seal();
        }
        let slot = slot_of(self.sealed.len(), self.open.len()).ok_or(Error::Full)?;
        self.open.push(chunk, &code.codes, code.inverse_norm);
        self.rows += 1;
        self.slots.insert(chunk, slot);
        if let Some(before) = before {
            self.kill(before);
        }
        Ok(())
    }

    /// Removes a chunk; `false` when it was not there.
    pub(super) fn remove(&mut self, chunk: u64) -> bool {
        let Some(slot) = self.slots.remove(&chunk) else { return false };
        self.kill(slot);
        true
    }

    fn kill(&mut self, slot: Slot) {
        self.epoch += 1;
        let (block, offset) = place(slot);
        self.sealed.get(block).map_or(&self.open, Arc::as_ref).kill(offset, self.epoch);
        if let Some(deaths) = &mut self.deaths {
            deaths.push(slot);
        }
    }

    /// Closes the open block, so that all rows so far are in sealed ones.
    pub(super) fn seal(&mut self) {
        if self.open.len() == 0 {
            return;
        }
        let mut block = std::mem::replace(&mut self.open, Block::new(self.dimensions));
        block.shrink();
        Arc::make_mut(&mut self.sealed).push(Arc::new(block));
    }

    /// Opens the last block again if it is not full and the graph does not cover it (what is appended to a
    /// covered block would neither be walked to nor scanned).
    pub(super) fn unseal_last(&mut self) {
        let Some(last) = self.sealed.len().checked_sub(1) else { return };
        let covered = self.graph.as_ref().map_or(0, |graph| graph.covered());
        let free = self.sealed.last().is_some_and(|block| !block.is_full());
        if free
            && self.open.len() == 0
            && slot_of(last, 0).is_some_and(|start| covered <= start)
            && let Some(block) = Arc::make_mut(&mut self.sealed).pop()
        {
            self.open = block.copy();
        }
    }

    fn row(&self, slot: Slot) -> Option<Row<'_>> {
        let (block, offset) = place(slot);
        self.sealed.get(block).map_or(&self.open, Arc::as_ref).row(offset)
    }

    pub(super) fn view(&self) -> View {
        View {
            sealed: Arc::clone(&self.sealed),
            graph: self.graph.clone(),
            epoch: self.epoch,
            alive: self.slots.len(),
            rows: self.rows,
        }
    }

    /// The living rows of the open block as chunk and cosine. At most a block's worth.
    pub(super) fn scan_open(&self, query: &Code) -> Vec<(u64, f32)> {
        let mut found = Vec::with_capacity(self.open.len());
        self.open.scan(query, 0, f32::NEG_INFINITY, |offset, chunk, cosine| {
            if self.open.lives(offset, self.epoch) {
                found.push((chunk, cosine));
            }
            f32::NEG_INFINITY
        });
        found
    }

    /// Chunk and cosine of those of the chunks that are in the index.
    pub(super) fn scan_only(&self, query: &Code, chunks: &[u64]) -> Vec<(u64, f32)> {
        let rows = chunks.iter().filter_map(|chunk| self.row(*self.slots.get(chunk)?));
        rows.map(|row| (row.chunk, query.cosine(row.codes, row.inverse_norm))).collect()
    }

    /// Memory held by rows and the map of chunks, in bytes, without the graph.
    pub(super) fn bytes(&self) -> usize {
        let blocks: usize = self.sealed.iter().map(|block| block.bytes()).sum();
        blocks + self.open.bytes() + self.slots.capacity() * (size_of::<(u64, Slot)>() + 1)
    }
}

impl View {
    /// The row in a slot, if it is sealed in this view and alive.
    pub(super) fn living(&self, slot: Slot) -> Option<Row<'_>> {
        let (block, offset) = place(slot);
        let block = self.sealed.get(block)?;
        if block.lives(offset, self.epoch) { block.row(offset) } else { None }
    }

    /// Scans the sealed rows from a slot on for the best that `passes` lets through.
    pub(super) fn scan(&self, query: &Code, from: Slot, passes: &dyn Fn(u64) -> bool, best: &mut Best) {
        let (first, mut from) = place(from);
        for block in self.sealed.get(first..).unwrap_or_default() {
            block.scan(query, from, best.floor, |offset, chunk, cosine| {
                if block.lives(offset, self.epoch) && passes(chunk) {
                    best.offer(chunk, cosine);
                }
                best.floor
            });
            from = 0;
        }
    }

    /// The share of rows that are alive and pass, by a sample spread evenly over the sealed rows.
    pub(super) fn share_passing(&self, passes: &dyn Fn(u64) -> bool) -> f64 {
        const SAMPLES: u32 = 512;
        let rows: usize = self.sealed.iter().map(|block| block.len()).sum();
        let (mut seen, mut passing) = (0u32, 0u32);
        let step = (rows / SAMPLES as usize).max(1);
        let mut next = 0;
        for block in self.sealed.iter() {
            while next < block.len() {
                seen += 1;
                let row = if block.lives(next, self.epoch) { block.row(next) } else { None };
                passing += u32::from(row.is_some_and(|row| passes(row.chunk)));
                next += step;
            }
            next -= block.len();
        }
        f64::from(passing) / f64::from(seen.max(1))
    }
}

/// The best candidates so far: at most twice as many as asked for, and the cosine below which none counts.
#[derive(Debug)]
pub(super) struct Best {
    wanted: usize,
    found: Vec<(u64, f32)>,
    pub(super) floor: f32,
}

impl Best {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted: wanted.max(1), found: Vec::new(), floor: f32::NEG_INFINITY }
    }

    pub(super) fn offer(&mut self, chunk: u64, cosine: f32) {
        if cosine > self.floor {
            self.found.push((chunk, cosine));
            if self.found.len() >= self.wanted * 2 {
                self.cut();
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    fn cut(&mut self) {
        if self.found.len() > self.wanted {
            let (_, last, _) = self.found.select_nth_unstable_by(self.wanted - 1, |a, b| b.1.total_cmp(&a.1));
            self.floor = last.1;
            self.found.truncate(self.wanted);
        }
    }

    /// The candidates, best first.
    pub(super) fn into_sorted(mut self) -> Vec<(u64, f32)> {
        self.cut();
        self.found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        self.found
    }
}
