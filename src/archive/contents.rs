//! What an archive says about itself, as JSON: fields can be added without a new version of the format.

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::store;

/// What an archive is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The whole appliance.
    Backup,
    /// One workspace.
    Workspace,
}

/// The first entry of every archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is for.
    pub kind: Kind,
    /// The version of the program that made it.
    pub program: String,
    /// The newest schema version of that program: one that knows an older one only cannot use the archive.
    pub schema: u32,
    /// When it was begun; what was acknowledged before is in it.
    pub made_at: Timestamp,
    /// What is not in it, each in a sentence that says how to get it back.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Whatever else the maker wants to say, by name.
    #[serde(default)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

impl Manifest {
    /// Of an archive that this program makes.
    #[must_use]
    pub fn new(kind: Kind, made_at: Timestamp) -> Self {
        Self {
            kind,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema: store::schema_version(),
            made_at,
            left_out: Vec::new(),
            details: serde_json::Map::new(),
        }
    }
}

/// The last entry of a chain of hashes, as it stood in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// Its number; 0 when there is none yet.
    pub sequence: u64,
    /// Its hash in hex.
    pub hash: String,
}

/// Begins a keyspace, before its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceHead {
    /// Where its file lies in the data directory, such as `system.redb`; a plain path.
    pub path: String,
    /// The schema version that its rows have.
    pub schema: u32,
    /// How many rows follow.
    pub rows: u64,
    /// Where its audit trail ends.
    #[serde(default)]
    pub audit: Option<AuditHead>,
}

/// Begins a file, before its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHead {
    /// Where it lies in the data directory; a plain path.
    pub path: String,
    /// Its permissions, as in `chmod`; the nine lowest bits count.
    pub mode: u32,
    /// How many bytes follow.
    pub length: u64,
}

/// The last entry: what there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Keyspaces.
    pub keyspaces: u64,
    /// Rows of all of them.
    pub rows: u64,
    /// Files.
    pub files: u64,
    /// Bytes of keys, values and files, before packing.
    pub bytes: u64,
}
