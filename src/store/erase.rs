//! Taking a tenant's keyspace away for good, and writing a database's file anew so that it holds nothing but its rows.
//!
//! A tenant that is retired cannot be opened any more, and every handle that is still held is of no use from then on. Its
//! folder is removed once nobody holds one: what holds a handle may be writing a file, and would bring the folder back.
//!
//! redb leaves the bytes of removed rows in free pages, and compacting moves pages without wiping those that become free. So
//! the live rows are copied into a new file, which takes the old one's name: it never held anything else.

use std::io::ErrorKind;
use std::path::Path;

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _};

use super::open::open_file;
use super::{Error, Keyspace, KeyspaceId, Store};
use crate::base::TenantId;

/// What the new file is called until it takes the old one's place.
const NEW: &str = "anew";

/// What was on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// Makes every handle of the tenant's keyspace useless, and opens it no more. Until the process ends, or
    /// [`Store::readmit`].
    pub fn retire(&self, tenant: TenantId) {
        self.retired.lock().insert(tenant);
        let slot = self.slots.lock().get(&tenant).cloned();
        if let Some(keyspace) = slot.as_ref().and_then(|slot| slot.lock().clone()) {
            keyspace.mark_erased();
        }
    }

    /// The tenant may be opened again: there is nothing left of what was retired.
    pub fn readmit(&self, tenant: TenantId) {
        self.retired.lock().remove(&tenant);
    }

    /// Closes the keyspace of a retired tenant; false while somebody still holds it.
    pub fn close_retired(&self, tenant: TenantId) -> bool {
        let mut slots = self.slots.lock();
        let Some(slot) = slots.get(&tenant) else { return true };
        let Some(mut place) = slot.try_lock() else { return false };
        if !place.as_ref().is_none_or(Keyspace::is_idle) {
            return false;
        }
        *place = None;
        drop(place);
        slots.remove(&tenant);
        true
    }

    /// How many files lie in the tenant's folder, and how many bytes they have.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn measure_folder(&self, tenant: TenantId) -> Result<Removed, Error> {
        let mut found = Removed::default();
        measure(&self.directory().tenant_folder(tenant), &mut found)?;
        Ok(found)
    }

    /// How many rows a tenant's keyspace has, which is not made for that.
    ///
    /// # Errors
    /// [`Error::Erased`] when it is retired already, or the engine's.
    pub fn count_rows(&self, tenant: TenantId) -> Result<u64, Error> {
        if !self.directory().tenant_folder(tenant).is_dir() {
            return Ok(0);
        }
        self.tenant(tenant)?.read(super::ReadTx::row_count)
    }

    /// Removes the folder of a tenant that is retired and closed. Safe to repeat.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove_folder(&self, tenant: TenantId) -> Result<(), Error> {
        let folder = self.directory().tenant_folder(tenant);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::directory("remove", folder)(error))
            }
            _ => match folder.parent() {
                Some(above) if above.is_dir() => sync(above),
                _ => Ok(()),
            },
        }
    }

    /// Writes the system's database anew: what was removed from it before is in its file no more. Reading goes on meanwhile,
    /// writing waits. Blocks.
    ///
    /// # Errors
    /// When the engine or the disk fails; then the old file stays as it is.
    pub fn rewrite_system(&self) -> Result<(), Error> {
        if self.options.crash_disks.is_some() {
            return Ok(());
        }
        let file = self.directory().system_file();
        let new = file.with_extension(NEW);
        let written = self.system().exchange(|database| {
            discard(&new)?;
            let made = open_file(&new, super::open::SYSTEM_CACHE_BYTES)?;
            copy(database, &made)?;
            std::fs::rename(&new, &file).map_err(Error::directory("write", &file))?;
            sync(self.directory().path())?;
            Ok(made)
        });
        if written.is_err() {
            discard(&new)?;
        }
        written
    }

    /// Removes the new file that an earlier process did not finish.
    pub(super) fn discard_unfinished(&self) -> Result<(), Error> {
        discard(&self.directory().system_file().with_extension(NEW))
    }

    pub(super) fn is_retired(&self, id: KeyspaceId) -> bool {
        matches!(id, KeyspaceId::Tenant(tenant) if self.retired.lock().contains(&tenant))
    }
}

fn discard(file: &Path) -> Result<(), Error> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::directory("remove", file)(error)),
        _ => Ok(()),
    }
}

pub(super) fn sync(folder: &Path) -> Result<(), Error> {
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::directory("sync", folder))
}

fn measure(folder: &Path, found: &mut Removed) -> Result<(), Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::directory("list", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::directory("list", folder))?;
        let about = entry.metadata().map_err(Error::directory("look at", entry.path()))?;
        if about.is_dir() {
            measure(&entry.path(), found)?;
        } else {
            found.files += 1;
            found.bytes = found.bytes.saturating_add(about.len());
        }
    }
    Ok(())
}

/// Copies every row of every table.
fn copy(from: &redb::Database, to: &redb::Database) -> Result<(), Error> {
    let reading = from.begin_read()?;
    let mut writing = to.begin_write()?;
    writing.set_quick_repair(true);
    for table in reading.list_tables()? {
        let table = TableDefinition::<&'static [u8], &'static [u8]>::new(table.name());
        let (rows, mut copied) = (reading.open_table(table)?, writing.open_table(table)?);
        for row in rows.iter()? {
            let (key, value) = row?;
            copied.insert(key.value(), value.value())?;
        }
    }
    writing.commit()?;
    Ok(())
}
