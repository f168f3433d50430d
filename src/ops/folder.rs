//! The folder of backups: each a file, and beside it what was found when it was made and proven.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::archive::{Contents, is_sealed};
use crate::base::Timestamp;

/// What the names of backups end with.
pub const EXTENSION: &str = ".frontdesk-backup";
/// What a backup that is being written ends with.
const UNFINISHED: &str = ".unfinished";
/// What the folders begin with that backups are proven in.
pub(super) const SCRATCH: &str = ".verify-";
/// What is known of a backup lies beside it under its name and this.
const RECORD: &str = ".json";
/// The longest name.
const NAME_BYTES_MAX: usize = 128;
/// Files of the folder that are looked at.
const FILES_MAX: usize = 1_000;
const RECORD_BYTES_MAX: u64 = 64 << 10;

/// What is known of a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) made_at: Timestamp,
    pub(super) bytes: u64,
    pub(super) encrypted: bool,
    /// The version of the program that made it.
    pub(super) program: String,
    pub(super) contents: Contents,
    /// The BLAKE3 of the archive within its seal.
    pub(super) blake3: String,
    #[serde(default)]
    pub(super) verified_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) problem: Option<String>,
}

/// A backup as people see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BackupView {
    /// The name of its file.
    pub name: String,
    /// When it was begun: what was acknowledged before is in it.
    pub made_at: Timestamp,
    /// Its size.
    pub bytes: u64,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// When it was proven that it can be restored; nothing while that is not so.
    pub verified_at: Option<Timestamp>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// The version of the program that made it; nothing where that is not known.
    pub version: Option<String>,
}

/// The name of a backup that is begun at `at`.
pub(super) fn name_of(at: Timestamp) -> String {
    let moment: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("frontdesk-{moment}{EXTENSION}")
}

/// Whether a file of this name can be one: nothing that leads elsewhere.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.strip_suffix(EXTENSION).is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.'))
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes it, and removes what a process that died has left in it.
    pub(super) fn prepare(&self) -> Result<&Path, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(Error::io("create the folder", &self.0))?;
        let entries = std::fs::read_dir(&self.0).map_err(Error::io("list", &self.0))?;
        for entry in entries.flatten().take(FILES_MAX) {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let removed = if name.starts_with(SCRATCH) {
                std::fs::remove_dir_all(entry.path())
            } else if name.ends_with(UNFINISHED) {
                std::fs::remove_file(entry.path())
            } else {
                Ok(())
            };
            removed.map_err(Error::io("remove", entry.path()))?;
        }
        Ok(&self.0)
    }

    pub(super) fn path(&self, name: &str) -> Result<PathBuf, Error> {
        if is_name(name) { Ok(self.0.join(name)) } else { Err(Error::Missing { name: name.to_owned() }) }
    }

    pub(super) fn unfinished(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.path(name)?.with_added_extension(UNFINISHED.trim_start_matches('.')))
    }

    pub(super) fn write_record(&self, name: &str, record: &Record) -> Result<(), Error> {
        let path = self.0.join(format!("{name}{RECORD}"));
        let write = || {
            let mut file = tempfile::Builder::new().suffix(UNFINISHED).tempfile_in(&self.0)?;
            file.write_all(&serde_json::to_vec_pretty(record)?)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            sync_folder(&self.0)
        };
        write().map_err(Error::io("write", &path))
    }

    pub(super) fn record(&self, name: &str) -> Option<Record> {
        let mut bytes = Vec::new();
        let file = File::open(self.0.join(format!("{name}{RECORD}"))).ok()?;
        file.take(RECORD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// What there is, newest first.
    pub(super) fn list(&self) -> Result<Vec<BackupView>, Error> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list", &self.0)(error)),
        };
        let mut found: Vec<_> =
            entries.flatten().take(FILES_MAX).filter_map(|entry| self.view(&entry)).collect();
        found.sort_by(|a, b| b.made_at.cmp(&a.made_at).then_with(|| b.name.cmp(&a.name)));
        Ok(found)
    }

    fn view(&self, entry: &std::fs::DirEntry) -> Option<BackupView> {
        let name = entry.file_name().to_str().filter(|name| is_name(name))?.to_owned();
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        if let Some(record) = self.record(&name) {
            let bytes = about.len();
            let problem = record.problem.or_else(|| {
                (bytes != record.bytes)
                    .then(|| format!("it has {bytes} bytes and was made with {}", record.bytes))
            });
            let verified_at = record.verified_at.filter(|_| problem.is_none());
            let version = Some(record.program);
            let (made_at, encrypted) = (record.made_at, record.encrypted);
            return Some(BackupView { name, made_at, bytes, encrypted, verified_at, problem, version });
        }
        // Brought here by hand.
        let changed = about.modified().ok()?.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
        let mut first = Vec::new();
        let read = File::open(entry.path()).and_then(|file| file.take(32).read_to_end(&mut first));
        Some(BackupView {
            name,
            made_at: Timestamp::from_millis(u64::try_from(changed.as_millis()).ok()?),
            bytes: about.len(),
            encrypted: read.is_ok() && is_sealed(&first),
            verified_at: None,
            problem: None,
            version: None,
        })
    }

    pub(super) fn open(&self, name: &str) -> Result<(File, u64), Error> {
        let path = self.path(name)?;
        let file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Missing { name: name.to_owned() },
            _ => Error::io("open", &path)(error),
        })?;
        let bytes = file.metadata().map_err(Error::io("look at", &path))?.len();
        Ok((file, bytes))
    }

    pub(super) fn delete(&self, name: &str) -> Result<(), Error> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::Missing { name: name.to_owned() });
            }
            Err(error) => return Err(Error::io("remove", path)(error)),
        }
        // Without its file it means nothing.
        let _ = std::fs::remove_file(self.0.join(format!("{name}{RECORD}")));
        Ok(())
    }
}

/// What a folder for data may be: read by its owner only, whatever the process's mask says.
pub(super) fn private_folder() -> Permissions {
    Permissions::from_mode(0o700)
}

/// Makes renames within a folder last.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        let name = name_of(Timestamp::from_millis(1_700_000_000_123));
        assert_eq!(name, "frontdesk-20231114T221320123Z.frontdesk-backup");
        assert!(is_name(&name));
        for other in
            ["", EXTENSION, "../x.frontdesk-backup", "a/b.frontdesk-backup", ".x.frontdesk-backup", "x.json"]
        {
            assert!(!is_name(other), "{other}");
        }
    }
}
