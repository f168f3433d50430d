//! The index on disk: open, apply changes, know how far it has read.
//!
//! Derived data: every commit carries, in its own payload, the position of the index log it has read up to, so the rows and
//! the position are never out of step, whatever moment the power fails. Applying the same changes again changes nothing.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::Schema;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

use super::asked::Asked;
use super::schema::{self, Analyser, Fields, LAYOUT};
use super::{Admit, Change, Error, Found, Language, Weighed};

/// Memory the indexing thread may fill before it writes a segment. Half of Tantivy's usual choice: a batch is small.
const ARENA_BYTES: usize = 30_000_000;
/// More languages than this in one index are searched by the most frequent ones.
const LANGUAGES_MAX: usize = 6;

/// A keyword index, on disk or in memory.
///
/// Reading is a snapshot and never waits for a writer. The writer, with its thread and its arena, exists from the first
/// [`apply`](Self::apply) until [`rest`](Self::rest): an index that is only read costs neither.
pub struct KeywordIndex {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    writer: Mutex<Option<IndexWriter>>,
    languages: arc_swap::ArcSwap<Vec<Language>>,
    folder: PathBuf,
}

impl std::fmt::Debug for KeywordIndex {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeywordIndex").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl KeywordIndex {
    /// Opens the index in `folder`, or makes an empty one there. Folders of other layouts are removed: they are derived.
    ///
    /// Reads every file once to verify its checksum, because a damaged one could otherwise be trusted until a question hits it.
    ///
    /// # Errors
    /// [`Error::Unusable`] for damage or another layout (delete `folder` and rebuild), [`Error::Io`] from the file system.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let current = folder.join(format!("v{LAYOUT}"));
        std::fs::create_dir_all(&current)?;
        remove_other_layouts(folder, &current)?;
        let (schema, fields) = schema::build();
        let unusable = |reason: String| Error::Unusable { folder: folder.to_path_buf(), reason };
        let directory = tantivy::directory::MmapDirectory::open(&current)
            .map_err(|error| Error::from_engine(error.into(), folder))?;
        let exists = Index::exists(&directory).map_err(|error| Error::from_engine(error.into(), folder))?;
        if !exists && has_segments(&current)? {
            return Err(unusable("segments without their list".to_owned()));
        }
        let index =
            Index::open_or_create(directory, schema.clone()).map_err(|e| Error::from_engine(e, folder))?;
        let damaged = index.validate_checksum().map_err(|error| Error::from_engine(error, folder))?;
        if !damaged.is_empty() {
            return Err(unusable(format!("wrong checksum: {damaged:?}")));
        }
        Self::start(index, &schema, fields, folder)
    }

    /// An index in memory, gone when dropped.
    ///
    /// # Errors
    /// [`Error::Engine`] when the engine cannot start.
    pub fn in_memory() -> Result<Self, Error> {
        let (schema, fields) = schema::build();
        Self::start(Index::create_in_ram(schema.clone()), &schema, fields, Path::new(""))
    }

    fn start(index: Index, schema: &Schema, fields: Fields, folder: &Path) -> Result<Self, Error> {
        if index.schema() != *schema {
            return Err(Error::Unusable {
                folder: folder.to_path_buf(),
                reason: "another schema".to_owned(),
            });
        }
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(0)
            .try_into()
            .map_err(|error| Error::from_engine(error, folder))?;
        let opened = Self {
            index,
            reader,
            fields,
            writer: Mutex::new(None),
            languages: arc_swap::ArcSwap::default(),
            folder: folder.to_path_buf(),
        };
        opened.position()?;
        opened.learn_languages()?;
        Ok(opened)
    }

    /// How far in the index log the last commit has read; `None` when nothing was ever committed.
    ///
    /// # Errors
    /// [`Error::Unusable`] when the list of segments cannot be read.
    pub fn position(&self) -> Result<Option<u64>, Error> {
        let metas = self.index.load_metas().map_err(|error| self.fault(error))?;
        metas.payload.map(|payload| payload.parse()).transpose().map_err(|_| Error::Unusable {
            folder: self.folder.clone(),
            reason: "the position is not a number".to_owned(),
        })
    }

    /// Applies changes in order, in one commit that also says that the index log has been read up to `position`, and
    /// makes them visible. All or nothing; the same changes again leave the same index. Costs about 15 ms however few they
    /// are: hand over what has gathered in a few hundred milliseconds rather than one change at a time.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process writes here; otherwise a fault after which nothing of this call is kept.
    pub fn apply(&self, changes: &[Change<'_>], position: u64) -> Result<(), Error> {
        let mut slot = self.writer.lock();
        let result = self.commit(&mut slot, changes, position);
        if result.is_err() {
            // A writer that failed holds half of the batch: dropping it forgets that half.
            *slot = None;
        }
        drop(slot);
        result?;
        self.reload()
    }

    fn commit(
        &self,
        slot: &mut Option<IndexWriter>,
        changes: &[Change<'_>],
        position: u64,
    ) -> Result<(), Error> {
        let writer = self.write(slot, changes)?;
        let mut prepared = writer.prepare_commit().map_err(|error| self.fault(error))?;
        prepared.set_payload(&position.to_string());
        prepared.commit().map_err(|error| self.fault(error))?;
        Ok(())
    }

    fn write<'w>(
        &self,
        slot: &'w mut Option<IndexWriter>,
        changes: &[Change<'_>],
    ) -> Result<&'w mut IndexWriter, Error> {
        let writer = match slot {
            Some(writer) => writer,
            None => slot.insert(self.new_writer()?),
        };
        let mut analyser = Analyser::new(self.fields);
        for change in changes {
            match change {
                Change::Put(entry) => {
                    writer.delete_term(Term::from_field_u64(self.fields.chunk, entry.chunk));
                    writer.add_document(analyser.row(entry)).map_err(|error| self.fault(error))?;
                }
                Change::RemoveChunk(chunk) => {
                    writer.delete_term(Term::from_field_u64(self.fields.chunk, *chunk));
                }
                Change::RemoveDocument(document) => {
                    writer.delete_term(Term::from_field_bytes(self.fields.document, &document.to_be_bytes()));
                }
            }
        }
        Ok(writer)
    }

    /// Writes changes and dies before the commit, as a process does that is killed.
    #[cfg(test)]
    pub(super) fn abandon(&self, changes: &[Change<'_>]) -> Result<(), Error> {
        let mut slot = self.writer.lock();
        self.write(&mut slot, changes)?;
        *slot = None;
        Ok(())
    }

    fn new_writer(&self) -> Result<IndexWriter, Error> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(ARENA_BYTES)
            .build();
        self.index.writer_with_options::<TantivyDocument>(options).map_err(|error| self.fault(error))
    }

    /// Lets go of the writer, its threads and its memory, after the merges under way. The next [`apply`](Self::apply) makes
    /// a new one.
    ///
    /// # Errors
    /// When a merge failed; the index itself is as of the last commit.
    pub fn rest(&self) -> Result<(), Error> {
        let writer = self.writer.lock().take();
        writer.map_or(Ok(()), |writer| writer.wait_merging_threads().map_err(|error| self.fault(error)))
    }

    /// Makes the last commit visible to questions asked from now on; [`apply`](Self::apply) does it by itself.
    ///
    /// # Errors
    /// When a file of the last commit cannot be read.
    pub fn reload(&self) -> Result<(), Error> {
        self.reader.reload().map_err(|error| self.fault(error))?;
        self.learn_languages()
    }

    /// Number of chunks that can be found.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Bytes the searchable files take.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn size_bytes(&self) -> Result<u64, Error> {
        Ok(self.reader.searcher().space_usage()?.total().get_bytes())
    }

    /// Reads a question against the index as it is now. The answer holds its snapshot: what it returns stays consistent with
    /// itself while changes are applied.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ask(&self, question: &str) -> Result<Asked, Error> {
        Asked::new(self.reader.searcher(), self.fields, &self.languages.load(), question)
            .map_err(|error| self.fault(error))
    }

    /// The best `limit` chunks for a question, best first, ties by chunk number, among those `admit` lets through.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn top(&self, asked: &Asked, limit: usize, admit: Option<Admit<'_>>) -> Result<Found, Error> {
        asked.top(limit, admit).map_err(|error| self.fault(error))
    }

    /// How each given chunk fits a question, in the order given: what a chunk that only the vectors found would have scored here. Chunks that
    /// hold no word of the question, or are not in the index, score 0.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn weigh(&self, asked: &Asked, chunks: &[u64]) -> Result<Vec<Weighed>, Error> {
        asked.weigh(chunks).map_err(|error| self.fault(error))
    }

    /// [`ask`](Self::ask) and [`top`](Self::top) in one.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, question: &str, limit: usize, admit: Option<Admit<'_>>) -> Result<Found, Error> {
        self.top(&self.ask(question)?, limit, admit)
    }

    /// [`ask`](Self::ask) and [`weigh`](Self::weigh) in one.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn scores(&self, question: &str, chunks: &[u64]) -> Result<Vec<Weighed>, Error> {
        self.weigh(&self.ask(question)?, chunks)
    }

    fn learn_languages(&self) -> Result<(), Error> {
        let searcher = self.reader.searcher();
        let mut counted = std::collections::BTreeMap::<Language, u64>::new();
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(self.fields.language).map_err(|error| self.fault(error))?;
            let mut terms = index.terms().stream()?;
            while terms.advance() {
                let code = std::str::from_utf8(terms.key()).unwrap_or_default();
                *counted.entry(Language::from_code(code)).or_default() += u64::from(terms.value().doc_freq);
            }
        }
        let mut languages: Vec<(Language, u64)> = counted.into_iter().collect();
        languages.sort_by_key(|(language, count)| (std::cmp::Reverse(*count), *language));
        languages.truncate(LANGUAGES_MAX);
        self.languages
            .store(std::sync::Arc::new(languages.into_iter().map(|(language, _)| language).collect()));
        Ok(())
    }

    fn fault(&self, error: tantivy::TantivyError) -> Error {
        Error::from_engine(error, &self.folder)
    }
}

fn remove_other_layouts(folder: &Path, current: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_layout = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix('v'))
            .is_some_and(|number| number.parse::<u32>().is_ok());
        if is_layout && path != current {
            std::fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

fn has_segments(folder: &Path) -> Result<bool, Error> {
    for entry in std::fs::read_dir(folder)? {
        if entry?.path().extension().is_some_and(|extension| extension == "idx" || extension == "term") {
            return Ok(true);
        }
    }
    Ok(false)
}
