//! Fusion: the semantic and the keyword list read as one.
//!
//! [`gather`] puts together what the two indexes said about every chunk either of them returned; [`fuse()`] orders the
//! chunks and says why. Pure functions over numbers, the same for the product and for the evaluation.
//!
//! - `hybrid` standardises both scores within the question and sums them with weights that start at the settings (0.7 and
//!   0.3) and follow the evidence (`weighing`); it is purely semantic when no keyword matches.
//! - `predecessor` is what Frontdesk's predecessor did, to compare.
//! - The score shown to people is calibrated per embedding model ([`Calibration`]).
//!
//! Owns no table, no job and no event; [`Settings`] come from `knowledge`. It is bounded by the candidates it is given.

mod by_words;
mod calibration;
mod candidate;
mod explanation;
mod fuse;
mod settings;
mod weighing;

#[cfg(test)]
mod tests;

pub use by_words::fuse_by_words;
pub use calibration::Calibration;
pub use candidate::{Candidate, gather, union};
pub use explanation::{Explanation, Timings, Trace, WeightReason};
pub use fuse::{Fused, Ranked, fuse};
pub use settings::{Settings, Strategy};
