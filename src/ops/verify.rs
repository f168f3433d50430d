//! Proving a backup: everything that restoring does, into a scratch folder.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::Path;

use super::Error;
use super::make::audit_head;
use super::pace::Pace;
use crate::archive::{Contents, Entry, FileHead, KeyspaceHead, Kind, Limits, Manifest, Opening, Reader};
use crate::base::counted;
use crate::files::{self, BlobHash};
use crate::identity::audit;
use crate::store::{self, KeyspaceId, Loader, file_of, read_file};

/// The detail of a manifest that says that there are no files in it.
pub(super) const KEYSPACES_ONLY: &str = "keyspaces_only";

/// What was found in a backup that is good.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What it says about itself.
    pub manifest: Manifest,
    /// What is in it.
    pub contents: Contents,
}

/// Whether this release can use what the manifest describes.
///
/// # Errors
/// [`Error::NotABackup`], [`Error::Newer`].
pub(super) fn check_manifest(manifest: &Manifest) -> Result<(), Error> {
    let known = store::schema_version();
    if manifest.kind != Kind::Backup {
        return Err(Error::NotABackup);
    }
    if manifest.schema > known {
        return Err(Error::Newer { program: manifest.program.clone(), schema: manifest.schema, known });
    }
    Ok(())
}

pub(super) fn is_keyspaces_only(manifest: &Manifest) -> bool {
    manifest.details.get(KEYSPACES_ONLY).and_then(serde_json::Value::as_bool).unwrap_or(false)
}

/// Reads a backup from end to end: each keyspace is loaded into `scratch`, opened and compared with what the backup says of it; each
/// document is compared with its hash; what rows refer to must be there. Takes the disk space of its largest keyspace, and
/// the time that `pace` leaves.
///
/// # Errors
/// The archive's, with the place; [`Error::Unproven`].
pub fn verify(input: impl Read, opening: &Opening, scratch: &Path, mut pace: Pace) -> Result<Proof, Error> {
    let mut reader = Reader::open(input, opening, Limits::default())?;
    check_manifest(reader.manifest())?;
    let mut wanted = Wanted::default();
    let path = scratch.join("keyspace.redb");
    let whole = !is_keyspaces_only(reader.manifest());
    while let Some(entry) = reader.next_entry()? {
        match entry {
            Entry::Keyspace(head) => {
                wanted.all_came()?;
                wanted.keyspaces = wanted.keyspaces.saturating_add(1);
                load(&mut reader, &path, &mut pace)?;
                let needs = examine(&head, &path)?;
                if whole {
                    wanted.blobs = needs;
                }
                std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
            Entry::File(head) => wanted.came(&head, &mut reader, &mut pace)?,
        }
    }
    wanted.all_came()?;
    if wanted.keyspaces == 0 {
        return Err(Error::Unproven { problem: "it holds no database".to_owned() });
    }
    Ok(Proof { manifest: reader.manifest().clone(), contents: reader.contents() })
}

/// Opens a keyspace that was loaded; what its rows refer to.
fn examine(head: &KeyspaceHead, path: &Path) -> Result<HashSet<BlobHash>, Error> {
    let unproven = |what: &str| Error::Unproven { problem: format!("{} {what}", head.path) };
    read_file(path, |tx| {
        if tx.row_count()? != head.rows {
            return Err(unproven("has not as many rows as it should"));
        }
        if tx.schema_version()? != head.schema {
            return Err(unproven("has another schema version than it should"));
        }
        if let Some(audit) = &head.audit
            && audit_head(tx)? != *audit
        {
            return Err(unproven("has an audit trail that ends elsewhere than it should"));
        }
        if let Some(broken) = audit::verify(tx).map_err(|error| unproven(&error.to_string()))?.broken {
            return Err(unproven(&format!("has a broken audit trail: {broken}")));
        }
        let mut blobs = HashSet::new();
        if head.path != file_of(KeyspaceId::System) {
            files::each_referenced(tx, |hash| {
                blobs.insert(hash);
                Ok::<_, Error>(())
            })?;
        }
        Ok(blobs)
    })
}

/// Makes the keyspace that was begun, at a pace.
fn load<R: Read>(reader: &mut Reader<R>, path: &Path, pace: &mut Pace) -> Result<(), Error> {
    let mut loader = Loader::create_scratch(path)?;
    while let Some(row) = reader.next_row()? {
        loader.put(row.table, row.key, row.value)?;
        pace.give_way();
    }
    loader.finish()?;
    Ok(())
}

/// Hashes what is written to it, at a pace.
struct Hashed<'p> {
    hasher: blake3::Hasher,
    pace: &'p mut Pace,
}

impl io::Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.pace.give_way();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The files that the last keyspace's rows refer to and that have not come yet.
#[derive(Default)]
struct Wanted {
    blobs: HashSet<BlobHash>,
    keyspaces: usize,
}

impl Wanted {
    fn came<R: Read>(
        &mut self,
        head: &FileHead,
        reader: &mut Reader<R>,
        pace: &mut Pace,
    ) -> Result<(), Error> {
        let mut hashed = Hashed { hasher: blake3::Hasher::new(), pace };
        io::copy(&mut reader.content(), &mut hashed).map_err(|error| match error.downcast() {
            Ok(fault) => Error::Archive(fault),
            Err(error) => Error::io("read", &head.path)(error),
        })?;
        let name = head.path.rsplit('/').next().and_then(BlobHash::parse);
        let Some(hash) = name.filter(|_| head.path.starts_with("tenants/")) else { return Ok(()) };
        if hash.as_bytes() != hashed.hasher.finalize().as_bytes() {
            let problem =
                format!("{} is not as it was stored: it was damaged before the backup was made", head.path);
            return Err(Error::Unproven { problem });
        }
        self.blobs.remove(&hash);
        Ok(())
    }

    fn all_came(&self) -> Result<(), Error> {
        match self.blobs.iter().next() {
            None => Ok(()),
            Some(one) => {
                let missing =
                    counted(self.blobs.len(), "file that it refers to is", "files that it refers to are");
                let problem = format!("{missing} missing, among them {one}");
                Err(Error::Unproven { problem })
            }
        }
    }
}
