//! One file that holds keyspaces and files: a backup of the appliance, or one workspace to be carried elsewhere.
//!
//! An archive is the text `frontdesk archive` and a version, then frames, each with the BLAKE3 of its number and bytes, then
//! a trailer with the BLAKE3 of everything before it. What the frames hold is one zstd stream of entries: the [`Manifest`],
//! keyspaces as rows, files as bytes, and the count of them all. Around that may lie age encryption
//! (<https://age-encryption.org/v1>), to a passphrase or to a recipient, so that `age --decrypt` makes an open archive of a
//! sealed one.
//!
//! **What is altered or cut off is refused with its place**, before a byte of the frame in question is unpacked. What was read
//! until then has been handed out already: whoever reads believes it only when [`Reader::next_entry`] has said that there is
//! no more. Whoever restores therefore does so aside, and moves it into place at the end.
//!
//! Writing and reading are streams in memory that does not grow with the archive; a keyspace's [`Rows`] are set aside on
//! disk first. Everything here blocks.
//!
//! Limits ([`Limits`]): a frame of 1 MiB, a manifest of 1 MiB, heads of 64 KiB; paths are relative, of at most 1,024 bytes and 32 parts, and
//! lead nowhere else; there are no links. Owns no table, no job and no event.

mod contents;
mod error;
mod frame;
mod path;
mod reader;
mod rows;
mod seal;
mod wire;
mod writer;
#[cfg(test)]
mod tests;

pub use contents::{AuditHead, Contents, FileHead, KeyspaceHead, Kind, Manifest};
pub use error::{Error, Place};
pub use path::is_plain_path;
pub use reader::{Entry, Limits, Reader, Row};
pub use rows::Rows;
pub use seal::{Opening, Protection, Recipient, Seal, is_sealed};
pub use writer::{Writer, Written};
