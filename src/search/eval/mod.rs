//! How well retrieval finds what is relevant, measured on a test set with the same index and fusion that answer
//! questions.
//!
//! [`evaluate`] reads a folder (corpus, questions and judgements), embeds it, asks every question four ways and reports
//! nDCG, recall and reciprocal rank of the first ten: the semantic list alone, the keyword list alone, the hybrid, and
//! the predecessor's way. With a reranker there is a fifth row: the hybrid's best in that reranker's order, and what it takes.
//!
//! Owns no table, no job and no event, and touches no data directory: the index is made in memory and thrown away.
//! Limits: 10 results are judged of 100 candidates; the set is read whole, so it must fit into memory.

mod error;
mod metrics;
mod report;
mod run;
mod set;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use metrics::Metrics;
pub use report::{Report, RerankedReport};
pub use run::{Embed, Options, Order, Tried, evaluate};
