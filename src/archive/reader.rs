//! Reading an archive, entry after entry.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::contents::{Contents, FileHead, KeyspaceHead, Manifest};
use super::frame::FrameReader;
use super::seal::{Opening, Source};
use super::wire::{self, HEAD_BYTES_MAX, MANIFEST_BYTES_MAX, TABLE_BYTES_MAX};
use super::{Error, is_plain_path};
use crate::store::Loader;

/// The window that unpacking may need, as a power of two: 8 MiB.
const WINDOW_LOG_MAX: u32 = 23;
/// Bytes that are made room for before they have arrived.
const ROOM_BYTES: u64 = 1 << 20;

/// What a reader accepts. The default is what an appliance can hold itself.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a row's key.
    pub key_bytes_max: usize,
    /// Bytes of a row's value; so much memory may a row take.
    pub value_bytes_max: usize,
    /// Bytes of a file.
    pub file_bytes_max: u64,
    /// Bytes of all rows and files together.
    pub bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key_bytes_max: 1 << 20,
            value_bytes_max: 256 << 20,
            file_bytes_max: 64 << 30,
            bytes_max: u64::MAX,
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A keyspace: read its rows with [`Reader::next_row`] or [`Reader::load`]; what is not read is passed over.
    Keyspace(KeyspaceHead),
    /// A file: read its bytes with [`Reader::content`] or [`Reader::save`]; what is not read is passed over.
    File(FileHead),
}

/// A row, until the next is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'r> {
    /// The name of its table.
    pub table: &'r str,
    /// Its key.
    pub key: &'r [u8],
    /// Its value.
    pub value: &'r [u8],
}

enum Within {
    Nothing,
    Keyspace { rows: u64, expected: u64 },
    File { left: u64 },
    End,
}

type Packed<R> = zstd::stream::read::Decoder<'static, FrameReader<Source<R>>>;

/// An archive that is being read.
pub struct Reader<R: Read> {
    packed: Packed<R>,
    manifest: Manifest,
    limits: Limits,
    within: Within,
    name: Option<String>,
    table: String,
    key: Vec<u8>,
    value: Vec<u8>,
    contents: Contents,
}

impl<R: Read> Reader<R> {
    /// Opens an archive and reads its manifest.
    ///
    /// # Errors
    /// [`Error::NotAnArchive`], [`Error::FormatNewer`], [`Error::Sealed`], [`Error::WrongKey`], or that it is damaged.
    pub fn open(input: R, opening: &Opening, limits: Limits) -> Result<Self, Error> {
        let (source, counter) = Source::begin(input, opening)?;
        let frames = FrameReader::begin(source, counter)?;
        let unpack = |frames| {
            let mut packed = Packed::with_buffer(frames)?;
            packed.window_log_max(WINDOW_LOG_MAX)?;
            Ok(packed)
        };
        let mut reader = Self {
            packed: unpack(frames).map_err(Error::io("read the archive"))?,
            manifest: Manifest::new(super::Kind::Backup, crate::base::Timestamp::from_millis(0)),
            limits,
            within: Within::Nothing,
            name: None,
            table: String::new(),
            key: Vec::new(),
            value: Vec::new(),
            contents: Contents::default(),
        };
        if reader.number::<1>()? != [wire::MANIFEST] {
            return Err(reader.senseless("it does not begin with a manifest"));
        }
        reader.manifest = reader.json(MANIFEST_BYTES_MAX)?;
        Ok(reader)
    }

    /// What it says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What has been read so far; after the last entry, what there is.
    #[must_use]
    pub fn contents(&self) -> Contents {
        self.contents
    }

    fn senseless(&self, reason: &'static str) -> Error {
        Error::Senseless { place: self.packed.get_ref().place(), reason }.in_entry(self.name.as_deref())
    }

