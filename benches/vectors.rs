//! Vector index at 100,000 chunks.
fn main() {}
