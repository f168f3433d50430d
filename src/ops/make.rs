//! Writing a backup: everything of the data directory that cannot be made anew.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::Advice;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::pace::Pace;
use crate::archive::{AuditHead, FileHead, Kind, Manifest, Protection, Rows, Writer, Written};
use crate::base::{Cursor, PageRequest, TenantId, Timestamp};
use crate::files::{self, Hold};
use crate::identity::Pass;
use crate::identity::audit;
use crate::identity::pass::ManageTenants;
use crate::store::{KeyspaceId, Read, ReadTx, Store, file_of};
use crate::tenants;

/// The folder of the settings file, in an archive and in a restored data directory.
pub(super) const CONFIGURATION: &str = "configuration";
/// Files of the data directory itself that go into a backup.
const OWN_FILES: [&str; 2] = ["appliance.key", "appliance.key.mark"];
/// The folder of the own certificate.
const TLS: &str = "tls";
/// Files of that folder.
const TLS_FILES_MAX: usize = 64;
/// What is written is sent on its way to the disk after so many bytes, so that the disk never has much to do at once while
/// others wait for it.
const PIECE_BYTES: u64 = 1 << 20;
/// Tenants read at a time.
const TENANTS_AT_A_TIME: usize = 100;

/// How far a backup is.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) name: String,
    pub(super) since: Timestamp,
    pub(super) bytes: AtomicU64,
}

/// A file that is written in steps that others can bear, until it is called off.
pub(super) struct Paced<'a> {
    file: File,
    progress: &'a Progress,
    stopping: &'a CancellationToken,
    pace: Pace,
    /// Of which the last `unsent` bytes are not on their way.
    written: u64,
    unsent: u64,
}

impl<'a> Paced<'a> {
    pub(super) fn new(file: File, progress: &'a Progress, stopping: &'a CancellationToken) -> Self {
        Self { file, progress, stopping, pace: Pace::gentle(), written: 0, unsent: 0 }
    }

