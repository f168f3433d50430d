//! Two indexes, and how they are read as one. Knows nothing of documents.
//!
//! Chunks are numbers here. [`embedder`] turns text into vectors inside the process, `ai::embedding` on a server; [`vectors`] finds the nearest of them; [`keywords`]
//! finds words; [`fusion`] makes one order of both; [`index`] keeps a tenant's two indexes in step with the database and
//! asks them; [`rerank`] reads the best once more, with models that run in this process; [`eval`] says how good the order
//! is. `knowledge`, above, says what the chunks are of. The indexes are derived from the database and may be deleted while the
//! appliance is stopped.
//!
//! Tables, all of [`index`]: `search.group`, `search.passage`, `search.vector`, `search.vector_other`, `search.space`, `search.hidden`.
//! Owns no job and no event: the jobs of `knowledge` fill, clear and tend the indexes.
//!
//! Limits: [`index::PASSAGES_MAX`] passages in a group; 100,000 hidden groups that a search looks at; from each list,
//! twice as many candidates as wanted, but at least 100 and at most 1,000.

pub mod embedder;
mod error;
pub mod eval;
pub mod fusion;
pub mod index;
pub mod keywords;
mod lanes;
pub mod rerank;
pub mod vectors;

pub use error::Error;
