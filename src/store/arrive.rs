//! A tenant's folder that comes from elsewhere: made aside, and moved into place when it is whole.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::directory::create_folder;
use super::erase::sync;
use super::{Error, Store};
use crate::base::TenantId;

/// How the folders begin that are made aside; no tenant's id does.
const ASIDE: &str = ".arriving-";

/// A folder that is being filled. Dropped, it is removed with all that is in it.
#[derive(Debug)]
pub struct Arrival {
    path: PathBuf,
    settled: bool,
}

impl Arrival {
    /// Where to put what arrives.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if !self.settled {
            // What cannot be removed now is removed by the next start.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl Store {
    fn tenants_folder(&self) -> PathBuf {
        self.directory().path().join("tenants")
    }

    /// An empty folder on the same disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin_arrival(&self) -> Result<Arrival, Error> {
        let path = self.tenants_folder().join(format!("{ASIDE}{:032x}", rand::random::<u128>()));
        create_folder(&path)?;
        Ok(Arrival { path, settled: false })
    }

    /// Makes it the folder of a tenant that has none yet. Whoever calls this has seen to it that nobody opens the tenant meanwhile.
    ///
    /// # Errors
    /// When the disk fails; the folder is removed then.
    pub fn settle_arrival(&self, mut arrival: Arrival, tenant: TenantId) -> Result<(), Error> {
        self.remove_folder(tenant)?;
        sync(arrival.path())?;
        let place = self.directory().tenant_folder(tenant);
        std::fs::rename(arrival.path(), &place).map_err(Error::directory("write", &place))?;
        arrival.settled = true;
        sync(&self.tenants_folder())
    }

    /// Removes what an earlier process left half-way.
    pub(super) fn discard_arrivals(&self) -> Result<(), Error> {
        let folder = self.tenants_folder();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::directory("list", folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(Error::directory("list", &folder))?;
            if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                let path = entry.path();
                std::fs::remove_dir_all(&path).map_err(Error::directory("remove", path))?;
            }
        }
        Ok(())
    }
}
