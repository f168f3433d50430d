//! How alike texts of a tenant are that have nothing to do with each other, for a model that nobody has measured.
//!
//! Taken from the first passages of documents, pair by pair. Derived: it is computed when the indexes are opened and again when changes
//! have come to rest, and kept nowhere. Two passages are a little more alike than a question and a passage, so scores err on the low side.

use super::Error;
use super::rows::{Groups, number};
use super::spaces::Space;
use super::vector_in::{self, numbers};
use crate::search::fusion::Calibration;
use crate::store::{Read, Scan};

/// Documents whose first passages are compared, each with each.
const SAMPLED_MAX: usize = 64;

/// What a cosine of this space means: measured where the model was, else from the tenant's own texts where there are enough.
pub(super) fn calibration(tx: &impl Read, space: &Space) -> Result<Calibration, Error> {
    let usual = Calibration::of_model(&space.model.id);
    if usual != Calibration::UNKNOWN {
        return Ok(usual);
    }
    let mut vectors = Vec::new();
    for group in tx.keys::<Groups>(&Scan::all(SAMPLED_MAX))? {
        if let Some(bytes) = vector_in::get(tx, space.half, number(group, 0))? {
            vectors.push(numbers(&bytes));
        }
    }
    let mut cosines = Vec::new();
    for (at, one) in vectors.iter().enumerate() {
        let others = vectors.iter().take(at);
        cosines.extend(others.map(|other| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>()));
    }
    Ok(Calibration::measure(&cosines).unwrap_or(usual))
}
