//! Opening the indexes of a tenant, or building them anew where their files cannot be used.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::RwLock;

use super::attached::{Indexes, TenantIndex};
use super::spaces::{Space, serving_space};
use super::{Error, catch_up, unrelated};
use crate::search::keywords::{self, KeywordIndex};
use crate::search::vectors::{self, VectorIndex};
use crate::store::{Keyspace, Read, ReadTx, index_log};

/// Deletes the files of an index.
pub(super) fn discard(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::Remove(Arc::new(error))),
        _ => Ok(()),
    }
}

pub(super) fn open(index: &TenantIndex, keyspace: &Keyspace) -> Result<Indexes, Error> {
    keyspace.read(|tx| {
        let keywords = Arc::new(open_keywords(tx, &index.keywords_folder())?);
        let indexes = open_serving(tx, index, keywords)?;
        catch_up::keywords(tx, &indexes.keywords)?;
        catch_up::vectors(tx, &indexes)?;
        Ok(indexes)
    })
}

/// The vectors that serve, from their snapshot or the rows, beside a keyword index that is open.
pub(super) fn open_serving(
    tx: &ReadTx,
    index: &TenantIndex,
    keywords: Arc<KeywordIndex>,
) -> Result<Indexes, Error> {
    let space = serving_space(tx)?;
    let (vectors, position, saved) = open_vectors(tx, &index.vectors_folder(), &space)?;
    let unsaved = if position == saved { 0 } else { vectors.len() as u64 };
    Ok(Indexes {
        keywords,
        calibration: RwLock::new(unrelated::calibration(tx, &space)?),
        space,
        vectors,
        vectors_position: AtomicU64::new(position),
        saved_position: AtomicU64::new(saved),
        unsaved: AtomicU64::new(unsaved),
        before: None,
    })
}

/// An index of the rows of a space, and the position that it holds up to.
pub(super) fn built(tx: &ReadTx, space: &Space) -> Result<(VectorIndex, u64), Error> {
    let index = VectorIndex::new(space.model.dimensions, &space.model.id, vectors::Settings::default());
    let position = catch_up::all_vectors(tx, &index, space.half)?;
    Ok((index, position))
}

/// Whether the log still tells everything that came after `position`.
fn can_read_on(tx: &impl Read, position: u64) -> Result<bool, Error> {
    let last = index_log::last(tx)?;
    Ok(match index_log::first(tx)? {
        Some(first) => position <= last && position.saturating_add(1) >= first,
        None => position == last,
    })
}

fn open_keywords(tx: &ReadTx, folder: &Path) -> Result<KeywordIndex, Error> {
    match KeywordIndex::open(folder) {
        Ok(index) => match index.position() {
            Ok(Some(position)) if can_read_on(tx, position)? => return Ok(index),
            // Empty and never committed: there is nothing to read on from, and nothing to delete.
            Ok(None) if index.chunks() == 0 => return fill_keywords(tx, index),
            Ok(position) => tracing::info!(
                ?position,
                "the keyword index is built anew: the log does not reach back to it"
            ),
            Err(error) => tracing::warn!(?error, "the keyword index is built anew"),
        },
        Err(error @ keywords::Error::Unusable { .. }) => {
            tracing::warn!(?error, "the keyword index is built anew");
        }
        Err(other) => return Err(other.into()),
    }
    discard(folder)?;
    fill_keywords(tx, KeywordIndex::open(folder)?)
}

fn fill_keywords(tx: &ReadTx, index: KeywordIndex) -> Result<KeywordIndex, Error> {
    catch_up::all_keywords(tx, &index)?;
    Ok(index)
}

/// The index, the position it holds up to, and that of the snapshot on disk.
fn open_vectors(tx: &ReadTx, folder: &Path, space: &Space) -> Result<(VectorIndex, u64, u64), Error> {
    let settings = vectors::Settings::default();
    match VectorIndex::load(folder, space.model.dimensions, &space.model.id, settings) {
        Ok((index, position)) if can_read_on(tx, position)? => return Ok((index, position, position)),
        Ok((_, position)) => {
            tracing::info!(position, "the vector index is built anew: the log does not reach back to it");
        }
        Err(vectors::Error::SnapshotMissing) => {}
        Err(vectors::Error::SnapshotOfAnotherModel { model, .. }) => {
            tracing::info!(before = model, now = %space.model.id, "the vector index is built for another model");
        }
        Err(error) => tracing::warn!(?error, "the vector index is built anew"),
    }
    discard(folder)?;
    let (index, position) = built(tx, space)?;
    Ok((index, position, 0))
}
