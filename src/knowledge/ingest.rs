//! The job that reads a document: extract, chunk, embed in batches, index, show.
//!
//! Each step is a transaction that looks first whether this upload is still the wanted one (`stage`), so a document that
//! is replaced or deleted meanwhile ends the job quietly. Between runs only what was committed is kept: a job that was
//! cut off extracts again, gets the same passages, and goes on behind the last batch. A fault of the file is the
//! document's failure, with a reason; a fault of ours is retried. Nobody finds a passage before all are there.
//!
//! Passages are embedded with the model that serves, or where there is none yet with the one that is to. A model on a server that is
//! down, or a budget that is used up, makes the document wait and say so; what was embedded by then is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::change::begin_version;
use super::chunk::Chunk;
use super::document::{DocumentRow, DocumentState, Documents};
use super::embedding::{Bill, Embedded, Held, Model, Reason};
use super::jobs::IngestDocument;
use super::read_file::{ReadFile, Unread};
use super::stage::{self, Reading, Stepped};
use super::{Error, Knowledge, Waiting};
use crate::base::{Fault as _, Timestamp};
use crate::budget::Cause;
use crate::files;
use crate::jobs::{Failure, Work, Worker};
use crate::search::index::{self, TenantIndex};
use crate::store::{self, Keyspace, Read as _, WriteTx};

/// How far embedding came.
enum Progressed {
    All,
    Unwanted,
    Held(Held),
}

/// The first passages of a batch.
struct Part {
    /// With their vectors; one without words has none.
    passages: Vec<(Chunk, Option<Arc<Vec<f32>>>)>,
    bill: Option<Bill>,
    /// Why there are not more.
    held: Option<Held>,
}