    fn fault(&self, error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(fault) => fault.in_entry(self.name.as_deref()),
            // The frames are whole, and still the packing ends too early or makes no sense.
            Err(_) => self.senseless("its packing"),
        }
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.packed.read_exact(&mut bytes).map_err(|error| self.fault(error))?;
        Ok(bytes)
    }

    /// Reads `length` bytes into `bytes`, making room only as they arrive.
    fn fill(&mut self, bytes: &mut Vec<u8>, length: usize) -> Result<(), Error> {
        bytes.clear();
        bytes.reserve(length.min(usize::try_from(ROOM_BYTES).unwrap_or(length)));
        let read = (&mut self.packed).take(length as u64).read_to_end(bytes);
        match read.map_err(|error| self.fault(error))? {
            read if read == length => Ok(()),
            _ => Err(self.senseless("its packing")),
        }
    }

    fn json<T: DeserializeOwned>(&mut self, bytes_max: usize) -> Result<T, Error> {
        let length = self.length("a head", bytes_max)?;
        let mut json = Vec::new();
        self.fill(&mut json, length)?;
        serde_json::from_slice(&json).map_err(|_| self.senseless("a head cannot be read"))
    }

    fn length(&mut self, what: &str, bytes_max: usize) -> Result<usize, Error> {
        let length = usize::try_from(u32::from_le_bytes(self.number()?)).unwrap_or(usize::MAX);
        if length > bytes_max {
            return Err(Error::TooLarge { what: what.to_owned(), bytes_max: bytes_max as u64 });
        }
        Ok(length)
    }

    fn count(&mut self, bytes: u64) -> Result<(), Error> {
        self.contents.bytes = self.contents.bytes.saturating_add(bytes);
        if self.contents.bytes > self.limits.bytes_max {
            return Err(Error::TooLarge { what: "the archive".to_owned(), bytes_max: self.limits.bytes_max });
        }
        Ok(())
    }

    /// The next keyspace or file; nothing once the archive has ended **and is proven whole**.
    ///
    /// # Errors
    /// That it is damaged, or breaks a limit.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Error> {
        self.pass_over()?;
        if matches!(self.within, Within::End) {
            return Ok(None);
        }
        self.name = None;
        match self.number::<1>()?[0] {
            wire::KEYSPACE => {
                let head: KeyspaceHead = self.json(HEAD_BYTES_MAX)?;
                check_path(&head.path)?;
                self.name = Some(head.path.clone());
                self.table.clear();
                self.within = Within::Keyspace { rows: 0, expected: head.rows };
                Ok(Some(Entry::Keyspace(head)))
            }
            wire::FILE => {
                let head: FileHead = self.json(HEAD_BYTES_MAX)?;
                check_path(&head.path)?;
                self.name = Some(head.path.clone());
                if head.length > self.limits.file_bytes_max {
                    return Err(Error::TooLarge { what: head.path, bytes_max: self.limits.file_bytes_max });
                }
                self.count(head.length)?;
                self.contents.files = self.contents.files.saturating_add(1);
                self.within = Within::File { left: head.length };
                Ok(Some(Entry::File(head)))
            }
            wire::END => self.end().map(|()| None),
            _ => Err(self.senseless("an entry of an unknown kind")),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        let contents: Contents = self.json(HEAD_BYTES_MAX)?;
        if contents != self.contents {
            return Err(self.senseless("it does not hold what it says"));
        }
        // Reading on to the very end is what checks the trailer.
        if self.packed.read(&mut [0]).map_err(|error| self.fault(error))? != 0 {
            return Err(self.senseless("something follows its end"));
        }
        self.within = Within::End;
        Ok(())
    }

    fn pass_over(&mut self) -> Result<(), Error> {
        while matches!(self.within, Within::Keyspace { .. }) {
            self.next_row()?;
        }
        if matches!(self.within, Within::File { .. }) {
            let passed = io::copy(&mut self.content(), &mut io::sink());
            passed.map_err(|error| self.fault(error))?;
            self.within = Within::Nothing;
        }
        Ok(())
    }

    /// The next row of the keyspace that was begun; nothing at its end, or when none was.
    ///
    /// # Errors
    /// That the archive is damaged, or breaks a limit.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, Error> {
        let Within::Keyspace { rows, expected } = self.within else { return Ok(None) };
        let mut tag = self.number::<1>()?[0];
        if tag == wire::TABLE {
            let length = usize::from(u16::from_le_bytes(self.number()?));
            let mut name = Vec::new();
            self.fill(&mut name, length.min(TABLE_BYTES_MAX.saturating_add(1)))?;
            self.table = String::from_utf8(name)
                .ok()
                .filter(|name| !name.is_empty() && name.len() <= TABLE_BYTES_MAX)
                .ok_or_else(|| self.senseless("the name of a table"))?;
            tag = self.number::<1>()?[0];
        }
        match tag {
            wire::ROW if !self.table.is_empty() => {
                let key = self.length("a key", self.limits.key_bytes_max)?;
                let value = self.length("a row", self.limits.value_bytes_max)?;
                self.count((key as u64).saturating_add(value as u64))?;
                let (mut key_bytes, mut value_bytes) =
                    (std::mem::take(&mut self.key), std::mem::take(&mut self.value));
                self.fill(&mut key_bytes, key)?;
                self.fill(&mut value_bytes, value)?;
                (self.key, self.value) = (key_bytes, value_bytes);
                self.within = Within::Keyspace { rows: rows.saturating_add(1), expected };
                Ok(Some(Row { table: &self.table, key: &self.key, value: &self.value }))
            }
            wire::KEYSPACE_END => {
                if u64::from_le_bytes(self.number()?) != rows || rows != expected {
                    return Err(self.senseless("it has not as many rows as it says"));
                }
                self.contents.keyspaces = self.contents.keyspaces.saturating_add(1);
                self.contents.rows = self.contents.rows.saturating_add(rows);
                self.within = Within::Nothing;
                Ok(None)
            }
            _ => Err(self.senseless("a row of an unknown kind")),
        }
    }

    /// The bytes of the file that was begun.
    pub fn content(&mut self) -> Content<'_, R> {
        Content { reader: self }
    }

    /// Makes the keyspace that was begun, under its path below `folder`, where nothing may be yet; how many rows it has.
    ///
    /// # Errors
    /// That the archive is damaged, or when the store fails.
    pub fn load(&mut self, head: &KeyspaceHead, folder: &Path) -> Result<u64, Error> {
        let mut loader = Loader::create(&below(folder, &head.path)?)?;
        while let Some(row) = self.next_row()? {
            loader.put(row.table, row.key, row.value)?;
        }
        Ok(loader.finish()?)
    }

    /// Writes the file that was begun, under its path below `folder`, where nothing may be yet, and syncs it.
    ///
    /// # Errors
    /// That the archive is damaged, or when the disk fails.
    pub fn save(&mut self, head: &FileHead, folder: &Path) -> Result<(), Error> {
        let path = below(folder, &head.path)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(head.mode & 0o777).open(path);
        let mut file = file.map_err(Error::io("create a file"))?;
        io::copy(&mut self.content(), &mut file).map_err(Error::io("restore a file"))?;
        file.sync_all().map_err(Error::io("restore a file"))
    }
}

fn check_path(path: &str) -> Result<(), Error> {
    if is_plain_path(path) { Ok(()) } else { Err(Error::PathRefused { path: path.to_owned() }) }
}

/// The path in `folder`, whose parents are made.
fn below(folder: &Path, path: &str) -> Result<PathBuf, Error> {
    check_path(path)?;
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(Error::io("create a folder"))?;
    }
    Ok(path)
}

/// The bytes of a file in an archive. Faults of the archive come as `io::Error`s that hold an [`Error`].
pub struct Content<'r, R: Read> {
    reader: &'r mut Reader<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Within::File { left } = self.reader.within else { return Ok(0) };
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if room == 0 {
            return Ok(0);
        }
        let into = bytes.get_mut(..room).unwrap_or_default();
        let read = self.reader.packed.read(into);
        let count = read.map_err(|error| self.reader.fault(error))?;
        if count == 0 {
            return Err(self.reader.senseless("its packing").into());
        }
        self.reader.within = Within::File { left: left.saturating_sub(count as u64) };
        Ok(count)
    }
}
