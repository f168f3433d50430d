//! Taking a tenant in from the file that carries it: all of it, or nothing.
//!
//! Everything is made aside and believed only once the whole archive has proved itself. Then the tenant's id is claimed in
//! the system keyspace, the folder is moved into its place, and one transaction puts the tenant on the roll. A claim that a
//! crash leaves behind is cleared away with its folder by the next start, so half a tenant is never there.
//!
//! The tenant keeps its id where that is free. Where it is not, it is here already; with a slug of its own it comes as a copy
//! under a new id, because nothing in it depends on the old one.

use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::carried::{Carrier, FACTS, FACTS_BYTES_MAX, Facts, KEYSPACE, Member};
use super::create::is_slug;
use super::tenant::{Tenant, Tenants, by_slug};
use super::{Error, Rule, WorkspaceView, erase};
use crate::archive::{self, Entry, FileHead, Kind, Limits, Opening, Reader};
use crate::base::{Actor, Call, TenantId, Timestamp};
use crate::files::{self, BlobHash};
use crate::identity::audit::{self, Action, Note};
use crate::identity::pass::ManageTenants;
use crate::identity::{self, MemberRole, Pass, Role, account, custom_role, membership, tenant_roll};
use crate::quotas;
use crate::store::{self, Arrival, Read as _, Scan, Store, WriteTx, read_file, schema_version, tables};

/// Pieces that may wait for the disk.
const PIECES_WAITING_MAX: usize = 8;
/// Bytes of a refused file that are read and thrown away, so that its sender hears why it was refused.
const DRAINED_BYTES_MAX: u64 = 64 << 20;
/// Claims that one start clears away.
const CLAIMS_MAX: usize = 10_000;

/// That a tenant's folder may be there before the tenant is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claim {
    at: Timestamp,
}

tables! {
    /// Tenants that are arriving.
    Claims = "tenants.arrival": TenantId => Claim;
}

/// A member of the file who could not become one here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NotImported {
    /// The e-mail address; an invitation to it makes the person a member.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// As what.
    pub role: MemberRole,
    /// Why not: a stable code.
    pub reason: &'static str,
}

/// A tenant that came from elsewhere.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// The workspace as it is here.
    #[serde(flatten)]
    pub workspace: WorkspaceView,
    /// People who have an account here and are members again.
    pub members: u64,
    /// People who are not: invite them.
    pub not_imported: Vec<NotImported>,
    /// What the file does not hold, and how it is had again.
    pub left_out: Vec<String>,
    /// Rows that came.
    pub rows: u64,
    /// Files that came.
    pub files: u64,
}

/// What was read and made aside.
struct Arrived {
    folder: Arrival,
    facts: Facts,
    left_out: Vec<String>,
    rows: u64,
    files: u64,
}

impl Carrier {
    /// Takes in the tenant that `stream` carries, under its own slug or `slug`; at most `bytes_max` bytes, unpacked.
    ///
    /// # Errors
    /// [`Error::Archive`] with the place when the file is damaged or cut off; [`Error::NotAWorkspace`]; [`Error::SlugTaken`];
    /// [`Error::HereAlready`]; [`Error::CarryingMany`]. Then nothing of it is left.
    pub async fn import<S>(
        &self,
        call: &Call,
        pass: Pass<ManageTenants>,
        mut stream: S,
        slug: Option<String>,
        bytes_max: u64,
    ) -> Result<Imported, Error>
    where
        S: Stream<Item = io::Result<Bytes>> + Unpin + Send,
    {
        let place = self.place()?;
        if slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
            return Err(Error::Field { pointer: "/slug".into(), rule: Rule::NotASlug });
        }
        let (sender, pieces) = mpsc::channel(PIECES_WAITING_MAX);
        let (carrier, call) = (self.clone(), call.clone());
        let taking = tokio::task::spawn_blocking(move || {
            let _place = place;
            let arrived = receive(&carrier.store, Input { pieces, piece: Bytes::new() }, bytes_max)?;
            carrier.settle(&call, pass, arrived, slug)
        });
        let mut drained = 0u64;
        let feeding = async move {
            while let Some(piece) = stream.next().await {
                let length = piece.as_ref().map_or(0, Bytes::len) as u64;
                // Who reads has given up, and its answer says why. It reaches only who is not cut off in the middle of sending.
                if sender.send(piece).await.is_err() {
                    drained = drained.saturating_add(length);
                }
                if drained > DRAINED_BYTES_MAX {
                    break;
                }
            }
        };
        let (taken, ()) = tokio::join!(taking, feeding);
        taken.unwrap_or(Err(store::Error::Lost.into()))
    }

    /// Moves what arrived into its place. On this thread.
    fn settle(
        &self,
        call: &Call,
        pass: Pass<ManageTenants>,
        arrived: Arrived,
        slug: Option<String>,
    ) -> Result<Imported, Error> {
        let Arrived { folder, facts, left_out, rows, files } = arrived;
        let system = self.store.system();
        let as_copy = slug.is_some();
        let wished = slug.unwrap_or_else(|| facts.tenant.slug.clone());
        let (claimed_slug, known, now) = (wished.clone(), facts.tenant.id, call.now);
        let id = system.write_blocking(move |tx| claim(tx, now, known, &claimed_slug, as_copy))?;
        let settled = self.store.settle_arrival(folder, id).map_err(Error::from).and_then(|()| {
            let (call, wakeups) = (call.clone(), self.wakeups.clone());
            let tenant = Tenant { id, slug: wished, ..facts.tenant.clone() };
            system.write_blocking(move |tx| {
                let joined = join(tx, &call, pass, &tenant, &facts)?;
                let wakeups = wakeups.clone();
                tx.after_commit(move || wakeups.resume(id));
                Ok::<_, Error>((WorkspaceView::of(tx, tenant.clone())?, joined))
            })
        });
        match settled {
            Ok((workspace, (members, not_imported))) => {
                Ok(Imported { workspace, members, not_imported, left_out, rows, files })
            }
            Err(error) => {
                // A claim that stays is cleared away by the next start.
                if let Err(error) = clear(&self.store, id) {
                    tracing::warn!(?error, "an import that failed could not be cleared away");
                }
                Err(error)
            }
        }
    }
}

