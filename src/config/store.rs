//! `[store]`: the data directory.

use std::path::PathBuf;

use serde::Deserialize;

use super::settings::Finding;

/// Where everything is kept, and the memory for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The memory of all databases' page caches together.
    pub cache_bytes_max: usize,
    /// An unused workspace's database is closed after so long.
    pub idle_close_s: u64,
}

/// The smallest cache that holds the system's database and one workspace's.
const CACHE_BYTES_MIN: usize = 24 << 20;

impl Store {
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.data_dir.as_os_str().is_empty() {
            findings.push(("store.data_dir", "name a folder".to_owned()));
        }
        if self.cache_bytes_max < CACHE_BYTES_MIN {
            findings.push(("store.cache_bytes_max", format!("at least {CACHE_BYTES_MIN}")));
        }
        findings
    }
}
