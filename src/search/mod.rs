//! Two indexes, and how they are read as one.

pub mod vectors;
