//! The truth that the indexes are made from: groups of passages, and their vectors.
//!
//! A passage's number is its group's number and its place in the group, so that everything of a group is one range of keys,
//! and one entry of the index log says all that there is to say about a group.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::spaces::{self, serving_space};
use super::{Error, vector_in};
use crate::base::DocumentId;
use crate::store::{self, Index, Read, Scan, WriteTx, index_log, tables};

/// Bits of a passage's number that say its place in the group.
const PLACE_BITS: u32 = 24;
/// The most passages of one group.
pub const PASSAGES_MAX: u32 = (1 << PLACE_BITS) - 1;
const SEQUENCE: &str = "search.group";
/// Groups hidden at any moment, at most: those being swapped or cleared.
pub(super) const HIDDEN_MAX: usize = 100_000;

/// Passages that are shown and withdrawn together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Whose they are.
    pub owner: DocumentId,
    /// What they come from is called; its words count in the keyword index.
    pub title: String,
    /// The language as an ISO 639 code, when it is clear.
    pub language: Option<String>,
    /// How many they are.
    pub passages: u32,
    /// The embedding model that served when they were prepared.
    pub model: String,
}

/// One passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// The headings it stands under, outermost first.
    pub headings: Vec<String>,
    /// Its text.
    pub text: String,
    /// 32 bytes; passages with the same have the same vector.
    pub hash: Bytes,
}

pub(super) static BY_HASH: Index<Passages, [u8; 32]> =
    Index::many("search.passage.by_hash", |_, passage: &Passage| passage.hash.as_ref().try_into().ok());

tables! {
    /// Groups that the indexes hold or are about to, by number.
    pub(super) Groups = "search.group": u64 => Group;
    /// Their passages, by number.
    pub(super) Passages = "search.passage": u64 => Passage, [BY_HASH];
    /// Groups that no search may find though the indexes may hold them.
    pub(super) Hidden = "search.hidden": u64 => ();
}

/// What the indexes read in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IndexChange {
    /// The passages of this group are complete.
    Add { group: u64 },
    /// They are to be taken out.
    Remove { group: u64, passages: u32 },
}

/// The number of the passage at `place` of `group`.
#[must_use]
pub fn number(group: u64, place: u32) -> u64 {
    (group << PLACE_BITS) | u64::from(place.min(PASSAGES_MAX))
}

/// The group of a passage.
#[must_use]
pub fn group_of(chunk: u64) -> u64 {
    chunk >> PLACE_BITS
}

/// The passages of `group` from `place` on, at most `rows_max`.
pub(super) fn range(group: u64, place: u32, rows_max: usize) -> Scan {
    Scan::between(&number(group, place), &number(group, PASSAGES_MAX), rows_max)
}

/// The number of a new group.
///
/// # Errors
/// When the engine fails.
pub fn begin(tx: &mut WriteTx<'_>) -> Result<u64, store::Error> {
    tx.next_number(SEQUENCE)
}

/// Adds the passage at `place` of a group that is not prepared yet, with its vector, which is of a model that
/// [`spaces::accepts`] has let in. One without a vector is found by its words only.
///
/// # Errors
/// [`Error::TooManyPassages`], or when the engine fails.
pub fn add(
    tx: &mut WriteTx<'_>,
    group: u64,
    place: u32,
    passage: &Passage,
    vector: Option<&[f32]>,
) -> Result<u64, Error> {
    if place >= PASSAGES_MAX {
        return Err(Error::TooManyPassages);
    }
    let chunk = number(group, place);
    tx.put::<Passages>(&chunk, passage)?;
    if vector.is_none() && !passage.text.trim().is_empty() {
        spaces::note_gap(tx)?;
    }
    if let Some(vector) = vector {
        vector_in::put(tx, serving_space(tx)?.half, chunk, vector)?;
    }
    Ok(chunk)
}

/// Everything of the group is there: the indexes may take it in. Nobody can find it until [`show`].
///
/// # Errors
/// When the engine fails.
pub fn prepare(tx: &mut WriteTx<'_>, number: u64, group: &Group) -> Result<(), store::Error> {
    tx.put::<Groups>(&number, group)?;
    tx.put::<Hidden>(&number, &())?;
    spaces::prepared(tx, number)?;
    index_log::append(tx, &IndexChange::Add { group: number }).map(drop)
}

/// Lets searches find a group that is prepared and that the indexes have taken in.
///
/// # Errors
/// When the engine fails.
pub fn show(tx: &mut WriteTx<'_>, group: u64) -> Result<(), store::Error> {
    tx.remove::<Hidden>(&group).map(drop)
}

/// Takes a group, prepared or shown or only begun, from everybody's sight. Its rows stay for [`clear`].
///
/// # Errors
/// When the engine fails.
pub fn withdraw(tx: &mut WriteTx<'_>, number: u64) -> Result<(), store::Error> {
    let Some(group) = tx.get::<Groups>(&number)? else { return Ok(()) };
    tx.put::<Hidden>(&number, &())?;
    tx.remove::<Groups>(&number)?;
    let change = IndexChange::Remove { group: number, passages: group.passages };
    index_log::append(tx, &change).map(drop)
}

/// Removes up to `rows_max` passages of a group that was withdrawn; how many there were. None left means 0.
///
/// # Errors
/// When the engine fails.
pub fn clear(tx: &mut WriteTx<'_>, group: u64, rows_max: usize) -> Result<usize, store::Error> {
    let chunks = tx.keys::<Passages>(&range(group, 0, rows_max))?;
    for chunk in &chunks {
        tx.remove::<Passages>(chunk)?;
        vector_in::remove(tx, *chunk)?;
    }
    Ok(chunks.len())
}

/// The group has been cleared and has left the indexes: nothing need hide it any more.
///
/// # Errors
/// When the engine fails.
pub fn forget(tx: &mut WriteTx<'_>, group: u64) -> Result<(), store::Error> {
    tx.remove::<Hidden>(&group).map(drop)
}

/// A group that was prepared and not withdrawn.
///
/// # Errors
/// When the engine fails.
pub fn group(tx: &impl Read, number: u64) -> Result<Option<Group>, store::Error> {
    tx.get::<Groups>(&number)
}

/// A passage by its number.
///
/// # Errors
/// When the engine fails.
pub fn passage(tx: &impl Read, chunk: u64) -> Result<Option<Passage>, store::Error> {
    tx.get::<Passages>(&chunk)
}

/// The vector that the model that serves has given any passage with this hash, so that the same text is never embedded twice.
///
/// # Errors
/// When the engine fails.
pub fn vector_of_text(tx: &impl Read, hash: &[u8; 32]) -> Result<Option<Vec<f32>>, store::Error> {
    vector_in::of_text(tx, serving_space(tx)?.half, hash)
}
