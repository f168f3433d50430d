//! Trails as a file that can be taken elsewhere and verified there: one line of JSON for each entry, exactly as it is
//! stored, with the hash before it and its own.
//!
//! The last line of a trail says where it ends and whether another follows, so that a file that was cut short is found out. What a workspace's file
//! holds of the appliance's trail are the entries about that workspace: each can be verified and their number is known, but
//! between them are entries about others. Lines are made from one end to the other in pieces, so a trail of any length is
//! exported in the same memory.

use serde::de::IgnoredAny;

use super::chain::following;
use super::list::TrailKind;
use super::trail::{BY_TENANT, Link, Trail};
use super::{Action, Head, Note, record};
use crate::base::{Call, TenantId};
use crate::identity::pass::{ManageAppliance, ReadAudit};
use crate::identity::{Error, Pass};
use crate::store::{Key as _, Read, Scan, WriteTx};

const PIECE_ROWS: usize = 500;
const NOTHING: [u8; 32] = [0; 32];

/// Writes down that the appliance's trail is taken out, as everything that leaves is.
///
/// # Errors
/// When the store fails.
pub fn note_export_of_appliance(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _: Pass<ManageAppliance>,
) -> Result<(), Error> {
    Ok(record(tx, call, Note::new(Action::AuditExported))?)
}

/// Writes down, in the workspace's own keyspace, that its trail is taken out.
///
/// # Errors
/// When the store fails.
pub fn note_export_of_workspace(tx: &mut WriteTx<'_>, call: &Call, _: Pass<ReadAudit>) -> Result<(), Error> {
    Ok(record(tx, call, Note::new(Action::AuditExported))?)
}

/// One trail on its way out, piece by piece.
#[derive(Debug, Clone)]
pub struct Export {
    kind: TrailKind,
    about: Option<TenantId>,
    after: Option<u64>,
    written: u64,
    last: Head,
    more: bool,
    ended: bool,
}

impl Export {
    /// The whole trail of a keyspace: the system's is the appliance's.
    #[must_use]
    pub fn whole(kind: TrailKind) -> Self {
        let (written, last) = (0, Head::default());
        Self { kind, about: None, after: None, written, last, more: false, ended: false }
    }

    /// The same, with another trail after it in the file.
    #[must_use]
    pub fn with_more(self) -> Self {
        Self { more: true, ..self }
    }

    /// What the appliance's trail tells of the pass's workspace.
    ///
    /// # Errors
    /// [`Error::WorkspaceNotChosen`].
    pub fn about(pass: Pass<ReadAudit>) -> Result<Self, Error> {
        Ok(Self { about: Some(pass.workspace()?), ..Self::whole(TrailKind::Appliance) })
    }

    /// The next lines, and how it goes on after them; nothing once everything is written.
    ///
    /// # Errors
    /// When the store fails, or a row is damaged so far that it cannot be written out.
    pub fn next_piece(mut self, tx: &impl Read) -> Result<Option<(Vec<u8>, Self)>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut lines = Vec::new();
        let sequences = self.following(tx)?;
        for sequence in &sequences {
            let Some(link) = tx.get::<Trail>(sequence)? else { continue };
            self.write(tx, *sequence, &link, &mut lines)?;
        }
        if sequences.is_empty() {
            self.write_end(tx, &mut lines)?;
            self.ended = true;
        }
        Ok(Some((lines, self)))
    }

    fn following(&self, tx: &impl Read) -> Result<Vec<u64>, Error> {
        let Some(tenant) = self.about else { return Ok(following(tx, self.after)?) };
        let from = self.after.map_or(0, |after| after.saturating_add(1));
        let rows = Scan::between(&(tenant, from), &(tenant, u64::MAX), PIECE_ROWS);
        let pairs = BY_TENANT.keys(tx, &rows)?;
        Ok(pairs.iter().filter_map(|(_, key)| u64::from_bytes(key)).collect())
    }

    fn write(
        &mut self,
        tx: &impl Read,
        sequence: u64,
        link: &Link,
        lines: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let before = if self.last.sequence.saturating_add(1) == sequence {
            self.last.hash
        } else {
            let before = sequence.checked_sub(1).filter(|before| *before > 0);
            let before = before.map(|before| tx.get::<Trail>(&before)).transpose()?.flatten();
            before.map_or(NOTHING, |link| link.hash)
        };
        lines.extend_from_slice(br#"{"entry":"#);
        lines.extend(entry_json(&link.entry));
        let (before, hash) = (hex(&before), hex(&link.hash));
        self.written = self.written.saturating_add(1);
        let extract =
            if self.about.is_some() { format!(r#","extract":{}"#, self.written) } else { String::new() };
        let rest =
            format!(r#","before":"{before}","hash":"{hash}","trail":"{}"{extract}}}"#, self.kind.name());
        lines.extend_from_slice(rest.as_bytes());
        lines.push(b'\n');
        self.after = Some(sequence);
        self.last = Head { sequence, hash: link.hash };
        Ok(())
    }

    fn write_end(&self, tx: &impl Read, lines: &mut Vec<u8>) -> Result<(), Error> {
        // Of a part, the end is where the part ends; of a whole trail it is what the trail itself says.
        let end = if self.about.is_some() { self.last } else { super::head(tx)? };
        let (trail, entries, hash) = (self.kind.name(), self.written, hex(&end.hash));
        let (sequence, more) = (end.sequence, self.more);
        let line = format!(
            r#"{{"end":{{"trail":"{trail}","entries":{entries},"sequence":{sequence},"hash":"{hash}","more":{more}}}}}"#
        );
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
        Ok(())
    }
}

/// The stored bytes where they are one line of JSON, which they are unless somebody else has written them.
fn entry_json(bytes: &[u8]) -> Vec<u8> {
    if !bytes.contains(&b'\n') && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return bytes.to_vec();
    }
    serde_json::to_vec(&String::from_utf8_lossy(bytes)).unwrap_or_else(|_| b"null".to_vec())
}

/// 64 hexadecimal digits.
pub(super) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The inverse of [`hex`].
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
