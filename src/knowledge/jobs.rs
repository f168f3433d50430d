//! The room's jobs and news.

use serde::{Deserialize, Serialize};

use crate::base::DocumentId;
use crate::jobs::news::Event;
use crate::jobs::{Job, Lane};

/// Reads a document and makes it searchable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IngestDocument {
    /// Which.
    pub document: DocumentId,
    /// Which upload of it; a newer one has a job of its own.
    pub generation: u64,
}

impl Job for IngestDocument {
    const NAME: &'static str = "knowledge.ingest";
    const LANE: Lane = Lane::Knowledge;
    fn dedup_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.document, self.generation))
    }
}

/// Removes the rows of passages that were withdrawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClearGroup {
    /// Which group.
    pub group: u64,
}

impl Job for ClearGroup {
    const NAME: &'static str = "knowledge.clear";
    const LANE: Lane = Lane::Upkeep;
    fn dedup_key(&self) -> Option<String> {
        Some(self.group.to_string())
    }
}

/// Embeds every passage anew because another model is to serve, and lets it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeModel {}

impl Job for ChangeModel {
    const NAME: &'static str = "knowledge.change_model";
    const LANE: Lane = Lane::Knowledge;
    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Saves and tidies the indexes once changes have come to rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TendIndex {}

impl Job for TendIndex {
    const NAME: &'static str = "knowledge.tend_index";
    const LANE: Lane = Lane::Upkeep;
    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            /// Which.
            pub document: DocumentId,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

events! {
    /// New bytes are here and will be read.
    DocumentReceived = "document.received";
    /// Its newest bytes answer questions.
    DocumentReady = "document.ready";
    /// Its newest bytes could not be read.
    DocumentFailed = "document.failed";
    /// It is gone.
    DocumentDeleted = "document.deleted";
}
