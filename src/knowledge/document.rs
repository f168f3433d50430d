//! What is known of a document: the row, and what people see of it.

use serde::{Deserialize, Serialize};

use crate::base::{DocumentId, Timestamp};
use crate::files::BlobHash;
use crate::search::index::spaces::Waiting;
use crate::store::{Index, tables};

/// Where a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// It is here and waits its turn.
    Received,
    /// Its text is being read.
    Extracting,
    /// Its passages are being made searchable.
    Embedding,
    /// It answers questions.
    Ready,
    /// Its newest bytes could not be read; what it had before goes on answering.
    Failed,
}

/// How far reading has come, in passages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// Passages done.
    pub done: u32,
    /// Passages in all; 0 until it is known.
    pub total: u32,
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// What happened and what to do, naming the file.
    pub detail: String,
}

/// A document as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// The path it was uploaded under.
    pub name: String,
    /// What it calls itself, or its file name in words.
    pub title: String,
    /// What kind of file it is.
    pub media_type: String,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Where it stands.
    pub state: DocumentState,
    /// How far reading has come.
    pub progress: Progress,
    /// Passages that answer questions now.
    pub chunks: u32,
    /// Language as an ISO 639 code, when it is clear.
    pub language: Option<String>,
    /// Why it could not be read.
    pub failure: Option<Failure>,
    /// Why reading it does not get on at the moment, such as a budget that is used up; it goes on by itself.
    pub waiting: Option<Waiting>,
    /// When it first came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A version that answers questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Its group of passages.
    pub(super) group: u64,
    pub(super) title: String,
    pub(super) media_type: String,
    /// The readable text as UTF-8.
    pub(super) text: BlobHash,
    pub(super) passages: u32,
}

/// A version that is being read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) group: u64,
    /// What its passages will be, once they are known.
    pub(super) plan: Option<Plan>,
    /// Passages committed with their vectors.
    pub(super) done: u32,
    /// Whether all are, and the indexes have been told.
    pub(super) prepared: bool,
}

/// The passages of a version: the same plan gives the same ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Over all passages and the model that embeds them.
    pub(super) fingerprint: BlobHash,
    pub(super) text: BlobHash,
    pub(super) passages: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DocumentRow {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) media_type: String,
    pub(super) size_bytes: u64,
    /// The newest bytes; those of the version that serves are not kept.
    pub(super) content: BlobHash,
    /// Which upload they were, from 1.
    pub(super) generation: u64,
    pub(super) state: DocumentState,
    pub(super) language: Option<String>,
    pub(super) failure: Option<Failure>,
    #[serde(default)]
    pub(super) waiting: Option<Waiting>,
    pub(super) active: Option<Version>,
    pub(super) pending: Option<Pending>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

pub(super) static BY_NAME: Index<Documents, String> =
    Index::unique("knowledge.document.by_name", |_, row: &DocumentRow| Some(row.name.clone()));

pub(super) static BY_CONTENT: Index<Documents, BlobHash> =
    Index::many("knowledge.document.by_content", |_, row: &DocumentRow| Some(row.content));

/// Where a passage stands in its document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// First byte.
    pub(super) start: u64,
    /// One past the last.
    pub(super) end: u64,
    /// From 1, where the document has pages.
    pub(super) page: Option<u32>,
}

tables! {
    /// The documents of a tenant.
    pub(super) Documents = "knowledge.document": DocumentId => DocumentRow, [BY_NAME, BY_CONTENT];
    /// Where passages stand, by their number.
    pub(super) Places = "knowledge.place": u64 => Place;
}

impl Document {
    pub(super) fn of(id: DocumentId, row: DocumentRow) -> Self {
        let chunks = row.active.as_ref().map_or(0, |active| active.passages);
        let progress = match (&row.pending, row.state) {
            (Some(pending), _) => {
                Progress { done: pending.done, total: pending.plan.as_ref().map_or(0, |plan| plan.passages) }
            }
            (None, DocumentState::Ready) => Progress { done: chunks, total: chunks },
            (None, _) => Progress::default(),
        };
        Self {
            id,
            name: row.name,
            title: row.title,
            media_type: row.media_type,
            size_bytes: row.size_bytes,
            state: row.state,
            progress,
            chunks,
            language: row.language,
            failure: row.failure,
            waiting: row.waiting,
            created_at: row.created,
            updated_at: row.updated,
        }
    }
}

/// The need that a document has of its newest bytes.
pub(super) fn content_owner(document: DocumentId) -> String {
    format!("{document}/content")
}

/// The need that a version of a document has of its text.
pub(super) fn text_owner(document: DocumentId, group: u64) -> String {
    format!("{document}/{group}/text")
}
