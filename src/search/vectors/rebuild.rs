//! Maintenance that takes seconds to minutes: dropping dead rows, building the graph, extending it.
//!
//! The work reads a view and shares nothing with the writers; only at the end it takes the lock, to carry over
//! what happened meanwhile and to swap. Blocks sealed since the beginning are taken over as they are.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Error;
use super::block::Block;
use super::flat::{Flat, Slot, View, place, slot_of};
use super::hnsw::Graph;
use super::index::{Inner, VectorIndex};

const NOWHERE: Slot = Slot::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Insert the rows that the graph lacks.
    Extend,
    /// Copy the living rows, and build a graph over them if they are many.
    Renew,
}

/// Maintenance that is due. Dropping it unused gives the turn back.
#[derive(Debug)]
pub struct Rebuild {
    inner: Arc<Inner>,
    plan: Plan,
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.inner.flat.write().deaths = None;
        self.inner.rebuilding.store(false, Ordering::Release);
    }
}

impl VectorIndex {
    /// Says whether maintenance is due, and hands out the turn to do it: only one at a time. Cheap; to be asked
    /// after each batch of changes.
    #[must_use]
    pub fn plan_rebuild(&self) -> Option<Rebuild> {
        self.inner.drop_retired();
        let plan = self.inner.due()?;
        if self.inner.rebuilding.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some(Rebuild { inner: Arc::clone(&self.inner), plan })
    }
}

impl Inner {
    fn due(&self) -> Option<Plan> {
        let settings = &self.settings;
        let flat = self.flat.read();
        let alive = flat.slots.len();
        let dead = flat.rows.saturating_sub(alive);
        #[allow(clippy::cast_precision_loss, reason = "a share of rows needs no more than 52 bits")]
        let crowded = dead as f64 > settings.dead_share_max * flat.rows as f64;
        if dead >= settings.dead_rows_min.max(1) && crowded {
            return Some(Plan::Renew);
        }
        match &flat.graph {
            None => (alive >= settings.hnsw_chunks_min.max(1)).then_some(Plan::Renew),
            Some(_) if alive < settings.hnsw_chunks_min / 2 => Some(Plan::Renew),
            Some(graph) => {
                let end = slot_of(flat.sealed.len(), 0)?;
                let tail = end.saturating_sub(graph.covered()) as usize;
                (tail > settings.hnsw_tail_max).then_some(Plan::Extend)
            }
        }
    }

    fn retire(&self, graph: Option<Arc<Graph>>) {
        self.retired.lock().extend(graph);
    }

    fn drop_retired(&self) {
        let unused: Vec<_> =
            self.retired.lock().extract_if(.., |graph| Arc::strong_count(graph) == 1).collect();
        drop(unused);
    }
}

impl Rebuild {
    /// Does the work on this thread, in minutes of CPU for each 100,000 chunks where a graph is built, and
    /// swaps the result in. Searches and changes go on meanwhile and are never held up for longer than a swap.
    /// `stop` is looked at between rows.
    ///
    /// # Errors
    /// [`Error::Stopped`], or [`Error::Graph`] when the graph library failed. The index goes on serving, by
    /// scanning, and an extension that was stopped keeps what it got done.
    pub fn run(self, stop: &AtomicBool) -> Result<(), Error> {
        let done = match self.plan {
            Plan::Extend => self.extend(stop),
            Plan::Renew => self.renew(stop),
        };
        self.inner.drop_retired();
        done
    }

    fn extend(&self, stop: &AtomicBool) -> Result<(), Error> {
        let view = self.inner.flat.read().view();
        let Some(graph) = view.graph.as_ref() else { return Ok(()) };
        let done = fill(graph, &view, stop);
        if matches!(done, Err(Error::Graph(_))) {
            let failed = self.inner.flat.write().graph.take();
            self.inner.retire(failed);
        }
        done
    }

