//! The steps of reading a document as changes: each looks first whether its version is still wanted.

use std::sync::Arc;
use std::time::Duration;

use super::change::{abandon, drop_version};
use super::chunk::Chunk;
use super::document::{DocumentRow, DocumentState, Documents, Place, Places, Plan, Version, text_owner};
use super::embedding::Bill;
use super::jobs::{DocumentFailed, DocumentReady, TendIndex};
use super::read_file::ReadFile;
use super::{Error, Waiting};
use crate::base::{DocumentId, Timestamp};
use crate::files::{self, Stored};
use crate::jobs::{self, Ticket, news};
use crate::search::index::{self, Group, Passage, spaces};
use crate::store::{self, Read, WriteTx};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// It is done.
    Done,
    /// The version is not wanted any more.
    Unwanted,
    /// Another embedding model serves by now: the passages must be embedded with that.
    OtherModel,
}

/// Which version of which document, and the claim on the job that reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) document: DocumentId,
    pub(super) generation: u64,
    pub(super) group: u64,
    pub(super) ticket: Ticket,
}

impl Reading {
    /// The row, if this version is still being read.
    pub(super) fn row(&self, tx: &impl Read) -> Result<Option<DocumentRow>, store::Error> {
        let row = tx.get::<Documents>(&self.document)?;
        Ok(row.filter(|row| {
            row.generation == self.generation
                && row.pending.as_ref().is_some_and(|pending| pending.group == self.group)
        }))
    }

    /// The same, noting that the job has got on.
    fn wanted(&self, tx: &mut WriteTx<'_>) -> Result<Option<DocumentRow>, store::Error> {
        if self.ticket.got_on(tx)? { self.row(tx) } else { Ok(None) }
    }

    fn put(&self, tx: &mut WriteTx<'_>, now: Timestamp, row: &mut DocumentRow) -> Result<(), store::Error> {
        row.updated = now;
        tx.put::<Documents>(&self.document, row)
    }

    /// Why it does not get on. It is tried again.
    pub(super) fn waits(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        waiting: &Waiting,
    ) -> Result<(), store::Error> {
        let Some(mut row) = self.row(tx)? else { return Ok(()) };
        if row.waiting.as_ref() != Some(waiting) {
            row.waiting = Some(waiting.clone());
            self.put(tx, now, &mut row)?;
        }
        Ok(())
    }

    /// Its text is being read. False here and below: the version is not wanted any more.
    pub(super) fn extracting(&self, tx: &mut WriteTx<'_>, now: Timestamp) -> Result<bool, Error> {
        let Some(mut row) = self.wanted(tx)? else { return Ok(false) };
        row.state = DocumentState::Extracting;
        self.put(tx, now, &mut row)?;
        Ok(true)
    }

    /// Its text has been read and is stored. Gives back the group to fill: another one, when passages were committed that are
    /// not those of this plan.
    pub(super) fn planned(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        read: &ReadFile,
        text: &Stored,
    ) -> Result<Option<(Self, u32)>, Error> {
        let Some(mut row) = self.wanted(tx)? else { return Ok(None) };
        let Some(mut pending) = row.pending.take() else { return Ok(None) };
        if pending.plan.as_ref().is_some_and(|plan| plan.fingerprint != read.fingerprint) {
            abandon(tx, now, self.document, &pending)?;
            pending.group = index::begin(tx)?;
            (pending.done, pending.prepared) = (0, false);
        }
        files::refer(tx, text, &text_owner(self.document, pending.group))?;
        pending.plan = Some(Plan {
            fingerprint: read.fingerprint,
            text: text.hash(),
            passages: u32::try_from(read.chunks.len()).unwrap_or(u32::MAX),
        });
        let reading = Self { group: pending.group, ..*self };
        let done = pending.done;
        row.pending = Some(pending);
        row.state = DocumentState::Embedding;
        row.title.clone_from(&read.title);
        read.media_type.clone_into(&mut row.media_type);
        row.language.clone_from(&read.language);
        self.put(tx, now, &mut row)?;
        Ok(Some((reading, done)))
    }

