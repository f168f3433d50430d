//! Writing an archive, entry after entry.

use std::io::{self, Read, Write};

use serde::Serialize;

use super::contents::{AuditHead, Contents, FileHead, KeyspaceHead, Manifest};
use super::frame::FrameWriter;
use super::seal::{Protection, Sink};
use super::wire::{self, HEAD_BYTES_MAX, MANIFEST_BYTES_MAX, TABLE_BYTES_MAX};
use super::{Error, Limits, is_plain_path};
use crate::store::ReadTx;

/// How hard the packing tries: the level at which zstd is faster than most disks.
const LEVEL: i32 = 3;
/// Bytes of a file read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What is in it.
    pub contents: Contents,
    /// The BLAKE3, in hex, of the archive within its seal.
    pub blake3: String,
}

/// An archive that is being written. It is whole only after [`Writer::finish`].
pub struct Writer<W: Write> {
    packing: zstd::stream::write::Encoder<'static, FrameWriter<Sink<W>>>,
    contents: Contents,
    limits: Limits,
}

impl<W: Write> Writer<W> {
    /// Begins an archive with its manifest.
    ///
    /// # Errors
    /// When `output` fails, or the manifest is too long.
    pub fn create(output: W, manifest: &Manifest, protection: &Protection) -> Result<Self, Error> {
        let sink = Sink::begin(output, protection)?;
        let begin = || zstd::stream::write::Encoder::new(FrameWriter::begin(sink)?, LEVEL);
        let packing = begin().map_err(Error::io("write the archive"))?;
        let mut writer = Self { packing, contents: Contents::default(), limits: Limits::default() };
        writer.json(wire::MANIFEST, "the manifest", manifest, MANIFEST_BYTES_MAX)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.packing.write_all(bytes).map_err(Error::io("write the archive"))
    }

    fn length(&mut self, what: &str, length: usize, bytes_max: usize) -> Result<(), Error> {
        match u32::try_from(length) {
            Ok(count) if length <= bytes_max => self.put(&count.to_le_bytes()),
            _ => Err(Error::TooLarge { what: what.to_owned(), bytes_max: bytes_max as u64 }),
        }
    }

    fn json(&mut self, tag: u8, what: &str, value: &impl Serialize, bytes_max: usize) -> Result<(), Error> {
        let json =
            serde_json::to_vec(value).map_err(io::Error::from).map_err(Error::io("write the archive"))?;
        self.put(&[tag])?;
        self.length(what, json.len(), bytes_max)?;
        self.put(&json)
    }

    /// Adds a snapshot of a keyspace, all rows that `keep` wants; the head counts them before.
    ///
    /// # Errors
    /// When the store or `output` fails.
    pub fn keyspace(&mut self, path: &str, tx: &ReadTx, audit: Option<AuditHead>) -> Result<u64, Error> {
        let head = KeyspaceHead {
            path: path.to_owned(),
            schema: tx.schema_version()?,
            rows: tx.row_count()?,
            audit,
        };
        let mut rows = self.begin_keyspace(&head)?;
        tx.each_row(|table, key, value| rows.row(table, key, value))?;
        rows.end()
    }

