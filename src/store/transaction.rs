//! Reading and writing rows within one transaction.
//!
//! [`ReadTx`] is a snapshot and waits for nobody. [`WriteTx`] is one change's view of the batch that the committer
//! builds: it sees what the change wrote, and everything before it in the batch.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use redb::{ReadableTable as _, ReadableTableMetadata as _, TableDefinition};

use super::key::Key;
use super::record::{self, Record};
use super::scan::{Scan, page_of};
use super::table::Table;
use super::{Error, KeyspaceId};
use crate::base::{Page, PageRequest};

type Bytes = &'static [u8];
type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), Error>;

pub(super) const fn definition(table: &str) -> TableDefinition<'_, Bytes, Bytes> {
    TableDefinition::new(table)
}

/// What can be read in a transaction, a snapshot's or a change's.
pub trait Read {
    /// The value under an encoded key.
    ///
    /// # Errors
    /// When the engine fails.
    fn bytes(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Visits encoded rows in the order of `scan`.
    ///
    /// # Errors
    /// When the engine fails, or `visit` does.
    fn walk(&self, table: &'static str, scan: &Scan, visit: Visit<'_>) -> Result<(), Error>;

    /// How many rows a table has. It is kept with the table, so this costs one look.
    ///
    /// # Errors
    /// When the engine fails.
    fn rows(&self, table: &'static str) -> Result<u64, Error>;

    /// [`Read::rows`] of a typed table.
    ///
    /// # Errors
    /// When the engine fails.
    fn count<T: Table>(&self) -> Result<u64, Error> {
        self.rows(T::NAME)
    }

    /// The row, if there is one.
    ///
    /// # Errors
    /// When the engine fails or the row is damaged.
    fn get<T: Table>(&self, key: &T::Key) -> Result<Option<T::Record>, Error> {
        self.bytes(T::NAME, &key.to_bytes())?.map(|bytes| record::decode(T::NAME, &bytes)).transpose()
    }

    /// The row, which must be there.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not.
    fn require<T: Table>(&self, key: &T::Key) -> Result<T::Record, Error> {
        self.get::<T>(key)?.ok_or(Error::NotFound { table: T::NAME })
    }

    /// The rows of `scan`.
    ///
    /// # Errors
    /// When the engine fails or a row is damaged.
    fn scan<T: Table>(&self, scan: &Scan) -> Result<Vec<(T::Key, T::Record)>, Error> {
        let mut rows = Vec::new();
        self.walk(T::NAME, scan, &mut |key, value| {
            rows.push((decode_key::<T>(key)?, record::decode(T::NAME, value)?));
            Ok(())
        })?;
        Ok(rows)
    }

    /// The keys of `scan`, without decoding the rows.
    ///
    /// # Errors
    /// When the engine fails or a key is damaged.
    fn keys<T: Table>(&self, scan: &Scan) -> Result<Vec<T::Key>, Error> {
        let mut keys = Vec::new();
        self.walk(T::NAME, scan, &mut |key, _| {
            keys.push(decode_key::<T>(key)?);
            Ok(())
        })?;
        Ok(keys)
    }

    /// One page of the rows of `scan`.
    ///
    /// # Errors
    /// When the engine fails or a row is damaged.
    fn page<T: Table>(&self, scan: Scan, request: &PageRequest) -> Result<Page<(T::Key, T::Record)>, Error> {
        let mut rows = Vec::new();
        self.walk(T::NAME, &scan.paged(request), &mut |key, value| {
            rows.push((key.to_vec(), (decode_key::<T>(key)?, record::decode(T::NAME, value)?)));
            Ok(())
        })?;
        Ok(page_of(rows, request))
    }
}

fn decode_key<T: Table>(bytes: &[u8]) -> Result<T::Key, Error> {
    T::Key::from_bytes(bytes).ok_or_else(|| Error::Damaged { table: T::NAME, reason: "its key".to_owned() })
}

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn walk_table<'t>(
    table: &impl redb::ReadableTable<&'static [u8], &'static [u8]>,
    scan: &'t Scan,
    visit: Visit<'_>,
) -> Result<(), Error> {
    if scan.rows_max == 0 || is_empty(scan) {
        return Ok(());
    }
    let mut rows = table.range::<&'t [u8]>((borrowed(&scan.start), borrowed(&scan.end)))?;
    for _ in 0..scan.rows_max {
        let row = if scan.reverse { rows.next_back() } else { rows.next() };
        let Some(row) = row else { break };
        let (key, value) = row?;
        visit(key.value(), value.value())?;
    }
    Ok(())
}

/// Whether start lies behind end, which redb's range would not accept.
fn is_empty(scan: &Scan) -> bool {
    match (&scan.start, &scan.end) {
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => {
            start >= end
        }
        _ => false,
    }
}

/// A snapshot of a keyspace.
pub struct ReadTx {
    inner: redb::ReadTransaction,
}

impl ReadTx {
    pub(super) fn begin(database: &impl redb::ReadableDatabase) -> Result<Self, Error> {
        Ok(Self { inner: database.begin_read()? })
    }

