//! Rows of vectors in one of the two tables: `vector_in::get(tx, half, chunk)`.

use bytes::Bytes;

use super::rows::BY_HASH;
use super::spaces::Half;
use crate::store::{self, Key as _, Read, Scan, WriteTx, tables};

/// Passages with the same text that are looked at for one whose vector is known.
const ALIKE_MAX: usize = 8;

tables! {
    /// The vectors of the passages as f32, little-endian: the truth of the vector index.
    First = "search.vector": u64 => Bytes;
    /// The same, of another embedding model; which of the two serves is in `search.space`.
    Second = "search.vector_other": u64 => Bytes;
}

pub(super) fn get(tx: &impl Read, half: Half, chunk: u64) -> Result<Option<Bytes>, store::Error> {
    match half {
        Half::First => tx.get::<First>(&chunk),
        Half::Second => tx.get::<Second>(&chunk),
    }
}

pub(super) fn scan(tx: &impl Read, half: Half, scan: &Scan) -> Result<Vec<(u64, Bytes)>, store::Error> {
    match half {
        Half::First => tx.scan::<First>(scan),
        Half::Second => tx.scan::<Second>(scan),
    }
}

pub(super) fn put(tx: &mut WriteTx<'_>, half: Half, chunk: u64, vector: &[f32]) -> Result<(), store::Error> {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    match half {
        Half::First => tx.put::<First>(&chunk, &bytes.into()),
        Half::Second => tx.put::<Second>(&chunk, &bytes.into()),
    }
}

/// Removes a passage's vectors, of whatever model.
pub(super) fn remove(tx: &mut WriteTx<'_>, chunk: u64) -> Result<(), store::Error> {
    tx.remove::<First>(&chunk)?;
    tx.remove::<Second>(&chunk).map(drop)
}

/// Removes up to `rows_max` vectors of a half; how many there were.
pub(super) fn clear(tx: &mut WriteTx<'_>, half: Half, rows_max: usize) -> Result<usize, store::Error> {
    let scan = Scan::all(rows_max);
    let chunks = match half {
        Half::First => tx.keys::<First>(&scan)?,
        Half::Second => tx.keys::<Second>(&scan)?,
    };
    for chunk in &chunks {
        match half {
            Half::First => tx.remove::<First>(chunk)?,
            Half::Second => tx.remove::<Second>(chunk)?,
        };
    }
    Ok(chunks.len())
}

/// The vector that a passage with this hash has in a half, so that the same text is never embedded twice.
pub(super) fn of_text(tx: &impl Read, half: Half, hash: &[u8; 32]) -> Result<Option<Vec<f32>>, store::Error> {
    for (_, primary) in BY_HASH.keys(tx, &Scan::prefix(hash, ALIKE_MAX))? {
        let Some(chunk) = u64::from_bytes(&primary) else { continue };
        if let Some(bytes) = get(tx, half, chunk)? {
            return Ok(Some(numbers(&bytes)));
        }
    }
    Ok(None)
}

/// The numbers of a vector's bytes.
pub(super) fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}
