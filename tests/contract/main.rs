//! Clients against the API descriptions of their vendors, through the crate's public face only.
//!
//! The descriptions lie outside the crate; where they are missing, the checks against them are skipped with one
//! printed line and everything else still runs. What holds for every vendor is tested for every vendor (`answers`,
//! `trials`, `streams`); what is one vendor's own is in the file that bears its name.

mod anthropic;
mod answers;
mod description;
mod google;
mod openai;
mod openai_streams;
mod recording;
mod streams;
mod trials;
mod vendor;