    pub(super) fn of(inner: redb::ReadTransaction) -> Self {
        Self { inner }
    }

    pub(super) fn inner(&self) -> &redb::ReadTransaction {
        &self.inner
    }

    /// The table, unless nothing was ever written to it.
    fn table(&self, name: &'static str) -> Result<Option<redb::ReadOnlyTable<Bytes, Bytes>>, Error> {
        match self.inner.open_table(definition(name)) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for ReadTx {
    fn bytes(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(table) = self.table(table)? else { return Ok(None) };
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn walk(&self, table: &'static str, scan: &Scan, visit: Visit<'_>) -> Result<(), Error> {
        match self.table(table)? {
            Some(table) => walk_table(&table, scan, visit),
            None => Ok(()),
        }
    }

    fn rows(&self, table: &'static str) -> Result<u64, Error> {
        match self.table(table)? {
            Some(table) => Ok(table.len()?),
            None => Ok(0),
        }
    }
}

/// Writing of encoded rows, for the indexes.
pub trait Write {
    /// Puts a value and returns the one that was there.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_bytes(&mut self, table: &'static str, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Removes a value and returns it.
    ///
    /// # Errors
    /// When the engine fails.
    fn remove_bytes(&mut self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
}

pub(super) type AfterCommit = Box<dyn FnOnce() + Send>;

/// Things that changes find in their transaction without the store knowing what they are: one of each type.
#[derive(Clone, Default)]
pub struct Extensions(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Extensions {
    /// Adds `extension`, in place of the one of its type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, extension: Arc<T>) -> Self {
        self.0.insert(TypeId::of::<T>(), extension);
        self
    }

    pub(super) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).and_then(|extension| extension.clone().downcast().ok())
    }
}

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}

/// One change's view of the transaction that its batch is committed in.
pub struct WriteTx<'db> {
    inner: &'db redb::WriteTransaction,
    keyspace: KeyspaceId,
    extensions: &'db Extensions,
    pub(super) writes: usize,
    pub(super) after_commit: Vec<AfterCommit>,
}

impl<'db> WriteTx<'db> {
    pub(super) fn new(
        inner: &'db redb::WriteTransaction,
        keyspace: KeyspaceId,
        extensions: &'db Extensions,
    ) -> Self {
        Self { inner, keyspace, extensions, writes: 0, after_commit: Vec::new() }
    }

    /// Which keyspace is being written.
    #[must_use]
    pub fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// What `app` put at hand for changes.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.extensions.get()
    }

