//! The rows of a keyspace, set aside as they stood in a snapshot.
//!
//! A snapshot that is held keeps the store from using the room of what is replaced meanwhile again, and what has gathered is given
//! back by one commit, which everybody waits for. So a snapshot must not last as long as packing or a slow reader do:
//! its rows are copied first, and packed by [`super::Writer::keyspace`] once it has ended.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::path::Path;

use super::contents::{AuditHead, KeyspaceHead};
use super::wire::{self, TABLE_BYTES_MAX};
use super::{Error, Limits, is_plain_path};
use crate::store::ReadTx;

/// Bytes written at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Rows of a keyspace that wait to be written into an archive. Takes their bytes on disk until then.
pub struct Rows {
    pub(super) head: KeyspaceHead,
    pub(super) bytes: u64,
    limits: Limits,
    table: String,
    aside: BufWriter<File>,
}

impl Rows {
    /// None yet, of the keyspace that is to have `path` in the archive, in a file without a name in `folder`.
    ///
    /// # Errors
    /// [`Error::PathRefused`], or when the disk fails.
    pub fn new(path: &str, schema: u32, audit: Option<AuditHead>, folder: &Path) -> Result<Self, Error> {
        if !is_plain_path(path) {
            return Err(Error::PathRefused { path: path.to_owned() });
        }
        let aside = tempfile::tempfile_in(folder).map_err(Error::io("set rows aside"))?;
        Ok(Self {
            head: KeyspaceHead { path: path.to_owned(), schema, rows: 0, audit },
            bytes: 0,
            limits: Limits::default(),
            table: String::new(),
            aside: BufWriter::with_capacity(PIECE_BYTES, aside),
        })
    }

    /// All of a snapshot.
    ///
    /// # Errors
    /// As [`Rows::new`] and [`Rows::row`], or when the store fails.
    pub fn all(path: &str, tx: &ReadTx, audit: Option<AuditHead>, folder: &Path) -> Result<Self, Error> {
        let mut rows = Self::new(path, tx.schema_version()?, audit, folder)?;
        tx.each_row(|table, key, value| rows.row(table, key, value))?;
        Ok(rows)
    }

    /// Adds a row. Those of a table follow each other.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or when the disk fails.
    pub fn row(&mut self, table: &str, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.table != table {
            let length = u16::try_from(table.len()).ok().filter(|_| table.len() <= TABLE_BYTES_MAX);
            let length = length.ok_or_else(|| Error::too_large("the name of a table", TABLE_BYTES_MAX))?;
            self.put(&[wire::TABLE])?;
            self.put(&length.to_le_bytes())?;
            self.put(table.as_bytes())?;
            table.clone_into(&mut self.table);
        }
        let (key_length, value_length) = (
            wire::length("a key", key.len(), self.limits.key_bytes_max)?,
            wire::length("a row", value.len(), self.limits.value_bytes_max)?,
        );
        self.put(&[wire::ROW])?;
        self.put(&key_length)?;
        self.put(&value_length)?;
        self.put(key)?;
        self.put(value)?;
        self.head.rows = self.head.rows.saturating_add(1);
        self.bytes = self.bytes.saturating_add((key.len() as u64).saturating_add(value.len() as u64));
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.aside.write_all(bytes).map_err(Error::io("set rows aside"))
    }

    /// What was set aside, from its beginning.
    pub(super) fn read(self) -> Result<File, Error> {
        let mut aside =
            self.aside.into_inner().map_err(|error| Error::io("set rows aside")(error.into_error()))?;
        aside.rewind().map_err(Error::io("set rows aside"))?;
        Ok(aside)
    }
}
