//! Two indexes, and how they are read as one. Knows nothing of documents.
//!
//! Chunks are numbers here. [`embedder`] turns text into vectors; [`vectors`] finds the nearest of them; [`keywords`]
//! finds words; [`fusion`] makes one order of both; [`eval`] says how good that order is. Everything is derived from the
//! database and may be deleted at any time.

pub mod embedder;
mod error;
pub mod eval;
pub mod fusion;
pub mod index;
pub mod keywords;
pub mod vectors;

pub use error::Error;
