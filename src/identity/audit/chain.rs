//! Whether a trail is whole: one link after the other, in constant memory.

use serde::{Deserialize, Serialize};

use super::trail::{BY_TENANT, Link, Trail, hash};
use super::{Entry, Head};
use crate::identity::Error;
use crate::store::{self, Key as _, Read, Scan};

const CHUNK_ROWS: usize = 500;

/// What is wrong with a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// The entry is not what was written, or the one before it is not.
    Changed,
    /// The entry is gone, and there are later ones.
    Missing,
    /// The entry stands where none was written.
    Added,
    /// The entry and all after it are gone.
    CutOff,
    /// The entry is there, and is kept from the list of its workspace.
    Hidden,
}

/// The first link of a trail that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Broken {
    /// The place of the entry.
    pub sequence: u64,
    /// What is wrong there.
    pub what: Breach,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sequence = self.sequence;
        match self.what {
            Breach::Changed => {
                write!(
                    f,
                    "entry {sequence} was changed, or the one before it: it does not follow from what stands before"
                )
            }
            Breach::Missing => write!(f, "entry {sequence} is missing"),
            Breach::Added => write!(f, "entry {sequence} was added: the trail ends, or begins, elsewhere"),
            Breach::CutOff => {
                write!(f, "the trail was cut off: entry {sequence} and what came after it are missing")
            }
            Breach::Hidden => write!(f, "entry {sequence} is kept from the list of its workspace"),
        }
    }
}

/// What the verification of a trail has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Entries that hold, up to the first that does not.
    pub entries: u64,
    /// Where the trail says that it ends.
    pub head: Head,
    /// The first link that does not hold; nothing when the trail is whole.
    pub broken: Option<Broken>,
}

/// The links that were looked at, and what the next one must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chain {
    /// The place and the hash of the last that holds.
    pub(super) last: Head,
}

impl Chain {
    /// Takes the next link on.
    ///
    /// # Errors
    /// The breach, and then nothing is taken on.
    pub(super) fn take(&mut self, sequence: u64, entry: &[u8], claimed: &[u8; 32]) -> Result<(), Broken> {
        let due = self.last.sequence.saturating_add(1);
        if sequence != due {
            let what = if sequence > due { Breach::Missing } else { Breach::Added };
            return Err(Broken { sequence: due.min(sequence), what });
        }
        if hash(&self.last.hash, entry) != *claimed {
            return Err(Broken { sequence, what: Breach::Changed });
        }
        self.last = Head { sequence, hash: *claimed };
        Ok(())
    }

    /// Holds the end against what was noted of it.
    pub(super) fn end(&self, head: &Head) -> Option<Broken> {
        let Head { sequence, hash } = self.last;
        if head.sequence > sequence {
            return Some(Broken { sequence: sequence.saturating_add(1), what: Breach::CutOff });
        }
        if head.sequence < sequence {
            return Some(Broken { sequence: head.sequence.saturating_add(1), what: Breach::Added });
        }
        (head.hash != hash).then_some(Broken { sequence, what: Breach::Changed })
    }
}

/// Verifies the trail of a keyspace, from its first entry to its last.
///
/// # Errors
/// When the store fails. A damaged row is a breach and no error.
pub fn verify(tx: &impl Read) -> Result<Verified, Error> {
    let head = super::head(tx)?;
    let mut chain = Chain::default();
    let mut after = None;
    loop {
        let keys = match following(tx, after) {
            Err(store::Error::Damaged { .. }) => {
                let sequence = chain.last.sequence.saturating_add(1);
                return Ok(found(&chain, head, Some(Broken { sequence, what: Breach::Added })));
            }
            other => other?,
        };
        let Some(last) = keys.last() else { return Ok(found(&chain, head, chain.end(&head))) };
        after = Some(*last);
        for sequence in keys {
            if let Err(broken) = one(tx, &mut chain, sequence)? {
                return Ok(found(&chain, head, Some(broken)));
            }
        }
    }
}

fn found(chain: &Chain, head: Head, broken: Option<Broken>) -> Verified {
    Verified { entries: chain.last.sequence, head, broken }
}

/// The places of the next entries.
pub(super) fn following(tx: &impl Read, after: Option<u64>) -> Result<Vec<u64>, store::Error> {
    let scan = Scan::all(CHUNK_ROWS);
    tx.keys::<Trail>(&match after {
        Some(after) => scan.after(&after),
        None => scan,
    })
}

fn one(tx: &impl Read, chain: &mut Chain, sequence: u64) -> Result<Result<(), Broken>, Error> {
    let changed = Broken { sequence, what: Breach::Changed };
    let link: Link = match tx.get::<Trail>(&sequence) {
        Ok(Some(link)) => link,
        Ok(None) | Err(store::Error::Damaged { .. }) => return Ok(Err(changed)),
        Err(error) => return Err(error.into()),
    };
    if let Err(broken) = chain.take(sequence, &link.entry, &link.hash) {
        return Ok(Err(broken));
    }
    let entry = serde_json::from_slice::<Entry>(&link.entry).ok();
    let Some(entry) = entry.filter(|entry| entry.sequence == sequence && entry.tenant == link.tenant) else {
        return Ok(Err(changed));
    };
    if let Some(tenant) = entry.tenant {
        let only = Scan::prefix(&(tenant, sequence), 1);
        let listed = BY_TENANT.keys(tx, &only)?;
        if !listed.iter().any(|(_, key)| u64::from_bytes(key) == Some(sequence)) {
            return Ok(Err(Broken { sequence, what: Breach::Hidden }));
        }
    }
    Ok(Ok(()))
}
