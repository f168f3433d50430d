//! Cutting a readable text into passages that an embedding model can take in whole.
//!
//! The cut follows the document: a passage stays within its section, tables break between rows and repeat their
//! header, lists break between items and repeat the sentence that leads them in, code stays whole if it can,
//! running text breaks between sentences. A word, and so an error code or a part number, is never cut unless it
//! is longer than a whole passage.
//!
//! Every passage knows where in the text it stands and under which headings, and carries the text to embed: title
//! and headings, then the passage without its markup. Tokens are counted by the caller's function, so this room
//! needs no model.
//!
//! Invariants, each a property test: passages are in order and do not overlap; together they hold every word of
//! the text that is not a heading; [`Settings::tokens_max`] holds for every `embed_text` that can be cut; the same
//! input gives the same passages.
//!
//! Owns no table, no job and no event. Limits are [`Settings`], in tokens of a passage.

mod again;
mod cut;
mod pack;
mod passage;
mod section;
mod sentence;

#[cfg(test)]
mod tests;

pub use again::embed_text_of;
pub use pack::chunk;
pub use passage::{Chunk, Settings};
pub use sentence::sentences;
