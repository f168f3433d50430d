//! Documents and their life: received, extracted, chunked, embedded, indexed, retrieved, cited.
//!
//! - [`receive`], [`retry`], [`delete`], [`get`], [`get_by_name`] and [`list()`] are operations over a transaction of the
//!   tenant's.
//! - [`Knowledge`] is what `app` builds once: the embedding models, the extractor and the pools that bound them. It does
//!   this room's jobs, and answers [`Knowledge::retrieve`] and [`Knowledge::cited`].
//!
//! **Versions.** A document has at most one version that serves (`active`) and one that is being read (`pending`). Each
//! is a group of passages in [`crate::search::index`]; the new one takes the place of the old in one transaction, so a
//! document that is being replaced, or whose new bytes cannot be read, keeps answering with what it had.
//!
//! **Resuming.** Extraction and chunking give the same passages for the same bytes, so a job that was cut off does them
//! again and goes on behind the last batch of passages whose vectors were committed.
//!
//! **Reranking.** With [`Knowledge::with_reranking`] the best passages of a search go to a reranker before the list is cut. The order
//! follows it, the scores stay; it costs no search its answer when it fails.
//!
//! **Models.** Passages and questions are embedded by the bundled model or one on a server ([`embedding`]). When the settings name another
//! one, a job embeds everything anew beside what serves and then lets it serve ([`crate::search::index::spaces`]).
//!
//! Tables, in each tenant's keyspace: `knowledge.document`, `knowledge.place`. Jobs: [`IngestDocument`] and [`ChangeModel`] (lane
//! knowledge), [`ClearGroup`] and [`TendIndex`] (lane upkeep). Events: [`DocumentReceived`], [`DocumentReady`], [`DocumentFailed`],
//! [`DocumentDeleted`].
//!
//! Limits: names of [`NAME_BYTES_MAX`]; files as the setting `knowledge.upload_bytes_max` and [`extract::Limits`] say;
//! passages as [`chunk::Settings`] say, embedded and committed [`Settings::batch_passages`] at a time. A question has at
//! most 16 KiB and finds 100 passages; [`Settings::questions_running_max`] are worked on at a time and
//! [`Settings::questions_waiting_max`] wait. The bundled model embeds one batch at a time, and 64 wait; of a model on
//! a server, the settings say what one request holds and how long it may take. A page of a filtered list
//! looks at 2,000 documents. A citation opens [`CITED_BYTES_MAX`] of text.

pub mod chunk;
pub mod extract;

mod change;
mod change_model;
mod cite;
mod clear;
mod document;
pub mod embedding;
mod error;
mod ingest;
mod jobs;
mod list;
mod name;
mod read_file;
mod recall;
mod rerank;
mod retrieve;
mod service;
mod stage;
mod sync;
mod utf16;
#[cfg(test)]
mod tests;

pub use change::{NewDocument, Outcome, Received, count, delete, receive, retry};
pub use change_model::EmbeddingState;
pub use cite::{CITED_BYTES_MAX, CitedDocument, Quoted, Span};
pub use document::{Document, DocumentState, Failure, Progress};
pub use error::Error;
pub use jobs::{
    ChangeModel, ClearGroup, DocumentDeleted, DocumentFailed, DocumentReady, DocumentReceived,
    IngestDocument, TendIndex,
};
pub use list::{Filter, content_of, get, get_by_name, list, text_of};
pub use name::NAME_BYTES_MAX;
pub use recall::{Recalled, RecalledPassage, recall};
pub use rerank::{RerankExplanation, RerankOutcome, RerankPlace, Reranking};
pub use retrieve::{Explanation, Options, Passage, Retrieval, Scored};
pub use service::{Knowledge, Settings};

pub use crate::search::index::spaces::Waiting;
