//! Reading the rows into the indexes: on from a position in the log, or everything.
//!
//! Each entry is safe to apply again. The keyword index commits its position with its rows; a commit in the middle of an
//! entry carries the position before it.

use std::sync::atomic::Ordering;

use super::attached::Indexes;
use super::rows::{Group, Groups, IndexChange, Passages, group_of, number, range};
use super::spaces::Half;
use super::vector_in::{self, numbers};
use super::{Error, Passage};
use crate::search::keywords::{Change, Entry, KeywordIndex, Language};
use crate::search::vectors::VectorIndex;
use crate::store::{Read, ReadTx, Scan, index_log};

/// Entries read at a time.
const ENTRIES_MAX: usize = 256;
/// Passages read at a time.
const PASSAGES_AT_A_TIME: usize = 256;
/// Changes in one commit of the keyword index.
const COMMIT_CHANGES: usize = 2_048;

/// A change whose words are held here.
enum Held {
    Put { chunk: u64, group: std::sync::Arc<Group>, passage: Passage },
    Remove { group: u64 },
}

/// Gathers changes of the keyword index into commits of a good size.
struct Batch<'i> {
    index: &'i KeywordIndex,
    changes: Vec<Held>,
    /// The entry up to which everything has been gathered.
    position: u64,
}

impl Batch<'_> {
    fn add_group(&mut self, tx: &ReadTx, number: u64, group: Group) -> Result<(), Error> {
        let group = std::sync::Arc::new(group);
        let mut scan = range(number, 0, PASSAGES_AT_A_TIME);
        loop {
            let rows = tx.scan::<Passages>(&scan)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            scan = scan.after(last);
            let group = &group;
            self.changes.extend(rows.into_iter().map(|(chunk, passage)| Held::Put {
                chunk,
                group: group.clone(),
                passage,
            }));
            if self.changes.len() >= COMMIT_CHANGES {
                self.commit()?;
            }
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        let changes: Vec<Change<'_>> = self
            .changes
            .iter()
            .map(|change| match change {
                Held::Put { chunk, group, passage } => Change::Put(Entry {
                    chunk: *chunk,
                    document: u128::from(group_of(*chunk)),
                    language: group.language.as_deref().map_or_else(Language::default, Language::from_code),
                    title: &group.title,
                    headings: &passage.headings,
                    body: &passage.text,
                }),
                Held::Remove { group } => Change::RemoveDocument(u128::from(*group)),
            })
            .collect();
        self.index.apply(&changes, self.position)?;
        self.changes.clear();
        Ok(())
    }
}

/// Reads the log on into the keyword index.
pub(super) fn keywords(tx: &ReadTx, index: &KeywordIndex) -> Result<(), Error> {
    let position = index.position()?.unwrap_or(0);
    let mut batch = Batch { index, changes: Vec::new(), position };
    loop {
        let entries = index_log::read::<IndexChange>(tx, batch.position, ENTRIES_MAX)?;
        if entries.is_empty() {
            break;
        }
        for (entry, change) in entries {
            match change {
                IndexChange::Add { group } => {
                    // One that was withdrawn since has an entry of its own further on.
                    if let Some(row) = tx.get::<Groups>(&group)? {
                        batch.add_group(tx, group, row)?;
                    }
                }
                IndexChange::Remove { group, .. } => batch.changes.push(Held::Remove { group }),
            }
            batch.position = entry;
        }
    }
    if batch.position > position { batch.commit() } else { Ok(()) }
}

/// Reads every row into an empty keyword index.
pub(super) fn all_keywords(tx: &ReadTx, index: &KeywordIndex) -> Result<(), Error> {
    // Until the last commit the position is 0, from which nobody reads on once the log is trimmed.
    let mut batch = Batch { index, changes: Vec::new(), position: 0 };
    each_group(tx, |number, group| batch.add_group(tx, number, group))?;
    batch.position = index_log::last(tx)?;
    batch.commit()
}

/// Reads the log on into the vector index.
pub(super) fn vectors(tx: &ReadTx, indexes: &Indexes) -> Result<(), Error> {
    let mut position = indexes.vectors_position.load(Ordering::SeqCst);
    loop {
        let entries = index_log::read::<IndexChange>(tx, position, ENTRIES_MAX)?;
        if entries.is_empty() {
            return Ok(());
        }
        for (entry, change) in entries {
            let changed = match change {
                // One that was withdrawn since has an entry of its own further on.
                IndexChange::Add { group } if tx.get::<Groups>(&group)?.is_none() => 0,
                IndexChange::Add { group } => add_vectors(tx, &indexes.vectors, indexes.space.half, group)?,
                IndexChange::Remove { group, passages } => {
                    (0..passages).filter(|place| indexes.vectors.remove(number(group, *place))).count()
                }
            };
            position = entry;
            indexes.unsaved.fetch_add(changed as u64, Ordering::Relaxed);
            indexes.vectors_position.store(position, Ordering::SeqCst);
        }
    }
}

/// Reads every row into an empty vector index; the position it then holds up to.
pub(super) fn all_vectors(tx: &ReadTx, index: &VectorIndex, half: Half) -> Result<u64, Error> {
    each_group(tx, |number, _| add_vectors(tx, index, half, number).map(drop))?;
    Ok(index_log::last(tx)?)
}

fn add_vectors(tx: &ReadTx, index: &VectorIndex, half: Half, number: u64) -> Result<usize, Error> {
    let mut scan = range(number, 0, PASSAGES_AT_A_TIME);
    let mut added = 0;
    loop {
        let rows = vector_in::scan(tx, half, &scan)?;
        let Some((last, _)) = rows.last() else { return Ok(added) };
        scan = scan.after(last);
        for (chunk, bytes) in rows {
            index.add(chunk, &numbers(&bytes))?;
            added += 1;
        }
    }
}

fn each_group(tx: &ReadTx, mut visit: impl FnMut(u64, Group) -> Result<(), Error>) -> Result<(), Error> {
    let mut scan = Scan::all(ENTRIES_MAX);
    loop {
        let rows = tx.scan::<Groups>(&scan)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        scan = scan.after(last);
        rows.into_iter().try_for_each(|(number, group)| visit(number, group))?;
    }
}