    /// The passages from `first` on, with their vectors of `model`, and what those cost, which is booked whatever becomes of them.
    pub(super) fn embedded(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        first: u32,
        batch: &[(Chunk, Option<Arc<Vec<f32>>>)],
        model: &str,
        bill: Option<&Bill>,
    ) -> Result<Stepped, Error> {
        if let Some(bill) = bill {
            bill.pay(tx, now)?;
        }
        let Some(mut row) = self.wanted(tx)? else { return Ok(Stepped::Unwanted) };
        let Some(pending) = row.pending.as_mut().filter(|pending| pending.done == first) else {
            return Ok(Stepped::Unwanted);
        };
        let dimensions = batch.iter().find_map(|(_, vector)| vector.as_ref().map(|vector| vector.len()));
        if !spaces::accepts(tx, model, dimensions)? {
            return Ok(Stepped::OtherModel);
        }
        for (place, (chunk, vector)) in (first..).zip(batch) {
            let passage = Passage {
                headings: chunk.heading_path.clone(),
                text: chunk.text.clone(),
                hash: chunk.hash.to_vec().into(),
            };
            let number =
                index::add(tx, self.group, place, &passage, vector.as_ref().map(|vector| vector.as_slice()))?;
            let (start, end) = (chunk.start as u64, chunk.end as u64);
            tx.put::<Places>(&number, &Place { start, end, page: chunk.page })?;
            pending.done = place.saturating_add(1);
        }
        row.waiting = None;
        self.put(tx, now, &mut row)?;
        Ok(Stepped::Done)
    }

    /// All passages are there: the indexes are told, and still nobody can find them.
    pub(super) fn prepared(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        model: &str,
    ) -> Result<Stepped, Error> {
        let Some(mut row) = self.wanted(tx)? else { return Ok(Stepped::Unwanted) };
        let Some(pending) = row.pending.as_mut().filter(|pending| !pending.prepared) else {
            return Ok(Stepped::Done);
        };
        if !spaces::accepts(tx, model, None)? {
            return Ok(Stepped::OtherModel);
        }
        pending.prepared = true;
        let group = Group {
            owner: self.document,
            title: row.title.clone(),
            language: row.language.clone(),
            passages: pending.done,
            model: model.to_owned(),
        };
        index::prepare(tx, self.group, &group)?;
        self.put(tx, now, &mut row)?;
        Ok(Stepped::Done)
    }

    /// The indexes have taken the passages in: from here on they answer, and those of the version before do not.
    pub(super) fn ready(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        tend_after: Duration,
    ) -> Result<bool, Error> {
        let Some(mut row) = self.wanted(tx)? else { return Ok(false) };
        let Some(pending) = row.pending.take_if(|pending| pending.prepared) else { return Ok(false) };
        let Some(plan) = pending.plan else { return Ok(false) };
        if let Some(old) = row.active.take() {
            drop_version(tx, now, self.document, old.group, Some(old.text))?;
        }
        index::show(tx, self.group)?;
        row.active = Some(Version {
            group: self.group,
            title: row.title.clone(),
            media_type: row.media_type.clone(),
            text: plan.text,
            passages: plan.passages,
        });
        row.state = DocumentState::Ready;
        row.waiting = None;
        self.put(tx, now, &mut row)?;
        news::publish(tx, now, &DocumentReady { document: self.document })?;
        jobs::enqueue_at(tx, now, now.plus(tend_after), &TendIndex {})?;
        self.ticket.complete(tx, now)?;
        Ok(true)
    }

    /// The file is at fault.
    pub(super) fn failed(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        failure: &super::Failure,
    ) -> Result<(), Error> {
        if let Some(row) = self.wanted(tx)? {
            fail(tx, now, self.document, row, failure.clone())?;
        }
        self.ticket.complete(tx, now)?;
        Ok(())
    }
}

/// Notes that the newest bytes of a document could not be read, and gives up what was read of them.
pub(super) fn fail(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    document: DocumentId,
    mut row: DocumentRow,
    failure: super::Failure,
) -> Result<(), store::Error> {
    if let Some(pending) = row.pending.take() {
        abandon(tx, now, document, &pending)?;
    }
    row.state = DocumentState::Failed;
    row.failure = Some(failure);
    row.waiting = None;
    row.updated = now;
    tx.put::<Documents>(&document, &row)?;
    news::publish(tx, now, &DocumentFailed { document })
}
