//! What goes into the index: a chunk with the words around it, and the changes that a commit is made of.
//!
//! Applying a change again changes nothing: a chunk that is put twice is there once, and what is not there can be removed.

use super::Language;

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
