//! Two indexes, and how they are read as one.

pub mod eval;
pub mod fusion;
pub mod keywords;
