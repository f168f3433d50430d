//! `[quotas]`: what a workspace may use while the operator sets nothing else for it.

use serde::Deserialize;

use super::settings::Finding;

/// The quotas of a workspace that has none of its own; 0 is for no limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// People with a membership.
    pub members: u64,
    /// Documents.
    pub documents: u64,
    /// Bytes of documents, their texts, and pictures.
    pub storage_bytes: u64,
    /// Conversations begun in a month of UTC.
    pub conversations_per_month: u64,
}

const LIMIT_MAX: u64 = 1 << 60;

impl Quotas {
    pub(super) fn check(&self) -> Vec<Finding> {
        let numbers = [
            ("quotas.members", self.members),
            ("quotas.documents", self.documents),
            ("quotas.storage_bytes", self.storage_bytes),
            ("quotas.conversations_per_month", self.conversations_per_month),
        ];
        let too_large = numbers.into_iter().filter(|(_, number)| *number > LIMIT_MAX);
        too_large.map(|(key, _)| (key, format!("at most {LIMIT_MAX}; 0 for no limit"))).collect()
    }
}