    /// Puts everything on disk.
    pub(super) fn finish(self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for Paced<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stopping.is_cancelled() {
            return Err(io::Error::other("called off"));
        }
        let count = self.file.write(bytes)?;
        self.progress.bytes.fetch_add(count as u64, Ordering::Relaxed);
        self.written = self.written.saturating_add(count as u64);
        self.unsent = self.unsent.saturating_add(count as u64);
        if self.unsent >= PIECE_BYTES {
            // Begins to write and does not wait: no sync, which everybody's commits would stand behind. Only advice.
            let (begin, length) = (self.written.saturating_sub(self.unsent), NonZeroU64::new(self.unsent));
            let _ = rustix::fs::fadvise(&self.file, begin, length, Advice::DontNeed);
            self.unsent = 0;
        }
        self.pace.give_way();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What the backup of an appliance says about itself.
fn manifest(made_at: Timestamp, configuration: Option<&Path>) -> Manifest {
    let mut manifest = Manifest::new(Kind::Backup, made_at);
    manifest.left_out = vec![
        "models/: language models in the data directory; put the files back, or frontdesk model add"
            .to_owned(),
        "keywords/ and vectors/ of each workspace: made anew from the rows when it is opened".to_owned(),
        "files elsewhere that settings name: certificates, keys, rerankers, passphrases".to_owned(),
    ];
    let file = configuration.map(|path| path.display().to_string());
    let note = match file {
        Some(path) => {
            format!("the settings file {path} is in {CONFIGURATION}/; environment and flags are not")
        }
        None => "no settings file was in use".to_owned(),
    };
    manifest.details.insert("configuration".to_owned(), note.into());
    manifest
}

/// Writes everything to `output`; blobs that rows refer to and that are not there are named.
pub(super) fn write<W: Write>(
    store: &Store,
    configuration: Option<&Path>,
    made_at: Timestamp,
    output: W,
    protection: &Protection,
    stopping: &CancellationToken,
) -> Result<(W, Written, Vec<String>), Error> {
    let mut writer = Writer::create(output, &manifest(made_at, configuration), protection)?;
    let root = store.directory().path();
    for name in OWN_FILES {
        add_file(&mut writer, &root.join(name), name.to_owned())?;
    }
    for name in names(&root.join(TLS))? {
        add_file(&mut writer, &root.join(TLS).join(&name), format!("{TLS}/{name}"))?;
    }
    if let Some((path, name)) = configuration.and_then(|path| Some((path, path.file_name()?.to_str()?))) {
        add_file(&mut writer, path, format!("{CONFIGURATION}/{name}"))?;
    }
    let (rows, tenants) = store
        .system()
        .read(|tx| Ok::<_, Error>((set_aside(KeyspaceId::System, tx, root, stopping)?, tenants(tx)?)))?;
    writer.keyspace(rows)?;
    let mut missing = Vec::new();
    for tenant in tenants {
        add_tenant(&mut writer, store, tenant, &mut missing, stopping)?;
    }
    let (output, written) = writer.finish()?;
    Ok((output, written, missing))
}

/// Every tenant of a snapshot.
pub(super) fn tenants(tx: &ReadTx) -> Result<Vec<TenantId>, Error> {
    let mut found = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let request = PageRequest { after, limit: Some(TENANTS_AT_A_TIME) };
        let page =
            tenants::list(tx, Pass::<ManageTenants>::appliance("a backup holds every workspace"), &request)?;
        found.extend(page.items.into_iter().map(|tenant| tenant.id));
        after = page.next_cursor;
        if after.is_none() {
            return Ok(found);
        }
    }
}

pub(super) fn audit_head(tx: &impl Read) -> Result<AuditHead, Error> {
    let head = audit::head(tx)?;
    Ok(AuditHead { sequence: head.sequence, hash: blake3::Hash::from_bytes(head.hash).to_hex().to_string() })
}

/// The rows of a snapshot, which is to be held as short as can be.
fn set_aside(
    keyspace: KeyspaceId,
    tx: &ReadTx,
    folder: &Path,
    stopping: &CancellationToken,
) -> Result<Rows, Error> {
    let mut rows = Rows::new(&file_of(keyspace), tx.schema_version()?, Some(audit_head(tx)?), folder)?;
    let mut pace = Pace::gentle();
    tx.each_row(|table, key, value| {
        if stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        rows.row(table, key, value)?;
        pace.give_way();
        Ok(())
    })?;
    Ok(rows)
}

fn add_tenant<W: Write>(
    writer: &mut Writer<W>,
    store: &Store,
    tenant: TenantId,
    missing: &mut Vec<String>,
    stopping: &CancellationToken,
) -> Result<(), Error> {
    // One that nobody has entered yet, or that is being erased: opening it would make its folder.
    if !store.directory().tenant_folder(tenant).join("keyspace.redb").exists() {
        return Ok(());
    }
    let keyspace = store.tenant(tenant)?;
    // From before the snapshot until the last file is read nothing is removed that it refers to.
    let hold = Hold::of(&keyspace);
    let (rows, blobs) = keyspace.read(|tx| {
        let rows = set_aside(KeyspaceId::Tenant(tenant), tx, store.directory().path(), stopping)?;
        Ok::<_, Error>((rows, files::referenced(tx)?))
    })?;
    writer.keyspace(rows)?;
    for hash in blobs {
        let path = format!("tenants/{tenant}/{}", hash.place());
        match files::open_unchecked(&keyspace, hash) {
            Ok((mut file, length)) => writer.file(&FileHead { path, mode: 0o600, length }, &mut file)?,
            Err(files::Error::Missing { .. }) => missing.push(path),
            Err(files::Error::Io { action, source }) => {
                return Err(Error::Io { action, path: path.into(), source });
            }
            Err(_) => return Err(Error::Unproven { problem: format!("{path} cannot be read") }),
        }
    }
    if let Err(error) = hold.release() {
        tracing::warn!(%tenant, ?error, "files that nobody needs stay until the next sweep");
    }
    Ok(())
}

fn add_file<W: Write>(writer: &mut Writer<W>, path: &Path, name: String) -> Result<(), Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let about = file.metadata().map_err(Error::io("look at", path))?;
    let head = FileHead { path: name, mode: about.mode() & 0o777, length: about.len() };
    Ok(writer.file(&head, &mut file)?)
}

fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    let files = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<_> =
        files.filter_map(|entry| entry.file_name().into_string().ok()).take(TLS_FILES_MAX).collect();
    names.sort_unstable();
    Ok(names)
}
