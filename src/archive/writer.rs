//! Writing an archive, entry after entry.

use std::io::{self, Read, Write};

use serde::Serialize;

use super::contents::{Contents, FileHead, Manifest};
use super::frame::FrameWriter;
use super::seal::{Protection, Sink};
use super::wire::{self, HEAD_BYTES_MAX, MANIFEST_BYTES_MAX};
use super::{Error, Limits, Rows, is_plain_path};

/// How hard the packing tries: the level at which zstd is faster than most disks.
const LEVEL: i32 = 3;
/// Bytes of a file or of rows read at a time.
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

    fn json(&mut self, tag: u8, what: &str, value: &impl Serialize, bytes_max: usize) -> Result<(), Error> {
        let json =
            serde_json::to_vec(value).map_err(io::Error::from).map_err(Error::io("write the archive"))?;
        self.put(&[tag])?;
        self.put(&wire::length(what, json.len(), bytes_max)?)?;
        self.put(&json)
    }

    /// Adds a keyspace; how many rows it has.
    ///
    /// # Errors
    /// When the disk or `output` fails.
    pub fn keyspace(&mut self, rows: Rows) -> Result<u64, Error> {
        let (head, bytes) = (rows.head.clone(), rows.bytes);
        self.json(wire::KEYSPACE, &head.path, &head, HEAD_BYTES_MAX)?;
        self.copy(&mut rows.read()?)?;
        self.put(&[wire::KEYSPACE_END])?;
        self.put(&head.rows.to_le_bytes())?;
        self.contents.keyspaces = self.contents.keyspaces.saturating_add(1);
        self.contents.rows = self.contents.rows.saturating_add(head.rows);
        self.contents.bytes = self.contents.bytes.saturating_add(bytes);
        Ok(head.rows)
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
        // One byte more than there should be is enough to know.
        if self.copy(&mut content.take(head.length.saturating_add(1)))? != head.length {
            return Err(Error::Changed { path: head.path.clone() });
        }
        self.contents.files = self.contents.files.saturating_add(1);
        self.contents.bytes = self.contents.bytes.saturating_add(head.length);
        Ok(())
    }

    fn copy(&mut self, content: &mut impl Read) -> Result<u64, Error> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut copied = 0_u64;
        loop {
            match content.read(&mut piece) {
                Ok(0) => return Ok(copied),
                Ok(count) => {
                    copied = copied.saturating_add(count as u64);
                    self.put(piece.get(..count).unwrap_or_default())?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read what is archived")(error)),
            }
        }
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