    /// Begins a keyspace of which the caller brings the rows, as many as the head says, those of a table together.
    ///
    /// # Errors
    /// [`Error::PathRefused`], or when `output` fails.
    pub fn begin_keyspace(&mut self, head: &KeyspaceHead) -> Result<Rows<'_, W>, Error> {
        check_path(&head.path)?;
        self.json(wire::KEYSPACE, &head.path, head, HEAD_BYTES_MAX)?;
        self.contents.keyspaces = self.contents.keyspaces.saturating_add(1);
        Ok(Rows { writer: self, path: head.path.clone(), table: String::new(), expected: head.rows, told: 0 })
    }

    /// Adds a file, of which `content` must bring as many bytes as the head says.
    ///
    /// # Errors
    /// [`Error::PathRefused`], [`Error::Changed`] when it brings fewer or more, [`Error::TooLarge`], or when `content` or `output`
    /// fails.
    pub fn file(&mut self, head: &FileHead, content: &mut impl Read) -> Result<(), Error> {
        check_path(&head.path)?;
        if head.length > self.limits.file_bytes_max {
            return Err(Error::TooLarge { what: head.path.clone(), bytes_max: self.limits.file_bytes_max });
        }
        self.json(wire::FILE, &head.path, head, HEAD_BYTES_MAX)?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = head.length;
        loop {
            let count = match content.read(&mut piece) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read a file")(error)),
            };
            let Some(rest) = left.checked_sub(count as u64) else {
                return Err(Error::Changed { path: head.path.clone() });
            };
            left = rest;
            if count == 0 {
                break;
            }
            self.put(piece.get(..count).unwrap_or_default())?;
        }
        if left > 0 {
            return Err(Error::Changed { path: head.path.clone() });
        }
        self.contents.files = self.contents.files.saturating_add(1);
        self.contents.bytes = self.contents.bytes.saturating_add(head.length);
        Ok(())
    }

    /// What has been added so far.
    #[must_use]
    pub fn contents(&self) -> Contents {
        self.contents
    }

    /// Ends the archive; what it was written to, which is not flushed.
    ///
    /// # Errors
    /// When `output` fails.
    pub fn finish(mut self) -> Result<(W, Written), Error> {
        let contents = self.contents;
        self.json(wire::END, "the contents", &contents, HEAD_BYTES_MAX)?;
        let end = || {
            let (sink, hash) = self.packing.finish()?.finish()?;
            Ok((sink.finish()?, hash))
        };
        let (output, hash) = end().map_err(Error::io("write the archive"))?;
        Ok((output, Written { contents, blake3: hash.to_hex().to_string() }))
    }
}

fn check_path(path: &str) -> Result<(), Error> {
    if is_plain_path(path) { Ok(()) } else { Err(Error::PathRefused { path: path.to_owned() }) }
}

/// The rows of a keyspace that is being written; to be ended with [`Rows::end`].
pub struct Rows<'w, W: Write> {
    writer: &'w mut Writer<W>,
    path: String,
    table: String,
    expected: u64,
    told: u64,
}

impl<W: Write> Rows<'_, W> {
    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or when the output fails.
    pub fn row(&mut self, table: &str, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.table != table || self.told == 0 {
            let length = u16::try_from(table.len()).ok().filter(|_| table.len() <= TABLE_BYTES_MAX);
            let length = length.ok_or_else(|| Error::TooLarge {
                what: "the name of a table".to_owned(),
                bytes_max: TABLE_BYTES_MAX as u64,
            })?;
            self.writer.put(&[wire::TABLE])?;
            self.writer.put(&length.to_le_bytes())?;
            self.writer.put(table.as_bytes())?;
            table.clone_into(&mut self.table);
        }
        let limits = self.writer.limits;
        self.writer.put(&[wire::ROW])?;
        self.writer.length("a key", key.len(), limits.key_bytes_max)?;
        self.writer.length("a row", value.len(), limits.value_bytes_max)?;
        self.writer.put(key)?;
        self.writer.put(value)?;
        self.told = self.told.saturating_add(1);
        let contents = &mut self.writer.contents;
        contents.bytes = contents.bytes.saturating_add((key.len() as u64).saturating_add(value.len() as u64));
        Ok(())
    }

    /// Ends the keyspace; how many rows it has.
    ///
    /// # Errors
    /// [`Error::Changed`] when it has not as many as its head says, or when the output fails.
    pub fn end(self) -> Result<u64, Error> {
        if self.told != self.expected {
            return Err(Error::Changed { path: self.path });
        }
        self.writer.put(&[wire::KEYSPACE_END])?;
        self.writer.put(&self.told.to_le_bytes())?;
        self.writer.contents.rows = self.writer.contents.rows.saturating_add(self.told);
        Ok(self.told)
    }
}
