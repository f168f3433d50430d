//! An upgrade of the data: noticed at start, preceded by a copy of every keyspace, and all or nothing.
//!
//! The system's keyspace is brought up to date last, so that its schema version says whether an upgrade is due; until then each
//! start goes on where the last one stopped, with the copy that was made before the first. While none is due, a start looks at
//! one small file. A directory that a newer release has written is refused before anything in it is opened.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::{EXTENSION, SCRATCH, private_folder, sync_folder};
use super::make::audit_head;
use super::pace::Pace;
use super::verify::{self, KEYSPACES_ONLY};
use super::{Error, rollback};
use crate::archive::{Kind, Manifest, Opening, Protection, Rows, Writer};
use crate::base::{TenantId, Timestamp};
use crate::store::{
    self, DataDirectory, KeyspaceId, MIGRATIONS, Migration, file_of, migrate_file, read_file,
};

/// Who wrote the directory last.
const VERSION: &str = "version.json";
/// Says that an upgrade has begun and where the copy is.
const UPGRADING: &str = "upgrading.json";
/// What the names of the copies begin with.
const PREFIX: &str = "before-upgrade-";
/// Copies that are kept.
const COPIES_MAX: usize = 2;

/// Which program wrote the directory last, and with which schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) program: String,
    pub(super) schema: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Upgrading {
    to: u32,
    copy: String,
}

/// An upgrade that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The schema version before.
    pub from: u32,
    /// The schema version now.
    pub to: u32,
    /// The copy of every keyspace as it was.
    pub copy: PathBuf,
}

/// Makes the directory fit for this release, before the store is opened.
///
/// # Errors
/// [`store::Error::Newer`], with nothing changed; [`Error::RollbackUnfinished`]; what the copy or a migration fails with.
pub fn prepare(directory: &DataDirectory, now: Timestamp) -> Result<Option<Upgraded>, Error> {
    with(directory, MIGRATIONS, env!("CARGO_PKG_VERSION"), now)
}

/// [`prepare`] with the migrations of any release, which calls itself `program`.
pub(super) fn with(
    directory: &DataDirectory,
    migrations: &[Migration],
    program: &str,
    now: Timestamp,
) -> Result<Option<Upgraded>, Error> {
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    let path = directory.path();
    if rollback::is_unfinished(directory)? {
        return Err(Error::RollbackUnfinished);
    }
    let version = version(directory)?;
    let newer = |found| Error::Store(store::Error::Newer { path: path.to_path_buf(), found, known });
    if let Some(version) = version.as_ref().filter(|version| version.schema > known) {
        return Err(newer(version.schema));
    }
    let this = Version { program: program.to_owned(), schema: known };
    if version.as_ref().is_some_and(|version| version.schema == known) {
        if version.as_ref() != Some(&this) {
            write_version(directory, &this)?;
        }
        return Ok(None);
    }
    let system = directory.system_file();
    let found = if system.exists() { read_file(&system, store::ReadTx::schema_version)? } else { 0 };
    if found > known {
        return Err(newer(found));
    }
    // Nothing was ever committed, or only the file of the version is missing.
    if found == 0 || found == known {
        write_version(directory, &this)?;
        return Ok(None);
    }
    let copy = copy_of(directory, found, known, version.as_ref(), now)?;
    tracing::info!(from = found, to = known, copy, "the data directory is being upgraded");
    for tenant in tenants(path)? {
        let id = KeyspaceId::Tenant(tenant);
        migrate_file(&path.join(file_of(id)), id, migrations)?;
    }
    migrate_file(&system, KeyspaceId::System, migrations)?;
    write_version(directory, &this)?;
    directory.remove(UPGRADING)?;
    forget_old(path)?;
    Ok(Some(Upgraded { from: found, to: known, copy: path.join(copy) }))
}

