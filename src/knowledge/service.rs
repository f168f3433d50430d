//! What the room needs besides a keyspace: the model, the extractor, and bounds on the work that computes.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use super::chunk;
use super::embedding::Models;
use super::extract::Extractor;
use super::rerank::Reranking;
use super::{Error, Options};
use crate::base::{Clock, Pool, Timestamp};
use crate::search::embedder::MiniLm;
use crate::search::fusion;
use crate::search::index::TenantIndex;
use crate::store::Keyspace;

/// How the room works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How passages are cut.
    pub chunking: chunk::Settings,
    /// How the two lists of a retrieval are read as one; `top_k` and `min_score` are each question's own.
    pub fusion: fusion::Settings,
    /// Passages embedded and committed at a time by the bundled model. Default 24.
    pub batch_passages: usize,
    /// Threads that embed passages; by default one less than there are cores, so that questions stay quick.
    pub embedding_threads: usize,
    /// Questions that are worked on at a time. By default as many as there are cores.
    pub questions_running_max: usize,
    /// Questions that may wait.
    pub questions_waiting_max: usize,
    /// The indexes are saved and tidied when nothing was ingested for about so long. Default 30 s.
    pub tend_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            chunking: chunk::Settings::default(),
            fusion: fusion::Settings::default(),
            batch_passages: 24,
            embedding_threads: cores.saturating_sub(1).max(1),
            questions_running_max: cores,
            questions_waiting_max: 64,
            tend_after: Duration::from_secs(30),
        }
    }
}

/// Batches and documents that may wait for the processor: the lane of ingestion admits no more.
const WAITING_MAX: usize = 64;

pub(super) struct Inner {
    pub(super) models: Models,
    pub(super) extractor: Extractor,
    clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    /// Questions: embedding one and searching.
    pub(super) questions: Pool,
    /// Chunking and embedding of passages: one at a time, on its own threads.
    pub(super) embedding: Pool,
    /// Catching up and tidying.
    pub(super) indexing: Pool,
}

/// The room's service; clones are handles on the same one.
#[derive(Clone)]
pub struct Knowledge {
    pub(super) inner: Arc<Inner>,
    reranking: Option<Arc<Reranking>>,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Knowledge({})", self.inner.models.wanted())
    }
}

impl Knowledge {
    /// Built once, by `app`. Where the bundled model is all there is, it will do as `models`.
    #[must_use]
    pub fn new(
        models: impl Into<Models>,
        extractor: Extractor,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let questions = Pool::new(settings.questions_running_max.max(1), settings.questions_waiting_max);
        let inner = Inner {
            models: models.into(),
            extractor,
            clock,
            questions,
            embedding: Pool::new(1, WAITING_MAX),
            indexing: Pool::new(2, WAITING_MAX),
            settings,
        };
        Self { inner: Arc::new(inner), reranking: None }
    }

    /// The same, with a reranker that puts what is found in a better order.
    #[must_use]
    pub fn with_reranking(mut self, reranking: Reranking) -> Self {
        self.reranking = Some(Arc::new(reranking));
        self
    }

    /// The reranker, where there is one and it is wanted.
    pub(super) fn reranking(&self, options: &Options) -> Option<&Reranking> {
        self.reranking.as_deref().filter(|_| options.rerank)
    }

    /// The bundled model, for those who compare sentences, whichever model the documents are embedded with.
    #[must_use]
    pub fn embedder(&self) -> &Arc<MiniLm> {
        self.inner.models.bundled()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Brings the indexes of a keyspace up to date.
    pub(super) async fn catch_up(&self, keyspace: &Keyspace) -> Result<(), Error> {
        let (index, keyspace) = (TenantIndex::of(keyspace), keyspace.clone());
        self.inner.indexing.run(move || index.catch_up(&keyspace)).await??;
        Ok(())
    }
}
