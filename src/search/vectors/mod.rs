//! The vector index: which chunks are nearest to a question, by cosine.
//!
//! The truth, the f32 vectors, is in the database; this index is derived from it and may be thrown away and
//! rebuilt at any time. It keeps each vector in 8 bits a dimension, finds candidates with them, and ranks the
//! candidates by the exact cosine, with the f32 vectors read through [`Source`].
//!
//! - Up to [`Settings::hnsw_chunks_min`] chunks, and whenever a filter leaves few, every row is scanned: exact,
//!   about 2 ms for 100,000 chunks of 384 dimensions on one core.
//! - Above, a graph (HNSW, Malkov and Yashunin 2016, by the crate `hnsw_rs`) finds the candidates, and the rows
//!   that are not in it yet are scanned.
//! - A removed or replaced row is only marked (a tombstone). [`VectorIndex::plan_rebuild`] says when it is worth
//!   cleaning up; the work runs on a thread of the caller's and is swapped in at once.
//! - A search holds the lock for microseconds and then sees one moment of the index, whatever is added, removed
//!   or swapped meanwhile.
//! - [`VectorIndex::save`] and [`VectorIndex::load`] keep a checksummed snapshot with the position in the index
//!   log up to which it holds; anything but an intact snapshot of this version and model is refused.
//!
//! Everything is synchronous. Owns no table, no job, no event and no setting of its own; `index` wires it. Limits:
//! [`DIMENSIONS_MAX`], [`LIMIT_MAX`] hits, 2^32 rows.

mod block;
mod code;
mod error;
mod flat;
mod hnsw;
mod index;
mod rebuild;
mod simd;
mod snapshot;

#[cfg(test)]
mod tests;

pub use code::DIMENSIONS_MAX;
pub use error::Error;
pub use index::{Filter, Hit, LIMIT_MAX, Memory, Settings, Source, VectorIndex};
pub use rebuild::Rebuild;
