//! What a keyspace carries while it is open: its indexes, opened when first needed.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::spaces::{self, Space};
use super::{Error, catch_up, open, unrelated};
use crate::search::fusion::Calibration;
use crate::search::keywords::KeywordIndex;
use crate::search::vectors::VectorIndex;
use crate::store::{self, Keyspace, WriteTx, index_log};

/// The snapshot of the vectors is written when at least so many of them have changed since the last,
const SAVE_AFTER_CHANGES: u64 = 4_096;
/// and at least this share of all of them, one in so many.
const SAVE_AFTER_SHARE: u64 = 4;
/// Entries of the log trimmed in one change.
const TRIMMED_ENTRIES_MAX: usize = 1_000;

/// The model whose vectors the index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingModel {
    /// Its name with its version.
    pub id: Arc<str>,
    /// Numbers of a vector.
    pub dimensions: usize,
}

/// Both indexes, open, and how far each has read.
pub(super) struct Indexes {
    pub(super) keywords: Arc<KeywordIndex>,
    /// Whose vectors these are.
    pub(super) space: Space,
    pub(super) vectors: VectorIndex,
    /// What a cosine of them means.
    pub(super) calibration: RwLock<Calibration>,
    /// Entry of the log up to which the vectors are current.
    pub(super) vectors_position: AtomicU64,
    /// The same for the snapshot on disk.
    pub(super) saved_position: AtomicU64,
    /// Vectors changed since the snapshot.
    pub(super) unsaved: AtomicU64,
    /// The vectors that served before, for questions that were embedded while they did.
    pub(super) before: Option<(Space, VectorIndex)>,
}

/// The indexes of one tenant. Everything blocks; callers are on a blocking thread.
pub struct TenantIndex {
    folder: PathBuf,
    current: RwLock<Option<Arc<Indexes>>>,
    /// One opens, catches up or maintains at a time. Searches do not take it once the indexes are open.
    turn: Mutex<()>,
    /// Whether the change to another model has been set going since this was opened.
    change_planned: AtomicBool,
}

impl std::fmt::Debug for TenantIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantIndex({})", self.folder.display())
    }
}

impl TenantIndex {
    /// The indexes of an open keyspace. Cheap: files are opened when they are first needed.
    #[must_use]
    pub fn of(keyspace: &Keyspace) -> Arc<Self> {
        let attached = keyspace.attachment(|| {
            let folder = keyspace.folder().to_path_buf();
            Ok::<_, Infallible>(Self {
                folder,
                current: RwLock::default(),
                turn: Mutex::default(),
                change_planned: AtomicBool::new(false),
            })
        });
        match attached {
            Ok(attached) => attached,
            Err(never) => match never {},
        }
    }

    pub(super) fn keywords_folder(&self) -> PathBuf {
        self.folder.join("keywords")
    }

    pub(super) fn vectors_folder(&self) -> PathBuf {
        self.folder.join("vectors")
    }

    /// The model whose vectors serve: what a question is to be embedded with.
    ///
    /// # Errors
    /// When the store fails.
    pub fn model(&self, keyspace: &Keyspace) -> Result<EmbeddingModel, Error> {
        if let Some(indexes) = self.current.read().as_ref() {
            return Ok(indexes.space.model.clone());
        }
        Ok(keyspace.read(spaces::serving_space)?.model)
    }

    /// Whether the change to another model has been set going; once this was asked, it is taken to be until `false` is noted.
    pub fn plans_change(&self) -> bool {
        self.change_planned.swap(true, Ordering::SeqCst)
    }

    /// The change is through, or must be set going anew.
    pub fn change_ended(&self) {
        self.change_planned.store(false, Ordering::SeqCst);
    }

    /// The open indexes, which hold at least all that was shown when they were opened.
    pub(super) fn indexes(&self, keyspace: &Keyspace) -> Result<Arc<Indexes>, Error> {
        if let Some(indexes) = self.current.read().as_ref() {
            return Ok(indexes.clone());
        }
        let _turn = self.turn.lock();
        self.opened(keyspace)
    }

