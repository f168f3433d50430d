//! What a question says about itself, before anything is found.
//!
//! Fusion reads it to decide how far the words are to be trusted: a question that names a part number which some chunk holds is
//! one for the keyword index.

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
