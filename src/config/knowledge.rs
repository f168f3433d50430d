//! `[knowledge]`: documents.

use serde::Deserialize;

use super::settings::Finding;

/// Larger files are not read: the process that reads one is given 1 GiB of memory.
const UPLOAD_BYTES_MAX: usize = 64 << 20;

/// What is taken in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knowledge {
    /// The largest document.
    pub upload_bytes_max: usize,
}

impl Knowledge {
    pub(super) fn check(&self) -> Vec<Finding> {
        if (1..=UPLOAD_BYTES_MAX).contains(&self.upload_bytes_max) {
            return Vec::new();
        }
        vec![("knowledge.upload_bytes_max", format!("at least 1 and at most {UPLOAD_BYTES_MAX}"))]
    }
}
