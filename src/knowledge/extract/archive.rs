//! Whether a zip-based file may be opened at all.
//!
//! First what its directory claims (entries, sizes, ratios, entries that share bytes), then what it really
//! unpacks to: the directory is written by whoever wrote the file. Nothing is kept of what is unpacked here.

use super::error::Error;
use super::limits::Limits;
use super::sniff::Format;
use std::io::{self, Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// Ratios are looked at from this unpacked size on: a small part of blanks packs a thousandfold.
const RATIO_FROM_BYTES: u64 = 1 << 20;

/// Refuses an archive that is damaged, needs a password or unpacks to more than `limits` allow.
pub(super) fn check(bytes: &[u8], format: Format, limits: &Limits) -> Result<(), Error> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| failure(&error, format))?;
    if archive.len() > limits.zip_entries_max {
        return Err(bomb(format!("{} entries, {} are allowed", archive.len(), limits.zip_entries_max)));
    }
    if archive.has_overlapping_entries().map_err(|error| failure(&error, format))? {
        return Err(bomb("entries share the same bytes".to_owned()));
    }
    let mut claimed = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| failure(&error, format))?;
        if entry.encrypted() {
            return Err(Error::Encrypted { format });
        }
        claimed = claimed.saturating_add(entry.size());
        check_size(claimed, entry.size(), entry.compressed_size(), limits)?;
    }
    let mut unpacked = 0_u64;
    for index in 0..archive.len() {
        // An entry that cannot be read may be a picture; whether it matters is for the reader to say.
        let Ok(entry) = archive.by_index(index) else { continue };
        let packed = entry.compressed_size();
        let left = limits.zip_unpacked_bytes_max.saturating_sub(unpacked);
        let (read, _) = drain(entry.take(left.saturating_add(1)));
        unpacked = unpacked.saturating_add(read);
        check_size(unpacked, read, packed, limits)?;
    }
    Ok(())
}

fn check_size(total: u64, size: u64, packed: u64, limits: &Limits) -> Result<(), Error> {
    if total > limits.zip_unpacked_bytes_max {
        return Err(bomb(format!("more than {} bytes unpacked", limits.zip_unpacked_bytes_max)));
    }
    if size > RATIO_FROM_BYTES && size / packed.max(1) > limits.zip_ratio_max {
        return Err(bomb(format!("{size} bytes from {packed}")));
    }
    Ok(())
}

/// Bytes that could be read, and the error that ended it.
fn drain(mut reader: impl Read) -> (u64, Option<io::Error>) {
    let mut buffer = vec![0_u8; 64 << 10];
    let mut total = 0_u64;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (total, None),
            Ok(read) => total += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (total, Some(error)),
        }
    }
}

fn bomb(detail: String) -> Error {
    Error::ZipBomb { detail }
}

fn failure(error: &ZipError, format: Format) -> Error {
    match error {
        ZipError::InvalidPassword => Error::Encrypted { format },
        ZipError::UnsupportedArchive(what) if *what == ZipError::PASSWORD_REQUIRED => {
            Error::Encrypted { format }
        }
        other => Error::Damaged { format, detail: other.to_string() },
    }
}
