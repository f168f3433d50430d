//! Restoring a backup: aside, and moved into place at the end.
//!
//! Whatever fails before the last two renames leaves everything as it was. What was there is moved aside and stays; language
//! models and backups that lay in it move on into the new directory, because no backup holds them.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::Error;
use super::folder::{private_folder, sync_folder};
use super::verify::{check_manifest, is_keyspaces_only};
use crate::archive::{Contents, Entry, Limits, Manifest, Opening, Reader};
use crate::base::{Call, Timestamp};
use crate::identity::audit::{self, Action, Note};
use crate::store::{DataDirectory, KeyspaceId, Store, file_of};

/// Says in a restored data directory that it is one, until the audit trail does.
const MARKER: &str = "restored.json";
/// What moves on from a data directory that is replaced.
const CARRIED: [&str; 2] = ["models", "backups"];
/// What there may be in a data directory that holds nothing.
const DATA: [&str; 3] = ["system.redb", "tenants", "appliance.key"];

/// What came of it.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the backup says about itself.
    pub manifest: Manifest,
    /// What was in it.
    pub contents: Contents,
    /// Where the data lies that was there before.
    pub aside: Option<PathBuf>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    made_at: Timestamp,
    restored_at: Timestamp,
    program: String,
}

/// Restores a backup to `data_dir`. With `force`, data that is there is moved aside. `told` hears of each entry.
///
/// # Errors
/// [`Error::Exists`], [`Error::NotABackup`], [`Error::Newer`], the archive's with the place, or the disk's. Nothing has changed then.
pub fn restore(
    input: impl Read,
    opening: &Opening,
    data_dir: &Path,
    force: bool,
    now: Timestamp,
    mut told: impl FnMut(&str),
) -> Result<Restored, Error> {
    let (parent, target) = place(data_dir)?;
    // Held to the end, so that no appliance runs on what is replaced.
    let lock = if target.exists() { Some(DataDirectory::open_to_replace(&target)?) } else { None };
    let holds_data = DATA.iter().any(|name| target.join(name).exists());
    if holds_data && !force {
        return Err(Error::Exists { path: target });
    }
    let mut reader = Reader::open(input, opening, Limits::default())?;
    check_manifest(reader.manifest())?;
    if is_keyspaces_only(reader.manifest()) {
        return Err(Error::KeyspacesOnly);
    }
    let prefix = format!("{}.restoring-", name_of(&target));
    let scratch = tempfile::Builder::new().prefix(&prefix).permissions(private_folder()).tempdir_in(&parent);
    let scratch = scratch.map_err(Error::io("create a folder in", &parent))?;
    while let Some(entry) = reader.next_entry()? {
        match entry {
            Entry::Keyspace(head) => {
                told(&head.path);
                reader.load(&head, scratch.path())?;
            }
            Entry::File(head) => {
                told(&head.path);
                reader.save(&head, scratch.path())?;
            }
        }
    }
    if !scratch.path().join(file_of(KeyspaceId::System)).exists() {
        return Err(Error::Unproven { problem: "it holds no database of the system".to_owned() });
    }
    let (manifest, contents) = (reader.manifest().clone(), reader.contents());
    let marker = Marker { made_at: manifest.made_at, restored_at: now, program: manifest.program.clone() };
    let marker = serde_json::to_vec(&marker).unwrap_or_default();
    let marker_path = scratch.path().join(MARKER);
    std::fs::write(&marker_path, marker).map_err(Error::io("write", marker_path))?;
    settle(scratch.path(), &target)?;
    let aside = swap(scratch, &parent, &target, now)?;
    drop(lock);
    let aside = aside.filter(|aside| keep_aside(aside, &target, holds_data));
    Ok(Restored { manifest, contents, aside })
}