    fn renew(&self, stop: &AtomicBool) -> Result<(), Error> {
        let view = {
            let mut flat = self.inner.flat.write();
            flat.seal();
            flat.deaths = Some(Vec::new());
            flat.view()
        };
        let settings = &self.inner.settings;
        let mut copy = Copy::of(&view, self.inner.dimensions, stop)?;
        if view.alive >= settings.hnsw_chunks_min.max(1) {
            let (connections, effort) = (settings.hnsw_connections, settings.hnsw_build_effort);
            let graph = Arc::new(Graph::new(self.inner.dimensions, connections, effort, view.alive));
            fill(&graph, &copy.flat.view(), stop)?;
            copy.flat.graph = Some(graph);
        }
        let before = copy.swap_in(&mut self.inner.flat.write(), view.sealed.len());
        drop(view);
        self.inner.retire(before.graph.clone());
        drop(before);
        Ok(())
    }
}

/// Inserts the sealed rows of a view that the graph does not cover.
fn fill(graph: &Graph, view: &View, stop: &AtomicBool) -> Result<(), Error> {
    let (first, mut from) = place(graph.covered());
    for (index, block) in view.sealed.iter().enumerate().skip(first) {
        for offset in from..block.len() {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let slot = slot_of(index, offset).ok_or(Error::Full)?;
            if let Some(row) = view.living(slot) {
                graph.insert(slot, row)?;
            }
            graph.cover(slot + 1);
        }
        graph.cover(slot_of(index + 1, 0).ok_or(Error::Full)?);
        from = 0;
    }
    Ok(())
}

/// The living rows of a view in new blocks, and where each went.
struct Copy {
    flat: Flat,
    /// New slot by old slot.
    moved: Vec<Slot>,
}

impl Copy {
    fn of(view: &View, dimensions: usize, stop: &AtomicBool) -> Result<Self, Error> {
        let mut flat = Flat::new(dimensions);
        let mut moved = Vec::new();
        flat.epoch = view.epoch;
        flat.slots = HashMap::with_capacity(view.alive);
        for (index, block) in view.sealed.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            moved.resize(slot_of(index + 1, 0).ok_or(Error::Full)? as usize, NOWHERE);
            for (offset, row) in block.living(view.epoch) {
                if flat.open.is_full() {
                    flat.seal();
                }
                let slot = slot_of(flat.sealed.len(), flat.open.len()).ok_or(Error::Full)?;
                flat.open.push(row.chunk, row.codes, row.inverse_norm);
                flat.rows += 1;
                flat.slots.insert(row.chunk, slot);
                let old = slot_of(index, offset).ok_or(Error::Full)?;
                if let Some(place) = moved.get_mut(old as usize) {
                    *place = slot;
                }
            }
        }
        flat.seal();
        Ok(Self { flat, moved })
    }

    /// Carries over what happened since the copy began and puts it in the place of `current`, which it answers.
    /// `copied` is how many of its blocks were copied. Takes time for what happened meanwhile only.
    fn swap_in(mut self, current: &mut Flat, copied: usize) -> Flat {
        for old in current.deaths.take().unwrap_or_default() {
            let slot = self.moved.get(old as usize).copied().filter(|&slot| slot != NOWHERE);
            let Some((block, offset)) = slot.map(place) else { continue };
            if let Some(block) = self.flat.sealed.get(block) {
                block.kill(offset, current.epoch);
                if let Some(row) = block.row(offset) {
                    self.flat.slots.remove(&row.chunk);
                }
            }
        }
        self.flat.epoch = current.epoch;
        for block in current.sealed.iter().skip(copied) {
            self.flat.index_rows(block, self.flat.sealed.len());
            Arc::make_mut(&mut self.flat.sealed).push(Arc::clone(block));
        }
        self.flat.open = std::mem::replace(&mut current.open, Block::new(0));
        let (open, index) = (std::mem::take(&mut self.flat.open), self.flat.sealed.len());
        self.flat.index_rows(&open, index);
        self.flat.open = open;
        std::mem::replace(current, self.flat)
    }
}

impl Flat {
    /// Takes a block's rows into the count and the map, as the block of this index.
    fn index_rows(&mut self, block: &Block, index: usize) {
        self.rows += block.len();
        for (offset, row) in block.living(self.epoch) {
            if let Some(slot) = slot_of(index, offset) {
                self.slots.insert(row.chunk, slot);
            }
        }
    }
}