    /// To be called with the turn.
    fn opened(&self, keyspace: &Keyspace) -> Result<Arc<Indexes>, Error> {
        if let Some(indexes) = self.current.read().as_ref() {
            return Ok(indexes.clone());
        }
        let indexes = Arc::new(open::open(self, keyspace)?);
        *self.current.write() = Some(indexes.clone());
        Ok(indexes)
    }

    /// Runs `work` with the open indexes; should a file turn out to be damaged, once more with indexes built anew.
    pub(super) fn with_indexes<T>(
        &self,
        keyspace: &Keyspace,
        work: impl Fn(&Arc<Indexes>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let indexes = self.indexes(keyspace)?;
        match work(&indexes) {
            Err(error) if error.is_damage() => {
                tracing::warn!(?keyspace, ?error, "an index is damaged and is built anew");
                {
                    let mut current = self.current.write();
                    if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &indexes)) {
                        *current = None;
                    }
                }
                drop(indexes);
                open::discard(&self.keywords_folder())?;
                work(&self.indexes(keyspace)?)
            }
            other => other,
        }
    }

    /// Takes in everything that was committed before the call. Returns the entry of the log up to which both are current.
    ///
    /// # Errors
    /// When the store or an index fails; what was taken in stays.
    pub fn catch_up(&self, keyspace: &Keyspace) -> Result<u64, Error> {
        self.with_indexes(keyspace, |_| {
            let _turn = self.turn.lock();
            // Another model may have begun to serve while this waited for its turn.
            let indexes = &self.opened(keyspace)?;
            let indexes = &self.following(keyspace, indexes)?;
            keyspace.read(|tx| {
                catch_up::keywords(tx, &indexes.keywords)?;
                catch_up::vectors(tx, indexes)
            })?;
            let unsaved = indexes.unsaved.load(Ordering::Relaxed);
            if unsaved >= SAVE_AFTER_CHANGES && unsaved >= indexes.vectors.len() as u64 / SAVE_AFTER_SHARE {
                self.save(indexes)?;
            }
            Ok(indexes.vectors_position.load(Ordering::SeqCst))
        })
    }

    /// The same indexes, unless the rows say that another space serves. To be called with the turn.
    fn following(&self, keyspace: &Keyspace, indexes: &Arc<Indexes>) -> Result<Arc<Indexes>, Error> {
        let opened = keyspace.read(|tx| {
            if spaces::serving_space(tx)? == indexes.space {
                return Ok::<_, Error>(None);
            }
            open::open_serving(tx, self, indexes.keywords.clone()).map(Some)
        })?;
        let Some(opened) = opened.map(Arc::new) else { return Ok(indexes.clone()) };
        *self.current.write() = Some(opened.clone());
        Ok(opened)
    }

    /// Lets the vectors of `model` serve if all are there; whether they do. Questions go on being answered meanwhile: with the vectors
    /// before until the row is committed, then with the new ones, which are in memory by then.
    ///
    /// # Errors
    /// When the store or an index fails; what served goes on serving.
    pub fn switch(&self, keyspace: &Keyspace, model: &str) -> Result<bool, Error> {
        self.indexes(keyspace)?;
        let _turn = self.turn.lock();
        let indexes = self.opened(keyspace)?;
        let built = keyspace.read(|tx| {
            let Some(space) = spaces::complete(tx, model)? else { return Ok::<_, Error>(None) };
            let (vectors, position) = open::built(tx, &space)?;
            let calibration = unrelated::calibration(tx, &space)?;
            Ok(Some((space, vectors, position, calibration)))
        })?;
        let Some((space, vectors, position, calibration)) = built else { return Ok(false) };
        if space.model == indexes.space.model {
            // The snapshot is of the same model and lacks what was filled in: after a crash nobody may take it for whole.
            open::discard(&self.vectors_folder())?;
        }
        let wanted = model.to_owned();
        if !keyspace.write_blocking::<_, Error>(move |tx| spaces::switch(tx, &wanted))? {
            return Ok(false);
        }
        let unsaved = AtomicU64::new(vectors.len() as u64);
        *self.current.write() = Some(Arc::new(Indexes {
            keywords: indexes.keywords.clone(),
            space,
            vectors,
            calibration: RwLock::new(calibration),
            vectors_position: AtomicU64::new(position),
            saved_position: AtomicU64::new(0),
            unsaved,
            before: Some((indexes.space.clone(), indexes.vectors.clone())),
        }));
        Ok(true)
    }

    /// Lets go of the vectors that served before, whose rows are about to be removed.
    pub fn forget_before(&self) {
        let _turn = self.turn.lock();
        let mut current = self.current.write();
        let Some(indexes) = current.as_ref().filter(|indexes| indexes.before.is_some()) else { return };
        let load = |number: &AtomicU64| AtomicU64::new(number.load(Ordering::SeqCst));
        let without = Indexes {
            keywords: indexes.keywords.clone(),
            space: indexes.space.clone(),
            vectors: indexes.vectors.clone(),
            calibration: RwLock::new(*indexes.calibration.read()),
            vectors_position: load(&indexes.vectors_position),
            saved_position: load(&indexes.saved_position),
            unsaved: load(&indexes.unsaved),
            before: None,
        };
        *current = Some(Arc::new(without));
    }

    fn save(&self, indexes: &Indexes) -> Result<(), Error> {
        let position = indexes.vectors_position.load(Ordering::SeqCst);
        indexes.unsaved.store(0, Ordering::Relaxed);
        indexes.vectors.save(&self.vectors_folder(), position)?;
        indexes.saved_position.store(position, Ordering::SeqCst);
        Ok(())
    }

    /// What is worth doing once changes have come to rest: catches up, saves the vectors, forgets the part of the log that
    /// both indexes have read, lets go of the writer's memory, and rebuilds the vector index if it has asked for it, which
    /// takes minutes for hundreds of thousands of passages and ends early when `stop` says so.
    ///
    /// # Errors
    /// When the store or an index fails; the indexes go on serving.
    pub fn tend(&self, keyspace: &Keyspace, stop: &AtomicBool) -> Result<(), Error> {
        self.catch_up(keyspace)?;
        let (indexes, read_by_both) = {
            let _turn = self.turn.lock();
            let indexes = self.opened(keyspace)?;
            let calibration = keyspace.read(|tx| unrelated::calibration(tx, &indexes.space))?;
            *indexes.calibration.write() = calibration;
            if indexes.unsaved.load(Ordering::Relaxed) > 0
                || indexes.saved_position.load(Ordering::SeqCst)
                    < indexes.vectors_position.load(Ordering::SeqCst)
            {
                self.save(&indexes)?;
            }
            indexes.keywords.rest()?;
            let saved = indexes.saved_position.load(Ordering::SeqCst);
            let read_by_both = indexes.keywords.position()?.unwrap_or(0).min(saved);
            (indexes, read_by_both)
        };
        let trim = move |tx: &mut WriteTx<'_>| index_log::trim(tx, read_by_both, TRIMMED_ENTRIES_MAX);
        while keyspace.read(index_log::first)?.is_some_and(|first| first <= read_by_both) {
            keyspace.write_blocking::<_, store::Error>(trim)?;
        }
        if let Some(rebuild) = indexes.vectors.plan_rebuild() {
            rebuild.run(stop)?;
            let _turn = self.turn.lock();
            let current = self.opened(keyspace)?;
            if current.space == indexes.space {
                self.save(&current)?;
            }
        }
        Ok(())
    }

    /// Passages that the indexes hold, hidden ones too; 0 while they are not open.
    #[must_use]
    pub fn passages(&self) -> usize {
        self.current.read().as_ref().map_or(0, |indexes| indexes.vectors.len())
    }
}