/// Keeps the id for this import, or another one for a copy.
fn claim(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    known: TenantId,
    slug: &str,
    as_copy: bool,
) -> Result<TenantId, Error> {
    if by_slug(tx, slug)?.is_some() {
        return Err(Error::SlugTaken);
    }
    let taken = super::load(tx, known)?.is_some()
        || tenant_roll::has(tx, known)?
        || tx.get::<Claims>(&known)?.is_some()
        || erase::is_under_way(tx, known)?;
    let id = match (taken, as_copy) {
        (false, _) => known,
        (true, true) => TenantId::new(now),
        (true, false) => return Err(Error::HereAlready),
    };
    tx.insert::<Claims>(&id, &Claim { at: now })?;
    Ok(id)
}

/// Puts the tenant on the roll with those of its members who have an account here.
fn join(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageTenants>,
    tenant: &Tenant,
    facts: &Facts,
) -> Result<(u64, Vec<NotImported>), Error> {
    if by_slug(tx, &tenant.slug)?.is_some() {
        return Err(Error::SlugTaken);
    }
    tx.insert::<Tenants>(&tenant.id, tenant)?;
    tenant_roll::enrol(tx, call.now, tenant.id)?;
    tenant_roll::require_mfa(tx, tenant.id, facts.mfa_required)?;
    quotas::keep(tx, tenant.id, &facts.quotas)?;
    custom_role::settle(tx, call.now, pass, tenant.id, &facts.roles)?;
    let (mut members, mut owners, mut not_imported) = (0, 0, Vec::new());
    for member in &facts.members {
        match admit(tx, call, pass, tenant.id, member) {
            Ok(()) => {
                members += 1;
                owners += u32::from(member.role.is_owner());
            }
            Err(Error::Store(error)) => return Err(error.into()),
            Err(error) => not_imported.push(NotImported {
                email: member.email.clone(),
                name: member.name.clone(),
                role: member.role,
                reason: crate::base::Fault::code(&error),
            }),
        }
    }
    if let (Actor::Account(account), 0) = (call.actor, owners) {
        membership::grant(tx, call, pass, account, tenant.id, Role::Owner)?;
    }
    let note = Note::new(Action::WorkspaceImported).of_tenant(tenant.id).with("from", facts.tenant.id);
    audit::record(tx, call, note.with("members", members))?;
    tx.remove::<Claims>(&tenant.id)?;
    Ok((members, not_imported))
}

fn admit(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageTenants>,
    tenant: TenantId,
    member: &Member,
) -> Result<(), Error> {
    let account = account::with_email(tx, &member.email)?.ok_or(identity::Error::NotFound)?;
    match membership::take_in(tx, call, pass, account, tenant, member.role) {
        Ok(_) => Ok(()),
        Err(identity::Error::Store(error)) => Err(error.into()),
        Err(refused) => Err(refused.into()),
    }
}

fn clear(store: &Store, id: TenantId) -> Result<(), Error> {
    store.remove_folder(id)?;
    store
        .system()
        .write_blocking(move |tx| tx.remove::<Claims>(&id).map(drop))
        .map_err(|error: store::Error| error.into())
}

/// Clears away what imports of an earlier process left half-way. At the start, before anything is opened.
///
/// # Errors
/// When the store or the disk fails.
pub fn discard_arrivals(store: &Store) -> Result<(), Error> {
    let claims = store.system().read(|tx| tx.keys::<Claims>(&Scan::all(CLAIMS_MAX)))?;
    claims.into_iter().try_for_each(|id| clear(store, id))
}

