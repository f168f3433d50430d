//! Clients against the API descriptions of their vendors, through the crate's public face only.
//!
//! The descriptions lie outside the crate; where they are missing, the checks against them are skipped with one
//! printed line and everything else still runs.

mod description;
mod openai;
mod openai_streams;
mod vendor;