    /// Runs `announce` once the change is on disk, in the order of commits; it must be quick and cannot fail.
    /// Nothing runs for a change that is not committed.
    pub fn after_commit(&mut self, announce: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(announce));
    }

    /// Adds a row that must be new.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::Duplicate`], or when the engine fails.
    pub fn insert<T: Table>(&mut self, key: &T::Key, record: &T::Record) -> Result<(), Error> {
        if self.bytes(T::NAME, &key.to_bytes())?.is_some() {
            return Err(Error::AlreadyExists { table: T::NAME });
        }
        self.put::<T>(key, record)
    }

    /// Puts a row, new or in place of another.
    ///
    /// # Errors
    /// [`Error::Duplicate`], or when the engine fails.
    pub fn put<T: Table>(&mut self, key: &T::Key, record: &T::Record) -> Result<(), Error> {
        let bytes = record::encode(T::NAME, record)?;
        let before = self.put_bytes(T::NAME, &key.to_bytes(), &bytes)?;
        self.maintain_indexes::<T>(key, before, Some(record))
    }

    /// Removes a row; whether it was there.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn remove<T: Table>(&mut self, key: &T::Key) -> Result<bool, Error> {
        let before = self.remove_bytes(T::NAME, &key.to_bytes())?;
        let existed = before.is_some();
        self.maintain_indexes::<T>(key, before, None)?;
        Ok(existed)
    }

    /// Changes a row that must be there, and returns it as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when the engine fails.
    pub fn update<T: Table>(
        &mut self,
        key: &T::Key,
        change: impl FnOnce(&mut T::Record),
    ) -> Result<T::Record, Error> {
        let mut record = self.require::<T>(key)?;
        change(&mut record);
        self.put::<T>(key, &record)?;
        Ok(record)
    }

    fn maintain_indexes<T: Table>(
        &mut self,
        key: &T::Key,
        before: Option<Vec<u8>>,
        after: Option<&T::Record>,
    ) -> Result<(), Error> {
        if T::indexes().is_empty() {
            return Ok(());
        }
        let before: Option<T::Record> = before.map(|bytes| record::decode(T::NAME, &bytes)).transpose()?;
        T::indexes().iter().try_for_each(|index| index.maintain(self, key, before.as_ref(), after))
    }

    /// The next number of a sequence that begins at 1 and never repeats.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn next_number(&mut self, sequence: &'static str) -> Result<u64, Error> {
        let last = self.last_number(sequence)?;
        let next = last.saturating_add(1);
        self.put_bytes(NUMBERS, sequence.as_bytes(), &next.to_be_bytes())?;
        Ok(next)
    }

    pub(super) fn put_raw_record<R: Record>(
        &mut self,
        table: &'static str,
        key: &[u8],
        record: &R,
    ) -> Result<(), Error> {
        let bytes = record::encode(table, record)?;
        self.put_bytes(table, key, &bytes).map(drop)
    }
}

const NUMBERS: &str = "store.number";

/// Sequences, readable in any transaction.
pub trait Numbers: Read {
    /// The last number taken from `sequence`; 0 when none was.
    ///
    /// # Errors
    /// When the engine fails.
    fn last_number(&self, sequence: &'static str) -> Result<u64, Error> {
        let bytes = self.bytes(NUMBERS, sequence.as_bytes())?;
        Ok(bytes.and_then(|bytes| u64::from_bytes(&bytes)).unwrap_or(0))
    }
}

impl<R: Read> Numbers for R {}

impl Read for WriteTx<'_> {
    fn bytes(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let table = self.inner.open_table(definition(table))?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn walk(&self, table: &'static str, scan: &Scan, visit: Visit<'_>) -> Result<(), Error> {
        // The rows are copied out first, so that `visit` may write to the same table.
        let mut rows = Vec::new();
        let table = self.inner.open_table(definition(table))?;
        walk_table(&table, scan, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            Ok(())
        })?;
        drop(table);
        rows.iter().try_for_each(|(key, value)| visit(key, value))
    }

    fn rows(&self, table: &'static str) -> Result<u64, Error> {
        Ok(self.inner.open_table(definition(table))?.len()?)
    }
}

impl Write for WriteTx<'_> {
    fn put_bytes(&mut self, table: &'static str, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.writes += 1;
        let mut table = self.inner.open_table(definition(table))?;
        let before = table.insert(key, value)?.map(|value| value.value().to_vec());
        Ok(before)
    }

    fn remove_bytes(&mut self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.writes += 1;
        let mut table = self.inner.open_table(definition(table))?;
        let before = table.remove(key)?.map(|value| value.value().to_vec());
        Ok(before)
    }
}
