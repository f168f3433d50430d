//! Two indexes, and how they are read as one.

mod error;
pub use error::Error;
pub mod embedder;

pub mod vectors;

pub mod eval;
pub mod fusion;
pub mod index;
pub mod keywords;
