//! A keyspace as rows: told from a snapshot, and made anew from them.
//!
//! A dump knows tables only by name and rows only by bytes, so it holds what every room has written, also rooms that this
//! release no longer has. It reads a snapshot, so that it is consistent and holds up no writer; neither telling nor loading
//! takes more memory than a batch of rows and redb's page cache.

use std::io;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{ReadableDatabase as _, ReadableTableMetadata as _, StorageBackend, TableHandle as _};

use super::migrate::{Migration, Snapshot, migrate, newest_schema, schema_of};
use super::transaction::{ReadTx, definition};
use super::{Error, KeyspaceId};

/// Rows that are put into a table in one go: as many as make so many bytes.
const BATCH_BYTES: usize = 256 << 10;
/// What a transaction of the loader holds, in bytes of keys and values: each waits for the disk.
const TRANSACTION_BYTES: usize = 32 << 20;
/// The same where none waits for the disk, and others for the processor.
const SCRATCH_TRANSACTION_BYTES: usize = 4 << 20;
/// The page cache while loading, in bytes.
const CACHE_BYTES: usize = 16 << 20;

/// The newest schema version that this release knows.
#[must_use]
pub fn schema_version() -> u32 {
    newest_schema()
}

impl ReadTx {
    /// The schema version that the keyspace was written with; 0 when it holds none.
    ///
    /// # Errors
    /// When the engine fails or the version is damaged.
    pub fn schema_version(&self) -> Result<u32, Error> {
        Ok(schema_of(self)?.unwrap_or(0))
    }

    /// How many rows all tables have together. Costs a look at each table, not at its rows.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn row_count(&self) -> Result<u64, Error> {
        let mut rows = 0_u64;
        for handle in self.inner().list_tables()? {
            let table = self.inner().open_untyped_table(handle)?;
            rows = rows.saturating_add(table.len()?);
        }
        Ok(rows)
    }

    /// Visits every row of every table as (table, key, value), tables by name and rows by key; how many there were.
    ///
    /// # Errors
    /// When the engine fails, or `visit` does.
    pub fn each_row<E: From<Error>>(
        &self,
        mut visit: impl FnMut(&str, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut visited = 0_u64;
        for handle in self.inner().list_tables().map_err(Error::from)? {
            let name = handle.name();
            let table = self.inner().open_table(definition(name)).map_err(Error::from)?;
            for row in table.range::<&[u8]>(..).map_err(Error::from)? {
                let (key, value) = row.map_err(Error::from)?;
                visit(name, key.value(), value.value())?;
                visited = visited.saturating_add(1);
            }
        }
        Ok(visited)
    }
}

/// Makes the file of a keyspace from rows. The file is whole once [`Loader::finish`] has returned; one that was given up is
/// to be thrown away.
pub struct Loader {
    database: redb::Database,
    open: Option<redb::WriteTransaction>,
    table: String,
    batch: Vec<(Vec<u8>, Vec<u8>)>,
    batch_bytes: usize,
    open_bytes: usize,
    transaction_bytes: usize,
    rows: u64,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loader({} rows)", self.rows)
    }
}

impl Loader {
    /// Begins the file at `path`, which must not be there; its folder must.
    ///
    /// # Errors
    /// [`Error::Directory`], or the engine's.
    pub fn create(path: &Path) -> Result<Self, Error> {
        Self::begin_on(new_file(path)?, TRANSACTION_BYTES)
    }

    /// The same for a file that is looked at and removed again: nothing of it is put on disk, which others may be waiting for.
    ///
    /// # Errors
    /// As [`Loader::create`].
    pub fn create_scratch(path: &Path) -> Result<Self, Error> {
        Self::begin_on(Unsynced(new_file(path)?), SCRATCH_TRANSACTION_BYTES)
    }

    fn begin_on(backend: impl StorageBackend, transaction_bytes: usize) -> Result<Self, Error> {
        let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)?;
        Ok(Self {
            database,
            open: None,
            table: String::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            open_bytes: 0,
            transaction_bytes,
            rows: 0,
        })
    }

    /// Adds a row. Rows of a table that follow each other are put together.
    ///
    /// # Errors
    /// The engine's.
    pub fn put(&mut self, table: &str, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.table != table {
            self.flush()?;
            table.clone_into(&mut self.table);
        }
        self.batch_bytes = self.batch_bytes.saturating_add(key.len()).saturating_add(value.len());
        self.batch.push((key.to_vec(), value.to_vec()));
        self.rows = self.rows.saturating_add(1);
        if self.batch_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let transaction = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        {
            let mut table = transaction.open_table(definition(&self.table))?;
            for (key, value) in self.batch.drain(..) {
                table.insert(key.as_slice(), value.as_slice())?;
            }
        }
        self.open_bytes = self.open_bytes.saturating_add(std::mem::take(&mut self.batch_bytes));
        if self.open_bytes >= self.transaction_bytes {
            transaction.commit()?;
            self.open_bytes = 0;
        } else {
            self.open = Some(transaction);
        }
        Ok(())
    }

    fn begin(&self) -> Result<redb::WriteTransaction, Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    /// Puts what is left on disk and closes the file; how many rows it has.
    ///
    /// # Errors
    /// The engine's.
    pub fn finish(mut self) -> Result<u64, Error> {
        self.flush()?;
        if let Some(open) = self.open.take() {
            open.commit()?;
        }
        Ok(self.rows)
    }
}

fn new_file(path: &Path) -> Result<FileBackend, Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path);
    Ok(FileBackend::new(file.map_err(Error::directory("create", path))?)?)
}

/// A file that nothing is left of when the machine stops.
#[derive(Debug)]
struct Unsynced(FileBackend);

impl StorageBackend for Unsynced {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

/// Opens the file of a keyspace to read it as it is, neither changed nor brought up to date. One that a crash has left is repaired
/// first.
///
/// # Errors
/// [`Error::InUse`] when it is open elsewhere, what `read` fails with, or the engine's.
pub fn read_file<T, E: From<Error>>(path: &Path, read: impl FnOnce(&ReadTx) -> Result<T, E>) -> Result<T, E> {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    match builder.open_read_only(path) {
        Ok(database) => read(&ReadTx::of(database.begin_read().map_err(Error::from)?)),
        Err(redb::DatabaseError::RepairAborted) => {
            let database = builder.open(path).map_err(|error| open_fault(path, error))?;
            read(&ReadTx::begin(&database)?)
        }
        Err(error) => Err(open_fault(path, error).into()),
    }
}

fn open_fault(path: &Path, error: redb::DatabaseError) -> Error {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => Error::InUse { path: path.to_path_buf() },
        redb::DatabaseError::Storage(redb::StorageError::Io(error)) => Error::directory("open", path)(error),
        other => other.into(),
    }
}

/// Brings the file of a keyspace to the newest of `migrations`, with no snapshot before: the caller has one.
///
/// # Errors
/// [`Error::Newer`], what a migration fails with, or the engine's.
pub fn migrate_file(path: &Path, keyspace: KeyspaceId, migrations: &[Migration]) -> Result<(), Error> {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    let database = builder.open(path).map_err(|error| open_fault(path, error))?;
    migrate(&database, keyspace, path, migrations, Snapshot::AtHand)
}

/// Where the file of a keyspace lies in a data directory, relative to it and with `/` between.
#[must_use]
pub fn file_of(keyspace: KeyspaceId) -> String {
    match keyspace {
        KeyspaceId::System => "system.redb".to_owned(),
        KeyspaceId::Tenant(tenant) => format!("tenants/{tenant}/keyspace.redb"),
    }
}
