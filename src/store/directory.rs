//! The data directory: one process at a time, one owner, one key, one file for the system and one folder for each tenant.
//!
//! The key lies in the directory, or the service manager hands it in (systemd's credentials), so that a copy of the
//! directory alone opens no sealed secret. In that case the directory keeps a mark of the key, which tells a key that is
//! missing or another's from one that has to be made.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
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
const KEY_FILE: &str = "appliance.key";
/// The most keys that are kept behind the one in use.
pub(super) const KEYS_BEFORE_MAX: usize = 7;
/// Says which key belongs to the directory where the key itself does not lie in it.
const KEY_MARK_FILE: &str = "appliance.key.mark";
/// Names the folder with what the service manager hands in (systemd.exec(5), "Credentials").
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

pub(super) fn create_folder(path: &Path) -> Result<(), Error> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(Error::directory("create the folder", path))
}

/// The appliance's key and those that it has taken the place of, newest first.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplianceKey {
    /// What seals and signs.
    pub key: [u8; 32],
    /// What sealed before, newest first; at most 7.
    pub before: Vec<[u8; 32]>,
}

impl std::fmt::Debug for ApplianceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApplianceKey(..)")
    }
}

impl ApplianceKey {
    fn all(&self) -> impl Iterator<Item = &[u8; 32]> {
        std::iter::once(&self.key).chain(&self.before)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.all().flatten().copied().collect()
    }

    /// One key after the other, the one in use first.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (keys, rest) = bytes.as_chunks::<32>();
        let (key, before) = keys.split_first()?;
        let sound = rest.is_empty() && before.len() <= KEYS_BEFORE_MAX;
        sound.then(|| Self { key: *key, before: before.to_vec() })
    }
}

