//! What one document may cost.
//!
//! Every limit has a default that no honest document of a support desk comes near, and a name that ends in its
//! unit.

use serde::{Deserialize, Serialize};

/// What one document may cost. A document that would cost more fails with a reason; nothing is cut off silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Size of the file. Default 64 MiB.
    pub file_bytes_max: u64,
    /// Size of the readable text in UTF-8. Default 16 MiB, about five thousand printed pages.
    pub text_bytes_max: u64,
    /// Blocks (paragraphs, headings, list items, tables, code) of the readable text. Default 200,000.
    pub blocks_max: usize,
    /// Pages of a PDF. Default 5,000.
    pub pages_max: u32,
    /// Wall-clock time from handing the file over to having its text. Default 60 s.
    pub wall_ms_max: u64,
    /// Memory that reading may take on top of what the program takes when idle. Default 1 GiB.
    pub memory_bytes_max: u64,
    /// Entries of a zip-based file (DOCX). Default 10,000.
    pub zip_entries_max: usize,
    /// Bytes that all entries of a zip-based file unpack to. Default 512 MiB.
    pub zip_unpacked_bytes_max: u64,
    /// Unpacked bytes per packed byte of one zip entry, looked at from 1 MiB unpacked on. Default 200; text packs 3
    /// to 20 times.
    pub zip_ratio_max: u64,
    /// Elements inside one another in HTML. Default 512, what browsers allow.
    pub html_depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 64 << 20,
            text_bytes_max: 16 << 20,
            blocks_max: 200_000,
            pages_max: 5_000,
            wall_ms_max: 60_000,
            memory_bytes_max: 1 << 30,
            zip_entries_max: 10_000,
            zip_unpacked_bytes_max: 512 << 20,
            zip_ratio_max: 200,
            html_depth_max: 512,
        }
    }
}
