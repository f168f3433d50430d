//! The job that reads a document: extract, chunk, embed in batches, index, show.
//!
//! Each step is a transaction that looks first whether this upload is still the wanted one (`stage`), so a document that
//! is replaced or deleted meanwhile ends the job quietly. Between runs only what was committed is kept: a job that was
//! cut off extracts again, gets the same passages, and goes on behind the last batch. A fault of the file is the
//! document's failure, with a reason; a fault of ours is retried. Nobody finds a passage before all are there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::change::begin_version;
use super::chunk::Chunk;
use super::document::{DocumentRow, DocumentState, Documents};
use super::jobs::IngestDocument;
use super::read_file::{ReadFile, Unread};
use super::stage::{self, Reading};
use super::{Error, Knowledge};
use crate::base::Timestamp;
use crate::files;
use crate::jobs::{Failure, Work, Worker};
use crate::search::index;
use crate::store::{self, Keyspace, Read as _, WriteTx};

/// Passages with their vectors; one without words has none.
type Embedded = Vec<(Chunk, Option<Arc<Vec<f32>>>)>;

impl Worker<IngestDocument> for Knowledge {
    async fn run(&self, work: Work<IngestDocument>) -> Result<(), Failure> {
        let Some((reading, row)) = self.begin(&work).await? else { return Ok(()) };
        let keyspace = &work.keyspace;
        let read = match self.read_file(keyspace, &row).await {
            Ok(read) => Arc::new(read),
            Err(Unread::Other(failure)) => return Err(failure),
            Err(Unread::File(failure)) => {
                let now = self.now();
                keyspace.write(move |tx| reading.failed(tx, now, &failure)).await?;
                return Ok(());
            }
        };
        let Some((reading, done)) = self.plan(keyspace, reading, &read).await? else { return Ok(()) };
        if !self.embed_all(&work, reading, &read, done).await? {
            return Ok(());
        }
        let (now, model) = (self.now(), self.model().id);
        if !keyspace.write(move |tx| reading.prepared(tx, now, model)).await? {
            return Ok(());
        }
        self.catch_up(keyspace).await?;
        let (now, tend_after) = (self.now(), self.inner.settings.tend_after);
        keyspace.write(move |tx| reading.ready(tx, now, tend_after)).await?;
        Ok(())
    }

    fn give_up(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        job: &IngestDocument,
        reason: &str,
    ) -> Result<(), store::Error> {
        let row = tx.get::<Documents>(&job.document)?;
        let Some(row) = row.filter(|row| row.generation == job.generation && row.pending.is_some()) else {
            return Ok(());
        };
        tracing::error!(document = %job.document, reason, "a document could not be made searchable");
        let detail = format!(
            "“{}” could not be made searchable because of a fault on the server, though it was tried several times. The \
             appliance's log says why; try it again when that is mended.",
            row.name
        );
        let failure = super::Failure { code: "ingestion_failed".to_owned(), detail };
        stage::fail(tx, now, job.document, row, failure)
    }
}

impl Knowledge {
    /// What is to be read; nothing when it is not wanted any more.
    async fn begin(&self, work: &Work<IngestDocument>) -> Result<Option<(Reading, DocumentRow)>, Error> {
        let (job, ticket, now) = (work.job.clone(), work.ticket, self.now());
        work.keyspace
            .write(move |tx| {
                let row = tx.get::<Documents>(&job.document)?;
                let Some(mut row) = row.filter(|row| row.generation == job.generation) else {
                    return Ok(None);
                };
                if row.pending.is_none() && row.state == DocumentState::Failed {
                    // A dead letter that somebody revived: the document begins anew, with a job of its own.
                    begin_version(tx, now, job.document, row)?;
                    return Ok(None);
                }
                let Some(pending) = row.pending.as_ref() else { return Ok(None) };
                let group = pending.group;
                let reading = Reading { document: job.document, generation: job.generation, group, ticket };
                if pending.plan.is_none() && !reading.extracting(tx, now)? {
                    return Ok(None);
                }
                row.updated = now;
                Ok(Some((reading, row)))
            })
            .await
    }

    /// Stores the text and settles what the passages will be; how many of them are there already.
    async fn plan(
        &self,
        keyspace: &Keyspace,
        reading: Reading,
        read: &Arc<ReadFile>,
    ) -> Result<Option<(Reading, u32)>, Error> {
        let now = self.now();
        let text = files::put(keyspace, now, read.text.clone().into()).await?;
        let read = read.clone();
        keyspace.write(move |tx| reading.planned(tx, now, &read, &text)).await
    }

    /// Embeds the passages from `done` on and commits them batch by batch; false when they are not wanted any more.
    async fn embed_all(
        &self,
        work: &Work<IngestDocument>,
        reading: Reading,
        read: &Arc<ReadFile>,
        done: u32,
    ) -> Result<bool, Failure> {
        let first = usize::try_from(done).unwrap_or(usize::MAX);
        let mut place = done;
        let rest = read.chunks.get(first..).unwrap_or_default();
        for batch in rest.chunks(self.inner.settings.batch_passages.max(1)) {
            if work.stopping.is_cancelled() {
                return Err(Failure::Later(Duration::ZERO));
            }
            let embedded = match self.embed(&work.keyspace, batch.to_vec()).await {
                Err(Error::Busy) => return Err(Failure::Later(Duration::from_secs(1))),
                other => other?,
            };
            let (now, from) = (self.now(), place);
            place = place.saturating_add(u32::try_from(embedded.len()).unwrap_or(u32::MAX));
            if !work.keyspace.write(move |tx| reading.embedded(tx, now, from, &embedded)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The vectors of a batch: those of texts that were embedded before are copied.
    async fn embed(&self, keyspace: &Keyspace, batch: Vec<Chunk>) -> Result<Embedded, Error> {
        let hashes: Vec<[u8; 32]> = batch.iter().map(|chunk| chunk.hash).collect();
        let mut known: HashMap<[u8; 32], Arc<Vec<f32>>> = keyspace
            .query(move |tx| {
                let mut known = HashMap::new();
                for hash in hashes {
                    if let Some(vector) = index::vector_of_text(tx, &hash)? {
                        known.insert(hash, Arc::new(vector));
                    }
                }
                Ok::<_, Error>(known)
            })
            .await?;
        let (embedder, threads) = (self.inner.embedder.clone(), self.inner.settings.embedding_threads.max(1));
        let work = move || {
            let mut new: Vec<&Chunk> =
                batch.iter().filter(|chunk| !known.contains_key(&chunk.hash)).collect();
            new.sort_unstable_by_key(|chunk| chunk.hash);
            new.dedup_by_key(|chunk| chunk.hash);
            // As many at once as there are threads for passages, so that the others stay free for questions.
            for few in new.chunks(threads) {
                let texts: Vec<&str> = few.iter().map(|chunk| chunk.embed_text.as_str()).collect();
                // Those without words come back without a vector, instead of failing all.
                let vectors = embedder.embed_sentences(&texts)?;
                let new = few.iter().map(|chunk| chunk.hash).zip(vectors);
                known.extend(new.filter_map(|(hash, vector)| Some((hash, Arc::new(vector?)))));
            }
            let vectors: Vec<_> = batch.iter().map(|chunk| known.get(&chunk.hash).cloned()).collect();
            Ok::<_, Error>(batch.into_iter().zip(vectors).collect())
        };
        self.inner.embedding.run(work).await?
    }
}