impl DataDirectory {
    /// Opens or creates it and takes its lock.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it; [`Error::OtherOwner`] when it is another user's, also for root, whose
    /// files that user could not open afterwards; [`Error::Directory`] when it cannot be created or written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (directory, owner) = Self::take(path)?;
        if owner == rustix::process::geteuid().as_raw() {
            Ok(directory)
        } else {
            Err(Error::OtherOwner { path: directory.path, owner })
        }
    }

    /// [`DataDirectory::open`] by whoever may, root too: to put another in its place and give that to the same owner.
    ///
    /// # Errors
    /// As [`DataDirectory::open`], but for the owner.
    pub fn open_to_replace(path: &Path) -> Result<Self, Error> {
        Self::take(path).map(|(directory, _)| directory)
    }

    /// Takes the lock; with the directory's owner.
    fn take(path: &Path) -> Result<(Self, u32), Error> {
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
            Ok(()) => {
                let owner = lock.metadata().map_err(Error::directory("look at", &lock_path))?.uid();
                Ok((Self { path, _lock: lock }, owner))
            }
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

    /// The appliance's key: handed in by the service manager as the credential `appliance.key`, or else the file of that
    /// name, made at the first start.
    ///
    /// # Errors
    /// [`Error::BadKey`] when there is something else in its place; [`Error::WrongKey`] when it is not this directory's;
    /// [`Error::KeyMissing`] when this directory's is handed in and was not.
    pub fn appliance_key(&self) -> Result<ApplianceKey, Error> {
        let credentials = std::env::var_os(CREDENTIALS_VARIABLE);
        self.key_from(credentials.map(|folder| PathBuf::from(folder).join(KEY_FILE)).as_deref())
    }

    /// A new key in place of the one in the directory's file, which stays behind it to open what it has sealed.
    ///
    /// # Errors
    /// [`Error::KeyHandedIn`] when the service manager has the key; those of [`DataDirectory::appliance_key`].
    pub fn rotate_key(&self) -> Result<ApplianceKey, Error> {
        let file = self.path.join(KEY_FILE);
        let kept = read_key(&file)?.ok_or(Error::KeyHandedIn)?;
        let mut before = vec![kept.key];
        before.extend(kept.before);
        before.truncate(KEYS_BEFORE_MAX);
        let key = ApplianceKey { key: rand::random(), before };
        if self.read_small(KEY_MARK_FILE)?.is_some() {
            self.write_private(KEY_MARK_FILE, &mark_of(&key.key))?;
        }
        self.write_private(KEY_FILE, &key.to_bytes())?;
        Ok(key)
    }

    fn key_from(&self, credential: Option<&Path>) -> Result<ApplianceKey, Error> {
        let file = self.path.join(KEY_FILE);
        let (kept, mark) = (read_key(&file)?, self.read_small(KEY_MARK_FILE)?);
        let handed_in = credential.map(read_key).transpose()?.flatten();
        let belongs =
            |key: &ApplianceKey| mark.as_ref().is_none_or(|mark| key.all().any(|key| *mark == mark_of(key)));
        match (handed_in, kept) {
            (Some(key), kept) => {
                if !belongs(&key) || kept.is_some_and(|kept| kept != key) {
                    return Err(Error::WrongKey { path: self.path.clone() });
                }
                if mark.is_none_or(|mark| mark != mark_of(&key.key)) {
                    self.write_private(KEY_MARK_FILE, &mark_of(&key.key))?;
                }
                Ok(key)
            }
            (None, Some(key)) if belongs(&key) => Ok(key),
            (None, Some(_)) => Err(Error::WrongKey { path: self.path.clone() }),
            (None, None) if mark.is_some() => Err(Error::KeyMissing { path: file }),
            (None, None) => {
                let key = ApplianceKey { key: rand::random(), before: Vec::new() };
                self.write_private(KEY_FILE, &key.to_bytes())?;
                Ok(key)
            }
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

fn read_key(path: &Path) -> Result<Option<ApplianceKey>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let key = ApplianceKey::from_bytes(&bytes);
            key.map(Some).ok_or_else(|| Error::BadKey { path: path.to_path_buf() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::directory("read", path)(error)),
    }
}

/// Tells keys apart and says nothing about them.
fn mark_of(key: &[u8; 32]) -> Vec<u8> {
    blake3::derive_key("frontdesk 2026 mark of the appliance's key", key).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_handed_in_leaves_no_copy_and_is_asked_for_ever_after() {
        let (home, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let credential = credentials.path().join(KEY_FILE);
        let directory = DataDirectory::open(home.path()).unwrap();
        std::fs::write(&credential, [7; 32]).unwrap();
        assert_eq!(directory.key_from(Some(&credential)).unwrap().key, [7; 32]);
        assert!(!home.path().join(KEY_FILE).exists());
        let mark = std::fs::read(home.path().join(KEY_MARK_FILE)).unwrap();
        assert!(!mark.windows(4).any(|part| part == [7; 4]));
        assert!(matches!(directory.key_from(None), Err(Error::KeyMissing { .. })));
        assert!(!home.path().join(KEY_FILE).exists(), "no other key is made in its place");
        std::fs::write(&credential, [8; 32]).unwrap();
        assert!(matches!(directory.key_from(Some(&credential)), Err(Error::WrongKey { .. })));
        std::fs::write(&credential, "no key").unwrap();
        assert!(matches!(directory.key_from(Some(&credential)), Err(Error::BadKey { .. })));
    }

    #[test]
    fn the_key_of_an_appliance_can_be_taken_out_of_its_directory() {
        let (home, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let credential = credentials.path().join(KEY_FILE);
        let directory = DataDirectory::open(home.path()).unwrap();
        let made = directory.key_from(Some(&credential)).unwrap();
        assert_eq!(std::fs::read(home.path().join(KEY_FILE)).unwrap(), made.key);
        std::fs::write(&credential, [7; 32]).unwrap();
        assert!(matches!(directory.key_from(Some(&credential)), Err(Error::WrongKey { .. })));
        std::fs::rename(home.path().join(KEY_FILE), &credential).unwrap();
        assert_eq!(directory.key_from(Some(&credential)).unwrap(), made);
        assert!(!home.path().join(KEY_FILE).exists());
    }

    #[test]
    fn root_does_not_write_into_the_directory_of_another_user() {
        let home = tempfile::tempdir().unwrap();
        drop(DataDirectory::open(home.path()).unwrap());
        // Only root can give a file away; for everybody else the system refuses to open it.
        if std::os::unix::fs::chown(home.path().join("lock"), Some(12_345), None).is_ok() {
            let refused = DataDirectory::open(home.path()).unwrap_err();
            assert!(matches!(refused, Error::OtherOwner { owner: 12_345, .. }));
        }
    }
}
