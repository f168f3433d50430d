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
//! Synchronous: callers put it on a blocking pool.

mod asked;
mod error;
mod identifiers;
mod index;
mod language;
mod ranking;
mod schema;
mod words;

#[cfg(test)]
mod tests;

pub use asked::Asked;
pub use error::Error;
pub use index::KeywordIndex;
pub use language::Language;

/// A condition on chunk numbers; only chunks it lets through are returned.
pub type Admit<'a> = &'a dyn Fn(u64) -> bool;

/// What is indexed of one chunk.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Number of the chunk: its key in this index.
    pub chunk: u64,
    /// Key of the document it belongs to, so that all of a document's chunks can be removed at once.
    pub document: u128,
    /// Language of the document, as detected.
    pub language: Language,
    /// Title of the document; its words count twice.
    pub title: &'a str,
    /// Headings above the chunk, outermost first.
    pub headings: &'a [String],
    /// Text of the chunk.
    pub body: &'a str,
}

/// One change to the index.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Adds a chunk, or replaces the one with the same number.
    Put(Entry<'a>),
    /// Removes a chunk; nothing happens when there is none.
    RemoveChunk(u64),
    /// Removes every chunk of a document.
    RemoveDocument(u128),
}

/// A chunk that holds words of the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its number.
    pub chunk: u64,
    /// BM25, above 0, without an upper bound; comparable within one question only.
    pub score: f32,
}

/// The best chunks for a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Best first; ties by chunk number.
    pub hits: Vec<Hit>,
    /// Chunks good enough to be listed that the condition kept out, at the time they were met.
    pub passed_over: usize,
}

/// How a given chunk fits a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// Its number.
    pub chunk: u64,
    /// BM25 as in [`Hit::score`]; 0 when it holds no word of the question.
    pub score: f32,
    /// Which share of what the question's words tell (the sum of their inverse document frequencies) it holds, 0 to 1.
    pub coverage: f32,
}

/// What a question says by itself about whether words will find its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Evidence {
    /// Different words it has.
    pub words: usize,
    /// Those that no chunk holds.
    pub words_unknown: usize,
    /// Unmistakable identifiers in it, such as `E-1042`.
    pub identifiers: usize,
    /// Those that some chunk holds exactly as written.
    pub identifiers_known: usize,
    /// Which share of what the question tells those make up, 0 to 1: near 0 for a name that is everywhere.
    pub identifier_share: f32,
    /// There is nothing in it but identifiers, each of which some chunk holds exactly as written.
    pub identifiers_only: bool,
}
