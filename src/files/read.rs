//! Reading a blob: whole and checked, or as an open file that was checked.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;

use bytes::Bytes;

use super::put::blocking;
use super::{BlobHash, Error};
use crate::store::Keyspace;

/// Bytes hashed at a time.
const PIECE_BYTES: usize = 256 << 10;

/// The bytes of a blob, which must be no more than `bytes_max`. On this thread.
///
/// # Errors
/// [`Error::Missing`], [`Error::TooLarge`], [`Error::Damaged`], or when the disk fails.
pub fn read_blocking(keyspace: &Keyspace, hash: BlobHash, bytes_max: u64) -> Result<Bytes, Error> {
    let (file, size_bytes) = open_file(keyspace, hash)?;
    if size_bytes > bytes_max {
        return Err(Error::TooLarge { bytes_max });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or(0));
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read a file"))?;
    if BlobHash::of(&bytes) == hash { Ok(bytes.into()) } else { Err(Error::Damaged { hash }) }
}

/// [`read_blocking`] on a blocking thread.
///
/// # Errors
/// As [`read_blocking`].
pub async fn read(keyspace: &Keyspace, hash: BlobHash, bytes_max: u64) -> Result<Bytes, Error> {
    let keyspace = keyspace.clone();
    blocking(move || read_blocking(&keyspace, hash, bytes_max)).await
}

/// The open file of a blob and its size in bytes, unchecked, for whoever hashes what it reads. On this thread.
///
/// # Errors
/// [`Error::Missing`], or when the disk fails.
pub fn open_unchecked(keyspace: &Keyspace, hash: BlobHash) -> Result<(File, u64), Error> {
    open_file(keyspace, hash)
}

/// The open file of a blob and its size in bytes, for handing it on piece by piece. It is read once to check it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Damaged`], or when the disk fails.
pub async fn open(keyspace: &Keyspace, hash: BlobHash) -> Result<(tokio::fs::File, u64), Error> {
    let keyspace = keyspace.clone();
    let (file, size_bytes) = blocking(move || {
        let (mut file, size_bytes) = open_file(&keyspace, hash)?;
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = file.read(&mut piece).map_err(Error::io("read a file"))?;
            if read == 0 {
                break;
            }
            hasher.update(piece.get(..read).unwrap_or_default());
        }
        if BlobHash::from_digest(hasher.finalize()) != hash {
            return Err(Error::Damaged { hash });
        }
        file.rewind().map_err(Error::io("read a file"))?;
        Ok((file, size_bytes))
    })
    .await?;
    Ok((tokio::fs::File::from_std(file), size_bytes))
}

/// The hash of a file anywhere. On this thread.
///
/// # Errors
/// When the disk fails.
pub fn hash_file(path: &Path) -> Result<BlobHash, Error> {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(File::open(path).map_err(Error::io("open a file"))?)
        .map_err(Error::io("read a file"))?;
    Ok(BlobHash::from_digest(hasher.finalize()))
}

fn open_file(keyspace: &Keyspace, hash: BlobHash) -> Result<(File, u64), Error> {
    let file = File::open(hash.path(keyspace.folder())).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Missing { hash },
        _ => Error::io("open a file")(error),
    })?;
    let size_bytes = file.metadata().map_err(Error::io("look at a file"))?.len();
    Ok((file, size_bytes))
}
