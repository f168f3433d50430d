//! How entries lie in the packed stream: a byte that says what follows, lengths (little-endian), bytes.
//!
//! ```text
//! M  length: u32  JSON of the manifest                       first
//! K  length: u32  JSON of a keyspace's head                  rows follow
//! T  length: u16  name of the table of the rows that follow
//! R  key: u32  value: u32  both
//! E  rows: u64                                               ends the keyspace
//! F  length: u32  JSON of a file's head, then its bytes
//! Z  length: u32  JSON of the contents                       last
//! ```

use super::Error;

pub(super) const MANIFEST: u8 = b'M';
pub(super) const KEYSPACE: u8 = b'K';
pub(super) const TABLE: u8 = b'T';
pub(super) const ROW: u8 = b'R';
pub(super) const KEYSPACE_END: u8 = b'E';
pub(super) const FILE: u8 = b'F';
pub(super) const END: u8 = b'Z';

/// The longest manifest.
pub(super) const MANIFEST_BYTES_MAX: usize = 1 << 20;
/// The longest head of a keyspace or file, and the longest contents.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 10;
/// The longest name of a table.
pub(super) const TABLE_BYTES_MAX: usize = 256;

/// How a length of at most `bytes_max` is written.
pub(super) fn length(what: &str, length: usize, bytes_max: usize) -> Result<[u8; 4], Error> {
    let count = u32::try_from(length).ok().filter(|_| length <= bytes_max);
    count.map(u32::to_le_bytes).ok_or_else(|| Error::too_large(what, bytes_max))
}
