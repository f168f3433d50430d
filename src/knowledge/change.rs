//! Receiving, retrying and deleting documents: operations over a transaction.

use super::document::{
    BY_CONTENT, BY_NAME, Document, DocumentRow, DocumentState, Documents, Pending, content_owner, text_owner,
};
use super::jobs::{ClearGroup, DocumentDeleted, DocumentReceived, IngestDocument};
use super::{Error, name};
use crate::base::{Call, DocumentId, Timestamp};
use crate::files::{self, Stored};
use crate::identity::Pass;
use crate::identity::audit::{Action, Note, record};
use crate::identity::pass::WriteKnowledge;
use crate::jobs::{self, news};
use crate::quotas::{self, Quota};
use crate::search::index;
use crate::store::{self, Read as _, Scan, WriteTx};

/// A file that was put and is to be a document.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// The path it was uploaded under.
    pub name: String,
    /// What kind of file the sender says it is; only believed where content and name do not tell.
    pub media_type: Option<String>,
    /// Its bytes.
    pub content: Stored,
}

/// What receiving came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new document.
    Created,
    /// It was here with the same name and bytes. Had it failed, it is tried again.
    Unchanged,
    /// Its bytes were here under another name: that document is the answer.
    SameBytes,
    /// New bytes for a document that was here.
    Replaced,
}

/// A received document.
#[derive(Debug, Clone)]
pub struct Received {
    /// As it stands now.
    pub document: Document,
    /// What receiving came to.
    pub outcome: Outcome,
}

/// Takes in a file. Reading it is queued in the same transaction.
///
/// # Errors
/// [`Error::BadName`], [`Error::Quota`], or when the store fails.
pub fn receive(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _pass: Pass<WriteKnowledge>,
    new: &NewDocument,
) -> Result<Received, Error> {
    let name = name::clean(&new.name)?;
    let hash = new.content.hash();
    let named = BY_NAME.get(tx, &name)?;
    let (id, mut row, outcome) = match named {
        Some((id, row)) if row.content == hash => return unchanged(tx, call, id, row, Outcome::Unchanged),
        Some((id, row)) => (id, row, Outcome::Replaced),
        None => match BY_CONTENT.scan(tx, &Scan::prefix(&hash, 1))?.into_iter().next() {
            Some((id, row)) => return unchanged(tx, call, id, row, Outcome::SameBytes),
            None => (DocumentId::new(call.now), fresh(name, new, call.now), Outcome::Created),
        },
    };
    if row.content != hash {
        files::release(tx, call.now, row.content, &content_owner(id))?;
    }
    if outcome == Outcome::Created {
        quotas::admit(tx, Quota::Documents, None, tx.count::<Documents>()?.saturating_add(1))?;
    }
    files::admit(tx, &new.content)?;
    files::refer(tx, &new.content, &content_owner(id))?;
    row.content = hash;
    row.size_bytes = new.content.size_bytes();
    row.media_type = media_type(&row.name, new);
    let document = begin_version(tx, call.now, id, row)?;
    Ok(Received { document, outcome })
}

fn unchanged(
    tx: &mut WriteTx<'_>,
    call: &Call,
    id: DocumentId,
    row: DocumentRow,
    outcome: Outcome,
) -> Result<Received, Error> {
    let document = if row.state == DocumentState::Failed {
        begin_version(tx, call.now, id, row)?
    } else {
        Document::of(id, row)
    };
    Ok(Received { document, outcome })
}

fn media_type(name: &str, new: &NewDocument) -> String {
    let sniffed = files::media_type(name, new.content.head());
    let vague = matches!(sniffed.as_str(), "text/plain" | "application/octet-stream");
    let told = new.media_type.as_deref().map(|told| told.split(';').next().unwrap_or(told).trim());
    match told.filter(|told| vague && told.starts_with("text/") && told.len() <= 100) {
        Some(told) => told.to_ascii_lowercase(),
        None => sniffed,
    }
}

fn fresh(name: String, new: &NewDocument, now: Timestamp) -> DocumentRow {
    DocumentRow {
        title: name::title_of(&name),
        name,
        media_type: String::new(),
        size_bytes: 0,
        content: new.content.hash(),
        generation: 0,
        state: DocumentState::Received,
        language: None,
        failure: None,
        waiting: None,
        active: None,
        pending: None,
        created: now,
        updated: now,
    }
}

/// Puts the row with a new version to read, in place of one that was being read, and queues its reading.
pub(super) fn begin_version(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    id: DocumentId,
    mut row: DocumentRow,
) -> Result<Document, Error> {
    if let Some(pending) = row.pending.take() {
        abandon(tx, now, id, &pending)?;
    }
    let group = index::begin(tx)?;
    row.generation = row.generation.saturating_add(1);
    row.pending = Some(Pending { group, plan: None, done: 0, prepared: false });
    row.state = DocumentState::Received;
    row.failure = None;
    row.waiting = None;
    row.updated = now;
    tx.put::<Documents>(&id, &row)?;
    jobs::enqueue(tx, now, &IngestDocument { document: id, generation: row.generation })?;
    news::publish(tx, now, &DocumentReceived { document: id })?;
    Ok(Document::of(id, row))
}

/// Gives up a version that was being read.
pub(super) fn abandon(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    id: DocumentId,
    pending: &Pending,
) -> Result<(), store::Error> {
    let text = pending.plan.as_ref().map(|plan| plan.text);
    drop_version(tx, now, id, pending.group, text)
}

/// Withdraws a version's passages, whose rows are removed by a job, and what it needs of files.
pub(super) fn drop_version(
    tx: &mut WriteTx<'_>,
    now: Timestamp,
    id: DocumentId,
    group: u64,
    text: Option<files::BlobHash>,
) -> Result<(), store::Error> {
    index::withdraw(tx, group)?;
    if let Some(text) = text {
        files::release(tx, now, text, &text_owner(id, group))?;
    }
    jobs::enqueue(tx, now, &ClearGroup { group }).map(drop)
}

/// Reads a document that failed once more.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotFailed`], or when the store fails.
pub fn retry(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _pass: Pass<WriteKnowledge>,
    id: DocumentId,
) -> Result<Document, Error> {
    let row = tx.get::<Documents>(&id)?.ok_or(Error::NotFound)?;
    if row.state != DocumentState::Failed {
        return Err(Error::NotFailed);
    }
    begin_version(tx, call.now, id, row)
}

/// How many documents there are.
///
/// # Errors
/// When the store fails.
pub fn count(tx: &impl store::Read) -> Result<u64, Error> {
    Ok(tx.count::<Documents>()?)
}

/// Deletes a document: nothing of it is found from here on, and jobs remove what is left of it.
///
/// # Errors
/// [`Error::NotFound`], or when the store fails.
pub fn delete(
    tx: &mut WriteTx<'_>,
    call: &Call,
    _pass: Pass<WriteKnowledge>,
    id: DocumentId,
) -> Result<(), Error> {
    let row = tx.get::<Documents>(&id)?.ok_or(Error::NotFound)?;
    if let Some(pending) = &row.pending {
        abandon(tx, call.now, id, pending)?;
    }
    if let Some(active) = &row.active {
        drop_version(tx, call.now, id, active.group, Some(active.text))?;
    }
    files::release(tx, call.now, row.content, &content_owner(id))?;
    tx.remove::<Documents>(&id)?;
    record(tx, call, Note::new(Action::DocumentDeleted).about(id).with("name", &row.name))?;
    news::publish(tx, call.now, &DocumentDeleted { document: id })?;
    Ok(())
}
