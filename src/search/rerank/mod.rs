//! Rerankers that run in this process: they read a question and each passage, and need no server.
//!
//! [`OnnxReranker`] is a cross-encoder that the site brings in a file; [`MaxSim`] is the bundled embedding model, word by word. Both
//! are a [`crate::ai::rerank::Reranker`] like those on servers, so whoever asks need not know the difference; nothing leaves the
//! machine and nothing is charged, unless the site puts a price on a model of its own.
//!
//! One reranking is worked on at a time, each passage on a thread of its own, as many at a time as there are cores; the others
//! wait in line. When the deadline is over or nobody waits for the order any more, the work ends at the next passage.
//!
//! Owns no table, no job and no event. Limits: models of [`MODEL_BYTES_MAX`], tokenizers of [`TOKENIZER_BYTES_MAX`], `LINE_MAX`
//! rerankings in line; question and passage are read as far as the model reads, and 16 KiB of each are looked at.

mod error;
mod in_process;
mod max_sim;
mod onnx;
mod pairs;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use max_sim::MaxSim;
pub use onnx::{MODEL_BYTES_MAX, OnnxReranker, OnnxSettings, TOKENIZER_BYTES_MAX};
