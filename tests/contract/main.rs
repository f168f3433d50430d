//! Clients against the API descriptions of their vendors, through the crate's public face only.
//!
//! The descriptions lie outside the crate; where they are missing, the checks against them are skipped with one
//! printed line and everything else still runs. What holds for every vendor is tested for every vendor: `answers`, `trials`
//! and `streams` for chats, `lists` for models that embed or rerank. What is one vendor's own is in the file that bears
//! its name, or in `embedding` and `rerank`.

mod anthropic;
mod answers;
mod description;
mod embedding;
mod google;
mod lists;
mod openai;
mod openai_streams;
mod recording;
mod rerank;
mod streams;
mod trials;
mod vendor;
