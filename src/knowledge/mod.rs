//! Documents and their life: received, extracted, chunked, embedded, indexed, retrieved, cited.

pub mod chunk;
pub mod extract;
