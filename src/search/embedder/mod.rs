//! What turns text into vectors whose angle says how alike two texts are.
//!
//! Every vector belongs to the model that made it: vectors of different models (or of the same model in another
//! quantisation) cannot be compared, so an index records [`MiniLm::model_id`] and is rebuilt when it changes.
//! Embedding computes and never waits on the world; callers put it on a bounded blocking pool.
//!
//! Owns no table, no job and no event. Limits: the first [`MiniLm::TEXT_TOKENS_MAX`] tokens of a text count, and 16 KiB
//! of it are looked at; 64 threads.

mod minilm;
mod tokens;

pub use minilm::MiniLm;

#[cfg(test)]
mod tests;