pub(super) fn version(directory: &DataDirectory) -> Result<Option<Version>, Error> {
    let bytes = directory.read_small(VERSION)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

pub(super) fn write_version(directory: &DataDirectory, version: &Version) -> Result<(), Error> {
    let json = serde_json::to_vec(version).unwrap_or_default();
    Ok(directory.write_private(VERSION, &json).map(drop)?)
}

/// The tenants that have a keyspace.
pub(super) fn tenants(data_dir: &Path) -> Result<Vec<TenantId>, Error> {
    let folder = data_dir.join("tenants");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<TenantId>().ok());
    let mut ids: Vec<_> = ids.filter(|id| data_dir.join(file_of(KeyspaceId::Tenant(*id))).exists()).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// The name of the copy: the one that an upgrade that was cut off has made, or a new one.
fn copy_of(
    directory: &DataDirectory,
    found: u32,
    known: u32,
    version: Option<&Version>,
    now: Timestamp,
) -> Result<String, Error> {
    let begun = directory.read_small(UPGRADING)?;
    let begun: Option<Upgrading> = begun.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(begun) = begun.filter(|begun| directory.path().join(&begun.copy).exists()) {
        return Ok(begun.copy);
    }
    let program = version.map_or_else(|| format!("schema-{found}"), |version| version.program.clone());
    let name = format!("{PREFIX}{program}{EXTENSION}");
    write_copy(directory, &name, found, version, now)?;
    let upgrading = serde_json::to_vec(&Upgrading { to: known, copy: name.clone() }).unwrap_or_default();
    directory.write_private(UPGRADING, &upgrading)?;
    Ok(name)
}

/// Writes every keyspace into an archive, proves it, and gives it its name.
fn write_copy(
    directory: &DataDirectory,
    name: &str,
    schema: u32,
    version: Option<&Version>,
    now: Timestamp,
) -> Result<(), Error> {
    let root = directory.path();
    let mut manifest = Manifest::new(Kind::Backup, now);
    manifest.schema = schema;
    manifest.program = version.map_or_else(String::new, |version| version.program.clone());
    manifest.left_out = vec!["everything but the databases, which an upgrade does not change".to_owned()];
    manifest.details.insert(KEYSPACES_ONLY.to_owned(), true.into());
    let unfinished = root.join(format!("{name}.unfinished"));
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
    let file = file.map_err(Error::io("create", &unfinished))?;
    let mut writer = Writer::create(std::io::BufWriter::new(file), &manifest, &Protection::None)?;
    let keyspaces =
        std::iter::once(KeyspaceId::System).chain(tenants(root)?.into_iter().map(KeyspaceId::Tenant));
    for keyspace in keyspaces {
        let path = file_of(keyspace);
        let rows = read_file(&root.join(&path), |tx| {
            Ok::<_, Error>(Rows::all(&path, tx, Some(audit_head(tx)?), root)?)
        })?;
        writer.keyspace(rows)?;
    }
    let (mut output, _) = writer.finish()?;
    let synced = output.flush().and_then(|()| output.get_ref().sync_all());
    synced.map_err(Error::io("write", &unfinished))?;
    let scratch = tempfile::Builder::new().prefix(SCRATCH).permissions(private_folder()).tempdir_in(root);
    let scratch = scratch.map_err(Error::io("create a folder in", root))?;
    let file = super::restore::open(&unfinished)?;
    verify::verify(std::io::BufReader::new(file), &Opening::None, scratch.path(), Pace::full())?;
    let renamed = std::fs::rename(&unfinished, root.join(name)).and_then(|()| sync_folder(root));
    renamed.map_err(Error::io("write", root.join(name)))
}

/// The copies, newest first.
pub(super) fn copies(data_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(data_dir).map_err(Error::io("list", data_dir))?;
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(EXTENSION))
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

fn forget_old(data_dir: &Path) -> Result<(), Error> {
    for path in copies(data_dir)?.into_iter().skip(COPIES_MAX) {
        std::fs::remove_file(&path).map_err(Error::io("remove", path))?;
    }
    Ok(())
}
