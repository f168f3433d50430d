//! The answerer that needs no language model: it quotes the best parts of the documents word for word, says that it
//! quotes, and says plainly when the documents do not hold the answer.
//!
//! Passages are cut into what can be quoted ([`mod@unit`]), each unit is compared with the question ([`score`]), the best grow
//! until they can stand alone ([`select`]), and the evidence decides whether they are shown ([`decide`]). Pure and
//! synchronous; the cost is embedding some fifty short texts, so callers put it on a bounded blocking pool.
//!
//! Invariants: every quote is an exact substring of a passage given; a declined answer cites nothing; an answer about a
//! code or part number quotes a passage that holds it.
//!
//! Owns no table, no job and no event. Limits: 16 passages and 4,000 bytes of a question are read; [`Settings`] bound the
//! quotes, their words and the texts that are embedded.

mod answer;
mod compose;
mod decide;
mod given;
mod lexicon;
mod question;
mod score;
mod select;
mod unit;
mod words;

#[cfg(test)]
mod tests;

pub use answer::answer;
pub use given::{Citation, Embed, Evidence, Measured, PassageGiven, QuotedAnswer, Reason, Settings, Wording};
