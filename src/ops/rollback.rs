//! The way back from an upgrade: the keyspaces as they were before it.
//!
//! They are made anew beside the others first; then a note says what is to be moved where, and each is moved. A rollback that is
//! cut off is finished by the next, and until then no appliance starts. What was there is moved aside and stays. Documents were
//! not changed by the upgrade and are left as they are; those deleted since are gone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use super::folder::{private_folder, sync_folder};
use super::restore::{aside_of, open};
use super::upgrade::{Version, copies, tenants, write_version};
use super::verify::{check_manifest, is_keyspaces_only};
use crate::archive::{Entry, Limits, Opening, Reader};
use crate::base::Timestamp;
use crate::store::{DataDirectory, KeyspaceId, file_of};

/// Says that a rollback has begun, and what is left to do.
const MARKER: &str = "rolling-back.json";
/// Folders of a tenant that are made anew from its keyspace.
const DERIVED: [&str; 2] = ["keywords", "vectors"];

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    scratch: PathBuf,
    aside: PathBuf,
    keyspaces: Vec<String>,
    version: Version,
    copy: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The release that can use the data again; empty where that is not known.
    pub program: String,
    /// Its schema version.
    pub schema: u32,
    /// The copy that was gone back to.
    pub copy: PathBuf,
    /// Where the keyspaces lie that were there.
    pub aside: PathBuf,
}

pub(super) fn is_unfinished(directory: &DataDirectory) -> Result<bool, Error> {
    Ok(directory.read_small(MARKER)?.is_some())
}

/// Goes back to before the last upgrade, or finishes doing so.
///
/// # Errors
/// [`Error::NoSnapshot`], [`crate::store::Error::InUse`], the archive's with the place, or the disk's.
pub fn rollback(data_dir: &Path, now: Timestamp) -> Result<RolledBack, Error> {
    if !data_dir.join(file_of(KeyspaceId::System)).exists() && !data_dir.join(MARKER).exists() {
        return Err(Error::NoSnapshot { path: data_dir.to_path_buf() });
    }
    let directory = DataDirectory::open(data_dir)?;
    let begun = directory.read_small(MARKER)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let plan = match begun {
        Some(plan) => plan,
        None => begin(&directory, now)?,
    };
    carry_out(&directory, &plan)?;
    write_version(&directory, &plan.version)?;
    directory.remove("upgrading.json")?;
    directory.remove(MARKER)?;
    let _ = std::fs::remove_dir_all(&plan.scratch);
    let Plan { version: Version { program, schema }, copy, aside, .. } = plan;
    Ok(RolledBack { program, schema, copy, aside })
}

/// Makes the keyspaces of the newest copy anew, and notes what is to be done.
fn begin(directory: &DataDirectory, now: Timestamp) -> Result<Plan, Error> {
    let root = directory.path();
    let copy =
        copies(root)?.into_iter().next().ok_or_else(|| Error::NoSnapshot { path: root.to_path_buf() })?;
    let file = std::io::BufReader::new(open(&copy)?);
    let mut reader = Reader::open(file, &Opening::None, Limits::default())?;
    check_manifest(reader.manifest())?;
    if !is_keyspaces_only(reader.manifest()) {
        return Err(Error::NotABackup);
    }
    let version = Version { program: reader.manifest().program.clone(), schema: reader.manifest().schema };
    let scratch =
        tempfile::Builder::new().prefix("rolling-back-").permissions(private_folder()).tempdir_in(root);
    let scratch = scratch.map_err(Error::io("create a folder in", root))?;
    let mut keyspaces = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        if let Entry::Keyspace(head) = entry {
            reader.load(&head, scratch.path())?;
            keyspaces.push(head.path);
        }
    }
    let aside = aside_of(root, "data", "before-rollback", now);
    let plan = Plan { scratch: scratch.path().to_path_buf(), aside, keyspaces, version, copy };
    directory.write_private(MARKER, &serde_json::to_vec(&plan).unwrap_or_default())?;
    let _ = scratch.keep();
    Ok(plan)
}

/// Moves everything to its place; what has been moved already is passed over.
fn carry_out(directory: &DataDirectory, plan: &Plan) -> Result<(), Error> {
    let root = directory.path();
    for path in &plan.keyspaces {
        let (new, place) = (plan.scratch.join(path), root.join(path));
        if !new.exists() {
            continue;
        }
        let folder = place.parent().unwrap_or(root);
        make_folder(folder)?;
        if folder != root {
            for name in DERIVED {
                move_aside(root, &folder.join(name), plan)?;
            }
        }
        move_aside(root, &place, plan)?;
        std::fs::rename(&new, &place).map_err(Error::io("put in place", &place))?;
        sync_folder(folder).map_err(Error::io("sync", folder))?;
    }
    // Workspaces made since the upgrade: the accounts as they were know nothing of them.
    for tenant in tenants(root)? {
        let path = file_of(KeyspaceId::Tenant(tenant));
        if !plan.keyspaces.contains(&path) {
            move_aside(root, &directory.tenant_folder(tenant), plan)?;
        }
    }
    sync_folder(root).map_err(Error::io("sync", root))
}

fn move_aside(root: &Path, path: &Path, plan: &Plan) -> Result<(), Error> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let to = plan.aside.join(below);
    if !path.exists() || to.exists() {
        return Ok(());
    }
    make_folder(to.parent().unwrap_or(&plan.aside))?;
    std::fs::rename(path, &to).map_err(Error::io("move aside", path))
}

fn make_folder(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(Error::io("create the folder", path))
}