/// Reads the whole archive into a folder aside. On this thread.
fn receive(store: &Store, input: Input, bytes_max: u64) -> Result<Arrived, Error> {
    let limits = Limits { bytes_max, ..Limits::default() };
    let mut reader = Reader::open(input, &Opening::None, limits)?;
    let manifest = reader.manifest().clone();
    if manifest.kind != Kind::Workspace {
        return Err(Error::NotAWorkspace { reason: "it is the backup of an appliance" });
    }
    if manifest.schema > schema_version() {
        return Err(Error::NotAWorkspace { reason: "it was made by a newer release than this one" });
    }
    let folder = store.begin_arrival()?;
    let (mut facts, mut rows, mut files) = (None, None, 0);
    while let Some(entry) = reader.next_entry()? {
        match entry {
            Entry::File(head) if head.path == FACTS => facts = Some(read_facts(&mut reader, &head)?),
            Entry::File(head) => {
                if keep_blob(&mut reader, &head, folder.path())? {
                    files += 1;
                }
            }
            Entry::Keyspace(head) if head.path == KEYSPACE && head.schema <= schema_version() => {
                rows = Some(reader.load(&head, folder.path())?);
            }
            // Information for people, or of a later release.
            Entry::Keyspace(_) => {}
        }
    }
    let (Some(facts), Some(rows)) = (facts, rows) else {
        return Err(Error::NotAWorkspace { reason: "its facts or its rows are missing" });
    };
    every_file_is_there(folder.path())?;
    Ok(Arrived { folder, facts, left_out: manifest.left_out, rows, files })
}

fn read_facts(reader: &mut Reader<Input>, head: &FileHead) -> Result<Facts, Error> {
    if head.length > FACTS_BYTES_MAX {
        return Err(Error::NotAWorkspace { reason: "its facts are too long" });
    }
    let mut json = Vec::new();
    reader.content().read_to_end(&mut json).map_err(|error| match error.downcast::<archive::Error>() {
        Ok(fault) => Error::Archive(fault),
        Err(_) => Error::NotAWorkspace { reason: "its facts cannot be read" },
    })?;
    serde_json::from_slice(&json).map_err(|_| Error::NotAWorkspace { reason: "its facts cannot be read" })
}

/// Keeps a file that lies where its hash says, and checks the hash; false for one that is something else.
fn keep_blob(reader: &mut Reader<Input>, head: &FileHead, folder: &Path) -> Result<bool, Error> {
    let name = head.path.rsplit('/').next().unwrap_or_default();
    let Some(hash) = BlobHash::parse(name).filter(|hash| hash.place() == head.path) else { return Ok(false) };
    reader.save(head, folder)?;
    let found = files::hash_file(&folder.join(&head.path))?;
    if found == hash { Ok(true) } else { Err(Error::Files(files::Error::Damaged { hash })) }
}

fn every_file_is_there(folder: &Path) -> Result<(), Error> {
    read_file(&folder.join(KEYSPACE), |tx| {
        files::each_referenced(tx, |hash| {
            let there = folder.join(hash.place()).is_file();
            if there { Ok(()) } else { Err(Error::Files(files::Error::Missing { hash })) }
        })
    })
}

/// The file as it comes in. When whoever sends it goes away it ends, and the archive is found to be cut off.
struct Input {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.piece.split_to(bytes.len().min(self.piece.len()));
        if let Some(room) = bytes.get_mut(..taken.len()) {
            room.copy_from_slice(&taken);
        }
        Ok(taken.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::ManualClock;
    use crate::store::StoreOptions;

    /// Row C2.
    #[test]
    fn an_import_that_a_crash_cut_off_is_cleared_away_by_the_next_start() {
        let home = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let clock = Arc::new(ManualClock::at(now));
        let store = Store::open(home.path(), StoreOptions::default(), clock).unwrap();
        let known = TenantId::new(now);
        let claimed =
            |as_copy| store.system().write_blocking(move |tx| claim(tx, now, known, "acme", as_copy));
        assert_eq!(claimed(false).unwrap(), known);
        let arrival = store.begin_arrival().unwrap();
        std::fs::write(arrival.path().join("keyspace.redb"), "rows").unwrap();
        store.settle_arrival(arrival, known).unwrap();
        // The process ends here. While it lives, nobody else takes the id.
        assert!(matches!(claimed(false), Err(Error::HereAlready)));
        assert_ne!(claimed(true).unwrap(), known);
        discard_arrivals(&store).unwrap();
        assert!(!store.directory().tenant_folder(known).exists());
        assert_eq!(store.system().read(|tx| tx.keys::<Claims>(&Scan::all(10))).unwrap(), []);
        assert_eq!(claimed(false).unwrap(), known);
    }
}
