//! Numbered changes of the schema. A keyspace carries the version it was written with; it is brought up to date when
//! it is opened, after a snapshot of its file, and one that is newer than this release is refused untouched.

use std::path::Path;

use super::transaction::{Read as _, ReadTx, Write as _, WriteTx};
use super::{Error, Key as _, KeyspaceId};

const SCHEMA: &str = "store.schema";
const VERSION: &[u8] = b"version";

/// One step from the version before.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The version that this leads to; the first is 1, and they are consecutive.
    pub version: u32,
    /// What it does to a tenant's keyspace.
    pub tenant: fn(&mut WriteTx<'_>) -> Result<(), Error>,
    /// What it does to the system's.
    pub system: fn(&mut WriteTx<'_>) -> Result<(), Error>,
}

/// Whether a file is copied beside itself before it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Snapshot {
    /// It is.
    Take,
    /// There is a copy of all keyspaces already.
    AtHand,
}

/// Every migration of this release. Version 1 is the schema of the first release, which needs no step.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 1, tenant: |_| Ok(()), system: |_| Ok(()) }];

/// The newest schema version of this release.
pub(super) fn newest_schema() -> u32 {
    newest_of(MIGRATIONS)
}

fn newest_of(migrations: &[Migration]) -> u32 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The schema version that a keyspace was written with, unless it is new.
pub(super) fn schema_of(tx: &ReadTx) -> Result<Option<u32>, Error> {
    let damaged = || Error::Damaged { table: SCHEMA, reason: "the version".to_owned() };
    let bytes = tx.bytes(SCHEMA, VERSION)?;
    bytes.map(|bytes| u32::from_bytes(&bytes).ok_or_else(damaged)).transpose()
}

/// Brings `database` to the newest of `migrations`.
pub(super) fn migrate(
    database: &redb::Database,
    keyspace: KeyspaceId,
    file: &Path,
    migrations: &[Migration],
    before: Snapshot,
) -> Result<(), Error> {
    let found = schema_of(&ReadTx::begin(database)?)?;
    let known = newest_of(migrations);
    match found {
        Some(found) if found > known => return Err(Error::Newer { path: file.to_path_buf(), found, known }),
        Some(found) if found == known => return Ok(()),
        _ => {}
    }
    if before == Snapshot::Take && found.is_some() && file.exists() {
        snapshot(database, file, found.unwrap_or(0))?;
    }
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    {
        let extensions = super::Extensions::default();
        let mut tx = WriteTx::new(&transaction, keyspace, &extensions);
        // A new keyspace is born with the newest schema: only its version is written.
        for migration in migrations.iter().filter(|step| found.is_some_and(|found| step.version > found)) {
            match keyspace {
                KeyspaceId::System => (migration.system)(&mut tx)?,
                KeyspaceId::Tenant(_) => (migration.tenant)(&mut tx)?,
            }
        }
        tx.put_bytes(SCHEMA, VERSION, &known.to_bytes())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Copies the file beside itself while an empty write transaction holds every writer off; without it a copy of a live
/// redb file is corrupt.
fn snapshot(database: &redb::Database, file: &Path, version: u32) -> Result<(), Error> {
    let copy = file.with_extension(format!("before-schema-{}.redb", version.saturating_add(1)));
    let held = database.begin_write()?;
    let copied = std::fs::copy(file, &copy).and_then(|_| std::fs::File::open(&copy)?.sync_all());
    held.abort()?;
    copied.map_err(Error::directory("write the snapshot", copy))
}
