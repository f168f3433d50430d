//! A block of rows in contiguous memory, and when each row died.
//!
//! Rows are only ever appended, and only while the block is open; a sealed block changes in nothing but the
//! epochs at which its rows die. A reader that knows the epoch at which it began therefore sees one moment of
//! the index for as long as it likes, without a lock: a later death does not concern it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::code::{self, Code};
use super::simd;

/// Rows in a full block.
pub(super) const BLOCK_ROWS: usize = 1024;

const ALIVE: u64 = u64::MAX;

/// Up to [`BLOCK_ROWS`] coded vectors with the chunks they belong to.
#[derive(Debug, Default)]
pub(super) struct Block {
    dimensions: usize,
    chunks: Vec<u64>,
    died: Vec<AtomicU64>,
    inverse_norms: Vec<f32>,
    codes: Vec<i8>,
}

/// One row of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) chunk: u64,
    pub(super) codes: &'a [i8],
    pub(super) inverse_norm: f32,
}

impl Block {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= BLOCK_ROWS
    }

    /// Appends a row; `codes` has the block's dimensions.
    pub(super) fn push(&mut self, chunk: u64, codes: &[i8], inverse_norm: f32) {
        self.chunks.push(chunk);
        self.died.push(AtomicU64::new(ALIVE));
        self.inverse_norms.push(inverse_norm);
        self.codes.extend_from_slice(codes);
    }

    /// Marks a row as dead from this epoch on.
    pub(super) fn kill(&self, offset: usize, epoch: u64) {
        if let Some(died) = self.died.get(offset) {
            died.store(epoch, Ordering::Relaxed);
        }
    }

    /// Whether the row exists and lived at the epoch. The epoch was read under the same lock as the deaths
    /// before it were written, and later ones compare greater; so no ordering is needed here.
    pub(super) fn lives(&self, offset: usize, epoch: u64) -> bool {
        self.died.get(offset).is_some_and(|died| died.load(Ordering::Relaxed) > epoch)
    }

    pub(super) fn row(&self, offset: usize) -> Option<Row<'_>> {
        let start = offset.checked_mul(self.dimensions)?;
        Some(Row {
            chunk: *self.chunks.get(offset)?,
            codes: self.codes.get(start..start + self.dimensions)?,
            inverse_norm: *self.inverse_norms.get(offset)?,
        })
    }

    /// The rows alive at an epoch, with their offsets.
    pub(super) fn living(&self, epoch: u64) -> impl Iterator<Item = (usize, Row<'_>)> {
        (0..self.len()).filter(move |&o| self.lives(o, epoch)).filter_map(|o| self.row(o).map(|row| (o, row)))
    }

    /// Calls `found` with offset, chunk and cosine of every row from `from` on whose cosine is above what
    /// `found` answered last, beginning with `floor`; answers the last. Dead rows included: asking is dearer
    /// than the comparison and few rows pass that.
    pub(super) fn scan(
        &self,
        query: &Code,
        from: usize,
        mut floor: f32,
        mut found: impl FnMut(usize, u64, f32) -> f32,
    ) -> f32 {
        let mut dots = [0i32; BLOCK_ROWS];
        let count = self.len().saturating_sub(from);
        let rows = self.codes.get(from.saturating_mul(self.dimensions)..).unwrap_or_default();
        let Some(dots) = dots.get_mut(..count) else { return floor };
        simd::dots(&query.codes, rows, dots);
        let norms = self.inverse_norms.get(from..).unwrap_or_default();
        let chunks = self.chunks.get(from..).unwrap_or_default();
        for (index, ((&dot, &norm), &chunk)) in dots.iter().zip(norms).zip(chunks).enumerate() {
            let cosine = code::cosine(dot, query.inverse_norm, norm);
            if cosine > floor {
                floor = found(from + index, chunk, cosine);
            }
        }
        floor
    }

    /// The same rows in a block of their own.
    pub(super) fn copy(&self) -> Self {
        let died = self.died.iter().map(|died| AtomicU64::new(died.load(Ordering::Relaxed)));
        Self {
            dimensions: self.dimensions,
            chunks: self.chunks.clone(),
            died: died.collect(),
            inverse_norms: self.inverse_norms.clone(),
            codes: self.codes.clone(),
        }
    }

    /// Memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.codes.capacity()
            + self.inverse_norms.capacity() * 4
            + (self.chunks.capacity() + self.died.capacity()) * 8
    }

    /// Gives back what growing reserved and a sealed block does not need.
    pub(super) fn shrink(&mut self) {
        self.chunks.shrink_to_fit();
        self.died.shrink_to_fit();
        self.inverse_norms.shrink_to_fit();
        self.codes.shrink_to_fit();
    }
}
