//! The keyword index: which chunks hold the words of a question, and how well (BM25, in Tantivy).
//!
//! - [`KeywordIndex`] is the index of one tenant: [`open`](KeywordIndex::open), [`apply`](KeywordIndex::apply) a batch of
//!   [`Change`]s, [`ask`](KeywordIndex::ask).
//! - It is derived from the store. Each commit carries the position of the index log it has read, so after a crash the caller
//!   reads on from [`position`](KeywordIndex::position); after [`Error::Unusable`] it deletes the folder and starts from nothing.
//! - Words are stemmed by the language of their document ([`Language`]), scripts without spaces go in as pairs of characters,
//!   and identifiers (error codes, part numbers, versions, addresses) are kept exactly as written besides.
//! - A question is never parsed as a query language, and is bounded in bytes and terms.
//!
//! Synchronous: callers put it on a blocking pool. Owns no table, no job and no event; `index` wires it.
//!
//! Limits: of a question, 16 KiB, 256 words and the 64 terms that tell most; 50,000 terms of a text and 120 bytes of a
//! word; the 6 most frequent languages are asked; 30 MB of memory for writing, from the first change until the index
//! rests.

mod asked;
mod entry;
mod error;
mod evidence;
mod hit;
mod identifiers;
mod index;
mod language;
mod ranking;
mod schema;
mod words;

#[cfg(test)]
mod tests;

pub use asked::Asked;
pub use entry::{Change, Entry};
pub use error::Error;
pub use evidence::Evidence;
pub use hit::{Admit, Found, Hit, Weighed};
pub use index::KeywordIndex;
pub use language::Language;