impl Worker<IngestDocument> for Knowledge {
    async fn run(&self, work: Work<IngestDocument>) -> Result<(), Failure> {
        let Some((reading, row)) = self.begin(&work).await? else { return Ok(()) };
        let keyspace = &work.keyspace;
        let model = self.model_for_new(keyspace).await?;
        let embedder = self.inner.models.of(&model);
        let cause = Cause::Document(reading.document);
        if let Some(held) = self.holds(keyspace, embedder, cause, &row).await? {
            return self.hold(keyspace, reading, &row.name, held).await;
        }
        let read = match self.read_file(keyspace, &row, &model).await {
            Ok(read) => Arc::new(read),
            Err(Unread::Other(failure)) => return Err(failure),
            Err(Unread::File(failure)) => {
                let now = self.now();
                keyspace.write(move |tx| reading.failed(tx, now, &failure)).await?;
                return Ok(());
            }
        };
        let Some((reading, done)) = self.plan(keyspace, reading, &read).await? else { return Ok(()) };
        if let Some(held) = match self.embed_all(&work, reading, &read, done, &model).await? {
            Progressed::All => None,
            Progressed::Unwanted => return Ok(()),
            Progressed::Held(held) => Some(held),
        } {
            return self.hold(keyspace, reading, &row.name, held).await;
        }
        let (now, of) = (self.now(), model.clone());
        match keyspace.write(move |tx| reading.prepared(tx, now, &of)).await? {
            Stepped::Done => {}
            Stepped::Unwanted => return Ok(()),
            Stepped::OtherModel => return Err(Failure::Later(Duration::ZERO)),
        }
        self.catch_up(keyspace).await?;
        let (now, tend_after) = (self.now(), self.inner.settings.tend_after);
        keyspace.write(move |tx| reading.ready(tx, now, tend_after)).await?;
        // Also where it was set going before and found nothing to embed.
        TenantIndex::of(keyspace).change_ended();
        self.plan_change(keyspace, &model).await?;
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

    /// Whether it makes no sense to read the file now, because its passages could not be embedded. Reading costs the processor more
    /// than looking.
    async fn holds(
        &self,
        keyspace: &Keyspace,
        model: Option<&Model>,
        cause: Cause,
        row: &DocumentRow,
    ) -> Result<Option<Held>, Error> {
        if let Some(held) = self.holds_passages(model) {
            return Ok(Some(held));
        }
        if row.waiting.is_none() { Ok(None) } else { self.is_over_budget(keyspace, model, cause).await }
    }

    /// Says why the document does not get on, and that it is tried again; or that it has failed.
    async fn hold(
        &self,
        keyspace: &Keyspace,
        reading: Reading,
        name: &str,
        held: Held,
    ) -> Result<(), Failure> {
        let now = self.now();
        match held {
            Held::Later(pause, Reason { code, detail }) => {
                let waiting = Waiting { code, detail };
                keyspace.write(move |tx| reading.waits(tx, now, &waiting)).await.map_err(Error::from)?;
                Err(Failure::Later(pause))
            }
            Held::Refused(Reason { code, detail }) => {
                let detail = format!("“{name}” could not be made searchable: {detail}");
                let failure = super::Failure { code, detail };
                Ok(keyspace.write(move |tx| reading.failed(tx, now, &failure)).await?)
            }
        }
    }

    /// Embeds the passages from `done` on and commits them batch by batch.
    async fn embed_all(
        &self,
        work: &Work<IngestDocument>,
        reading: Reading,
        read: &Arc<ReadFile>,
        done: u32,
        model: &str,
    ) -> Result<Progressed, Failure> {
        let first = usize::try_from(done).unwrap_or(usize::MAX);
        let mut place = done;
        let rest = read.chunks.get(first..).unwrap_or_default();
        let embedder = self.inner.models.of(model);
        for batch in rest.chunks(self.texts_at_a_time(embedder)) {
            if work.stopping.is_cancelled() {
                return Err(Failure::Later(Duration::ZERO));
            }
            let cause = Cause::Document(reading.document);
            let Part { passages, bill, held } =
                match self.embed(&work.keyspace, embedder, batch.to_vec(), cause).await {
                    Err(Error::Busy) => return Err(Failure::Later(Duration::from_secs(1))),
                    other => other?,
                };
            let (now, from, of) = (self.now(), place, model.to_owned());
            place = place.saturating_add(u32::try_from(passages.len()).unwrap_or(u32::MAX));
            if !passages.is_empty() || bill.is_some() {
                let kept = work
                    .keyspace
                    .write(move |tx| reading.embedded(tx, now, from, &passages, &of, bill.as_ref()));
                match kept.await {
                    Ok(Stepped::Done) => {}
                    Ok(Stepped::Unwanted) => return Ok(Progressed::Unwanted),
                    Ok(Stepped::OtherModel) => return Err(Failure::Later(Duration::ZERO)),
                    Err(Error::Index(error @ index::Error::OtherDimensions { .. })) => {
                        let detail = error.public().into_owned();
                        let reason = Reason { code: error.code().to_owned(), detail };
                        return Ok(Progressed::Held(Held::Refused(reason)));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(held) = held {
                return Ok(Progressed::Held(held));
            }
        }
        Ok(Progressed::All)
    }

    /// The vectors of a batch: those of texts that were embedded before are copied. Without a model that can be asked there are none, and
    /// the passages are found by their words until another model serves.
    async fn embed(
        &self,
        keyspace: &Keyspace,
        model: Option<&Model>,
        batch: Vec<Chunk>,
        cause: Cause,
    ) -> Result<Part, Error> {
        let Some(model) = model else {
            let passages = batch.into_iter().map(|chunk| (chunk, None)).collect();
            return Ok(Part { passages, bill: None, held: None });
        };
        let hashes: Vec<[u8; 32]> = batch.iter().map(|chunk| chunk.hash).collect();
        let mut known: HashMap<[u8; 32], Option<Arc<Vec<f32>>>> = keyspace
            .query(move |tx| {
                let mut known = HashMap::new();
                for hash in hashes {
                    if let Some(vector) = index::vector_of_text(tx, &hash)? {
                        known.insert(hash, Some(Arc::new(vector)));
                    }
                }
                Ok::<_, Error>(known)
            })
            .await?;
        // In the order of the passages, so that what a broken call has given is a beginning of them.
        let mut asked = HashSet::new();
        let new: Vec<&Chunk> = batch
            .iter()
            .filter(|chunk| !known.contains_key(&chunk.hash) && asked.insert(chunk.hash))
            .collect();
        let texts = new.iter().map(|chunk| chunk.embed_text.clone()).collect();
        let Embedded { vectors, bill, held } = self.embed_texts(keyspace, model, texts, cause).await?;
        let vectors = vectors.into_iter().map(|vector| vector.map(Arc::new));
        known.extend(new.iter().map(|chunk| chunk.hash).zip(vectors));
        let passages = batch
            .into_iter()
            .map_while(|chunk| known.get(&chunk.hash).cloned().map(|vector| (chunk, vector)))
            .collect();
        Ok(Part { passages, bill, held })
    }
}
