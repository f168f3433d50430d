//! Files of a tenant, kept by what is in them: the same bytes are one file, whoever brings them.
//!
//! A blob lies in `files/ab/<hash>` under the keyspace's folder, where `<hash>` is its BLAKE3 and `ab` its beginning. It is
//! written to `files/new/` first, synced, and renamed, so a blob that can be seen is whole; reading checks the hash.
//! Who needs a blob says so in the tenant's own tables ([`refer`], [`release`]); a blob that nobody needs is removed.
//!
//! **Why nothing that is needed is ever removed.** Between [`put()`] and the commit of the reference the blob is pinned by the
//! [`Stored`] that `put` returned; removal happens under the lock of the pins, and looks for references in a snapshot
//! taken after it has seen that there is no pin. **Why nothing stays behind:** before the first `put` after a sweep has
//! begun, the next sweep is queued durably, so a blob whose reference was never committed is met by it.
//! **Why a copy is whole:** while a [`Hold`] is held nothing is removed; what was to be is removed after it.
//!
//! What is needed is counted in bytes, in the same transactions ([`stored_bytes`]), and held against the tenant's quota
//! ([`admit`]).
//!
//! Tables, in each tenant's keyspace: `files.reference`, `files.size`, `files.total`. Jobs (lane upkeep): [`CollectBlob`], [`SweepBlobs`], done by
//! [`Collector`]. Owns no event.
//!
//! Limits: the size that each caller names; [`HEAD_BYTES`] kept for telling the type; 8 pieces of an upload that wait for
//! the disk; 10 minutes from the first `put` to the sweep.

mod collect;
mod error;
mod hash;
mod pin;
mod put;
mod read;
mod reference;
mod sniff;
mod stock;
#[cfg(test)]
mod tests;

pub use collect::{CollectBlob, Collector, SweepBlobs, Swept, discard, sweep};
pub use error::Error;
pub use hash::BlobHash;
pub use pin::{Hold, Stored};
pub use put::{HEAD_BYTES, put, put_stream};
pub use read::{hash_file, open, open_unchecked, read, read_blocking};
pub use reference::{each_referenced, is_referenced, refer, referenced, release};
pub use sniff::media_type;
pub use stock::{admit, stored_bytes};
