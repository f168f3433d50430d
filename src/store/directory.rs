//! The data directory: one process at a time, one key, one file for the system and one folder for each tenant.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use crate::base::TenantId;

/// A data directory that this process holds the lock of.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

pub(super) fn create_folder(path: &Path) -> Result<(), Error> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(Error::directory("create the folder", path))
}

impl DataDirectory {
    /// Opens or creates it and takes its lock.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it; [`Error::Directory`] when it cannot be created or written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        create_folder(path)?;
        let path = path.canonicalize().map_err(Error::directory("use the folder", path))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(PRIVATE_FILE)
            .open(&lock_path)
            .map_err(Error::directory("write to", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::InUse { path }),
            Err(std::fs::TryLockError::Error(error)) => Err(Error::directory("lock", lock_path)(error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The system's database file.
    #[must_use]
    pub fn system_file(&self) -> PathBuf {
        self.path.join("system.redb")
    }

    /// Everything of one tenant.
    #[must_use]
    pub fn tenant_folder(&self, tenant: TenantId) -> PathBuf {
        self.path.join("tenants").join(tenant.to_string())
    }

    /// The appliance's key, made at the first start.
    ///
    /// # Errors
    /// [`Error::BadKey`] when the file is there and holds something else.
    pub fn appliance_key(&self) -> Result<[u8; 32], Error> {
        let path = self.path.join("appliance.key");
        match std::fs::read(&path) {
            Ok(bytes) => bytes.try_into().map_err(|_| Error::BadKey { path }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key: [u8; 32] = rand::random();
                self.write_private("appliance.key", &key)?;
                Ok(key)
            }
            Err(error) => Err(Error::directory("read", path)(error)),
        }
    }

    /// Writes a file that only the owner may read, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Directory`].
    pub fn write_private(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        let write = || {
            let mut file = tempfile::Builder::new().prefix(name).tempfile_in(&self.path)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(Error::directory("write", &path))?;
        Ok(path)
    }

    /// Reads a small file of the data directory, if it is there.
    ///
    /// # Errors
    /// [`Error::Directory`].
    pub fn read_small(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        const BYTES_MAX: u64 = 1 << 20;
        let path = self.path.join(name);
        match File::open(&path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(Error::directory("read", &path))?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::directory("read", &path)(error)),
        }
    }

    /// Removes a file of the data directory, if it is there.
    ///
    /// # Errors
    /// [`Error::Directory`].
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Directory { action: "remove", path, source: Arc::new(error) })
            }
            _ => Ok(()),
        }
    }
}