/// The folder that the data directory lies in, and the directory within it.
fn place(data_dir: &Path) -> Result<(PathBuf, PathBuf), Error> {
    if let Ok(there) = data_dir.canonicalize()
        && let Some(parent) = there.parent()
    {
        return Ok((parent.to_path_buf(), there));
    }
    let parent = data_dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(Error::io("use the folder", parent))?;
    let name = data_dir.file_name().unwrap_or(data_dir.as_os_str());
    Ok((parent.clone(), parent.join(name)))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Puts every folder on disk, and gives everything to whom the directory before belongs.
fn settle(scratch: &Path, target: &Path) -> Result<(), Error> {
    let owner = std::fs::metadata(target).ok().map(|about| (about.uid(), about.gid()));
    let own = std::fs::metadata(scratch).map_err(Error::io("look at", scratch))?;
    let new_owner = owner.filter(|owner| *owner != (own.uid(), own.gid()));
    for entry in WalkDir::new(scratch) {
        let entry = entry.map_err(|error| Error::io("list", scratch)(error.into()))?;
        if let Some((user, group)) = new_owner {
            chown(entry.path(), Some(user), Some(group)).map_err(Error::io("give away", entry.path()))?;
        }
        if entry.file_type().is_dir() {
            sync_folder(entry.path()).map_err(Error::io("sync", entry.path()))?;
        }
    }
    Ok(())
}

/// The two renames.
fn swap(
    scratch: tempfile::TempDir,
    parent: &Path,
    target: &Path,
    now: Timestamp,
) -> Result<Option<PathBuf>, Error> {
    let aside = target.exists().then(|| aside_of(parent, &name_of(target), "before-restore", now));
    if let Some(aside) = &aside {
        std::fs::rename(target, aside).map_err(Error::io("move aside", target))?;
    }
    if let Err(error) = std::fs::rename(scratch.path(), target) {
        if let Some(aside) = &aside {
            std::fs::rename(aside, target).map_err(Error::io("move back", aside))?;
        }
        return Err(Error::io("put in place", target)(error));
    }
    let _ = scratch.keep();
    sync_folder(parent).map_err(Error::io("sync", parent))?;
    Ok(aside)
}

/// `<name>.<what>-<time>`, with no colons in it.
pub(super) fn aside_of(parent: &Path, name: &str, what: &str, now: Timestamp) -> PathBuf {
    let moment: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    parent.join(format!("{name}.{what}-{moment}"))
}

/// Moves on what no backup holds. A directory that held no data and now holds nothing is removed: whether there is still one.
fn keep_aside(aside: &Path, target: &Path, held_data: bool) -> bool {
    for name in CARRIED {
        let (from, to) = (aside.join(name), target.join(name));
        if from.exists()
            && !to.exists()
            && let Err(error) = std::fs::rename(&from, &to)
        {
            tracing::warn!(?error, "{} stays where it is", from.display());
        }
    }
    if held_data {
        return true;
    }
    for name in ["lock", "control.sock", "version.json"] {
        let _ = std::fs::remove_file(aside.join(name));
    }
    std::fs::remove_dir(aside).is_err()
}

/// Writes down in the audit trail that this data directory was restored, once.
///
/// # Errors
/// When the store or the disk fails.
pub async fn note(store: &Store, now: Timestamp) -> Result<(), Error> {
    let Some(bytes) = store.directory().read_small(MARKER)? else { return Ok(()) };
    if let Ok(marker) = serde_json::from_slice::<Marker>(&bytes) {
        let wrote = store.system().write(move |tx| {
            let note = Note::new(Action::BackupRestored).with("made_at", marker.made_at);
            let note = note.with("restored_at", marker.restored_at).with("program", &marker.program);
            Ok::<_, Error>(audit::record(tx, &Call::appliance(now), note)?)
        });
        wrote.await?;
    }
    Ok(store.directory().remove(MARKER)?)
}

/// Opens a file for reading.
///
/// # Errors
/// [`Error::Io`], or [`Error::Missing`] when there is none.
pub fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Missing { name: path.display().to_string() },
        _ => Error::io("open", path)(error),
    })
}
