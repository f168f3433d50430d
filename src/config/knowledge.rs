//! `[knowledge]`: documents.

use serde::Deserialize;

/// What is taken in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knowledge {
    /// The largest document.
    pub upload_bytes_max: usize,
}
