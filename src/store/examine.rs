//! A look into a database file that changes nothing: no migration, no repair, no new file. For who examines a data directory
//! whose appliance is stopped.

use std::path::Path;

use redb::{ReadableDatabase, ReadableTableMetadata as _, TableHandle as _};

use super::migrate::{newest_schema, schema_of};
use super::transaction::ReadTx;
use super::{Error, Keyspace};

/// A database file, open for reading only.
pub struct Examined {
    database: redb::ReadOnlyDatabase,
}

/// What a look at a file came to.
pub enum Look {
    /// It can be read.
    Sound(Examined),
    /// The process that wrote it did not close it; the next start repairs it.
    Unclosed,
}

impl Examined {
    /// Opens the file at `path`, written by this release or an earlier one.
    ///
    /// # Errors
    /// [`Error::Newer`], [`Error::Directory`], or the engine's when the file is damaged.
    pub fn open(path: &Path) -> Result<Look, Error> {
        let database = match redb::Builder::new().open_read_only(path) {
            Ok(database) => database,
            Err(redb::DatabaseError::RepairAborted) => return Ok(Look::Unclosed),
            Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))) => {
                return Err(Error::directory("open", path)(error));
            }
            Err(other) => return Err(other.into()),
        };
        let found = schema_of(&ReadTx::begin(&database)?)?.unwrap_or(0);
        let known = newest_schema();
        if found > known {
            return Err(Error::Newer { path: path.to_path_buf(), found, known });
        }
        Ok(Look::Sound(Self { database }))
    }

    /// Reads a snapshot on this thread.
    ///
    /// # Errors
    /// What `read` fails with, or the engine.
    pub fn read<T, E: From<Error>>(&self, read: impl FnOnce(&ReadTx) -> Result<T, E>) -> Result<T, E> {
        read(&ReadTx::begin(&self.database)?)
    }

    /// The rows of each table.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn tally(&self) -> Result<Vec<(String, u64)>, Error> {
        tally(&self.database)
    }
}

impl Keyspace {
    /// The rows of each table: how much there is, and nothing of what.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn tally(&self) -> Result<Vec<(String, u64)>, Error> {
        tally(&*self.database())
    }
}

fn tally(database: &impl ReadableDatabase) -> Result<Vec<(String, u64)>, Error> {
    let transaction = database.begin_read()?;
    let mut rows = Vec::new();
    for table in transaction.list_tables()? {
        let name = table.name().to_owned();
        rows.push((name, transaction.open_untyped_table(table)?.len()?));
    }
    Ok(rows)
}
