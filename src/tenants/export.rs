//! Writing a tenant into one file, piece by piece, while everybody goes on working.
//!
//! Rows and files are those of one moment: the rows of a snapshot, under a hold that keeps every file it refers to. Whoever
//! writes meanwhile is not held up, and a slow reader holds up nobody but itself. A file whose making went wrong ends too
//! early, and is refused as truncated.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::carried::{ALWAYS_LEFT_OUT, Carrier, FACTS, Facts, KEYSPACE, Member, TRAIL, TRAIL_TABLE};
use super::{Error, Tenant};
use crate::archive::{FileHead, Kind, Manifest, Protection, Rows, Writer};
use crate::base::{Call, TenantId, Timestamp};
use crate::files::{self, BlobHash, Hold};
use crate::identity::audit::{self, Action, Note};
use crate::identity::{custom_role, membership, tenant_roll};
use crate::quotas;
use crate::store::{Key as _, Keyspace, ReadTx};

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that may wait for the reader.
const PIECES_WAITING_MAX: usize = 8;
/// Permissions of files where they arrive.
const PRIVATE_FILE: u32 = 0o600;

/// The pieces of the file, in order; an error is the last.
pub type Pieces = mpsc::Receiver<io::Result<Bytes>>;

impl Carrier {
    /// Writes down that the tenant is taken out, and begins to write it. The keyspace is its own, had by whoever may export it.
    ///
    /// # Errors
    /// [`Error::CarryingMany`], [`Error::NotFound`], or when the store fails.
    pub async fn export(&self, call: &Call, keyspace: Keyspace) -> Result<(Tenant, Pieces), Error> {
        let place = self.place()?;
        let id = keyspace.tenant().ok_or(Error::NotFound)?;
        let noted = call.clone();
        let note = move |tx: &mut crate::store::WriteTx<'_>| {
            audit::record(tx, &noted, Note::new(Action::WorkspaceExported).of_tenant(id))?;
            super::load(tx, id)?.ok_or(Error::NotFound)
        };
        let tenant = self.store.system().write(note).await?;
        let (sender, pieces) = mpsc::channel(PIECES_WAITING_MAX);
        let (carrier, now) = (self.clone(), call.now);
        tokio::task::spawn_blocking(move || carrier.write_out(&keyspace, id, now, &sender, place));
        Ok((tenant, pieces))
    }

    fn write_out(
        &self,
        keyspace: &Keyspace,
        id: TenantId,
        now: Timestamp,
        sender: &mpsc::Sender<io::Result<Bytes>>,
        _place: OwnedSemaphorePermit,
    ) {
        let hold = Hold::of(keyspace);
        let output = Output { sender, piece: Vec::with_capacity(PIECE_BYTES) };
        let written = self.write_archive(keyspace, id, now, output);
        if let Err(error) = hold.release() {
            tracing::warn!(?error, "files that were kept for an export could not be swept");
        }
        if let Err(error) = written {
            // The reader has gone away, or learns that the file has no end.
            tracing::warn!(tenant = %id, ?error, "an export was not finished");
            let _ = sender.blocking_send(Err(io::Error::other(error)));
        }
    }

    fn write_archive(
        &self,
        keyspace: &Keyspace,
        id: TenantId,
        now: Timestamp,
        output: Output<'_>,
    ) -> Result<(), Error> {
        let system = self.store.system();
        let facts = system.read(|tx| facts(tx, id))?;
        let mut manifest = Manifest::new(Kind::Workspace, now);
        manifest.left_out = self.left_out.iter().map(|one| one.sentence.to_owned()).collect();
        manifest.left_out.extend(ALWAYS_LEFT_OUT.map(str::to_owned));
        for (name, value) in [
            ("tenant", id.to_string()),
            ("slug", facts.tenant.slug.clone()),
            ("name", facts.tenant.name.clone()),
        ] {
            manifest.details.insert(name.to_owned(), value.into());
        }
        let mut writer = Writer::create(output, &manifest, &Protection::None)?;
        let json = serde_json::to_vec(&facts)
            .map_err(|_| Error::NotAWorkspace { reason: "its facts cannot be written" })?;
        let head = FileHead { path: FACTS.to_owned(), mode: PRIVATE_FILE, length: json.len() as u64 };
        writer.file(&head, &mut json.as_slice())?;
        // Whoever reads may be slow: no snapshot is held meanwhile.
        let folder = self.store.directory().path();
        let (rows, blobs) =
            keyspace.read(|tx| Ok::<_, Error>((self.rows(tx, folder)?, files::referenced(tx)?)))?;
        writer.keyspace(rows)?;
        for hash in blobs {
            write_blob(&mut writer, keyspace, hash)?;
        }
        writer.keyspace(system.read(|tx| trail(tx, id, folder))?)?;
        let (mut output, _) = writer.finish()?;
        output.flush().map_err(|_| Error::NotAWorkspace { reason: "nobody reads it" })
    }

    /// The rows of the tables that go along.
    fn rows(&self, tx: &ReadTx, folder: &Path) -> Result<Rows, Error> {
        let mut rows = Rows::new(KEYSPACE, tx.schema_version()?, None, folder)?;
        tx.each_row(
            |table, key, value| {
                if self.leaves_out(table) { Ok(()) } else { rows.row(table, key, value) }
            },
        )?;
        Ok(rows)
    }
}

fn write_blob(writer: &mut Writer<Output<'_>>, keyspace: &Keyspace, hash: BlobHash) -> Result<(), Error> {
    let (mut file, length) = files::open_unchecked(keyspace, hash)?;
    let head = FileHead { path: hash.place(), mode: PRIVATE_FILE, length };
    Ok(writer.file(&head, &mut file)?)
}

fn facts(tx: &ReadTx, id: TenantId) -> Result<Facts, Error> {
    let tenant = super::load(tx, id)?.ok_or(Error::NotFound)?;
    let members = membership::people(tx, id)?.into_iter().map(|(account, role)| Member {
        email: account.email.as_str().to_owned(),
        name: account.name,
        role,
    });
    let (members, roles) = (members.collect(), custom_role::carry(tx, id)?);
    let (mfa_required, quotas) = (tenant_roll::requires_mfa(tx, id)?, quotas::own(tx, id)?);
    Ok(Facts { tenant, mfa_required, quotas, roles, members })
}

/// What the appliance's trail tells of the tenant.
fn trail(tx: &ReadTx, id: TenantId, folder: &Path) -> Result<Rows, Error> {
    let mut rows = Rows::new(TRAIL, tx.schema_version()?, None, folder)?;
    audit::each_of_tenant(tx, id, |sequence, entry| {
        rows.row(TRAIL_TABLE, &sequence.to_bytes(), entry).map_err(Error::from)
    })?;
    Ok(rows)
}

/// Hands pieces to whoever reads the file.
struct Output<'s> {
    sender: &'s mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
