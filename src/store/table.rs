//! Typed tables and their secondary indexes, which are kept in the same transaction as the rows.

use super::key::Key;
use super::record::Record;
use super::scan::page_of;
use super::transaction::Write;
use super::{Error, Read, Scan};
use crate::base::{Page, PageRequest};

/// A table: its name (written once), key, record and indexes. Declared with [`tables!`](crate::store::tables).
pub trait Table: Sized + 'static {
    /// `room.noun`; part of the file format.
    const NAME: &'static str;
    /// What identifies a row.
    type Key: Key;
    /// What a row holds.
    type Record: Record;
    /// Its secondary indexes.
    fn indexes() -> &'static [&'static dyn AnyIndex<Self>] {
        &[]
    }
}

/// Declares tables: `/// doc` `pub Accounts = "identity.account": AccountId => Account, [BY_EMAIL];`.
#[macro_export]
macro_rules! tables {
    ($($(#[$doc:meta])* $visibility:vis $name:ident = $text:literal: $key:ty => $record:ty $(, [$($index:path),+])?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        $visibility enum $name {}

        impl $crate::store::Table for $name {
            const NAME: &'static str = $text;
            type Key = $key;
            type Record = $record;
            $(fn indexes() -> &'static [&'static dyn $crate::store::AnyIndex<Self>] {
                const { &[$(&$index as &dyn $crate::store::AnyIndex<Self>),+] }
            })?
        }
    )*};
}
pub use tables;

/// A secondary index over `T` by `I`; rows for which `of` gives nothing are left out.
pub struct Index<T: Table, I> {
    name: &'static str,
    unique: bool,
    of: fn(&T::Key, &T::Record) -> Option<I>,
}

impl<T: Table, I: Key> Index<T, I> {
    /// At most one row for each value.
    #[must_use]
    pub const fn unique(name: &'static str, of: fn(&T::Key, &T::Record) -> Option<I>) -> Self {
        Self { name, unique: true, of }
    }

    /// Any number of rows for each value, in the order of value and key.
    #[must_use]
    pub const fn many(name: &'static str, of: fn(&T::Key, &T::Record) -> Option<I>) -> Self {
        Self { name, unique: false, of }
    }

    /// The row with this value in a unique index.
    ///
    /// # Errors
    /// When the engine fails or the row is damaged.
    pub fn get(&self, tx: &impl Read, value: &I) -> Result<Option<(T::Key, T::Record)>, Error> {
        match tx.bytes(self.name, &value.to_bytes())? {
            Some(primary) => self.resolve(tx, &primary),
            None => Ok(None),
        }
    }

    /// Rows in index order within `scan`, which is over (value, key) for a `many` index.
    ///
    /// # Errors
    /// When the engine fails or a row is damaged.
    pub fn scan(&self, tx: &impl Read, scan: &Scan) -> Result<Vec<(T::Key, T::Record)>, Error> {
        self.keys(tx, scan)?
            .into_iter()
            .filter_map(|(_, primary)| self.resolve(tx, &primary).transpose())
            .collect()
    }

    /// One page of the rows in index order.
    ///
    /// # Errors
    /// When the engine fails or a row is damaged.
    pub fn page(
        &self,
        tx: &impl Read,
        scan: Scan,
        request: &PageRequest,
    ) -> Result<Page<(T::Key, T::Record)>, Error> {
        let mut rows = Vec::new();
        for (key, primary) in self.keys(tx, &scan.paged(request))? {
            if let Some(row) = self.resolve(tx, &primary)? {
                rows.push((key, row));
            }
        }
        Ok(page_of(rows, request))
    }

    /// The (index key, row key) pairs in index order, without reading the rows.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn keys(&self, tx: &impl Read, scan: &Scan) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        let mut pairs = Vec::new();
        tx.walk(self.name, scan, &mut |key, primary| {
            pairs.push((key.to_vec(), primary.to_vec()));
            Ok(())
        })?;
        Ok(pairs)
    }

    fn resolve(&self, tx: &impl Read, primary: &[u8]) -> Result<Option<(T::Key, T::Record)>, Error> {
        let key = T::Key::from_bytes(primary)
            .ok_or_else(|| Error::Damaged { table: self.name, reason: "its row key".to_owned() })?;
        Ok(tx.get::<T>(&key)?.map(|record| (key, record)))
    }

    fn entry(&self, key: &T::Key, record: &T::Record) -> Option<Vec<u8>> {
        (self.of)(key, record).map(|value| {
            let mut bytes = value.to_bytes();
            if !self.unique {
                key.encode(&mut bytes);
            }
            bytes
        })
    }
}

/// An index of `T` whatever its value type.
pub trait AnyIndex<T: Table>: Sync {
    /// Moves the index entry of one row from what it was to what it is.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when another row has the value in a unique index.
    fn maintain(
        &self,
        tx: &mut dyn Write,
        key: &T::Key,
        before: Option<&T::Record>,
        after: Option<&T::Record>,
    ) -> Result<(), Error>;
}

impl<T: Table, I: Key> AnyIndex<T> for Index<T, I> {
    fn maintain(
        &self,
        tx: &mut dyn Write,
        key: &T::Key,
        before: Option<&T::Record>,
        after: Option<&T::Record>,
    ) -> Result<(), Error> {
        let old = before.and_then(|record| self.entry(key, record));
        let new = after.and_then(|record| self.entry(key, record));
        if old == new {
            return Ok(());
        }
        if let Some(old) = old {
            tx.remove_bytes(self.name, &old)?;
        }
        if let Some(new) = new {
            let primary = key.to_bytes();
            let previous = tx.put_bytes(self.name, &new, &primary)?;
            if previous.is_some_and(|previous| previous != primary) {
                return Err(Error::Duplicate { index: self.name });
            }
        }
        Ok(())
    }
}
