//! The job that lets another embedding model take over a tenant's documents, while the one before serves.
//!
//! Nobody looks for tenants whose model is not the wanted one: whoever asks a tenant's documents, or adds one, sees it and sets the
//! change going ([`Knowledge::plan_change`]), so a tenant that nobody uses costs nothing, whatever the settings say. The job
//! embeds passages batch by batch, each committed with what it cost and with the place it has come to; a job that was cut off goes on
//! there. It gives its turn away after some batches, so that documents that come meanwhile need not wait for it. When all are there the
//! new model serves from one commit on, and what the one before has left is removed.

use std::time::Duration;

use serde::Serialize;

use super::chunk::embed_text_of;
use super::embedding::{Embedded, Held, Reason};
use super::jobs::{ChangeModel, TendIndex};
use super::{Error, Knowledge};
use crate::base::Fault as _;
use crate::budget::Cause;
use crate::identity::Pass;
use crate::identity::pass::ReadKnowledge;
use crate::jobs::{self, Failure, Work, Worker};
use crate::search::index::spaces::{self, NextModel, Step, Unembedded, Waiting};
use crate::search::index::{self, TenantIndex};
use crate::store::Keyspace;

/// Batches before others have their turn.
const BATCHES_MAX: usize = 8;
/// Rows removed in one change.
const REMOVED_MAX: usize = 1_024;
/// The vectors before are kept so long for questions that were embedded while they served.
const CLEARED_AFTER: Duration = Duration::from_secs(5);
/// A refusal that somebody must do something about is tried again after so long.
const REFUSED_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Which embedding model serves a tenant's documents, and which is going to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EmbeddingState {
    /// The model whose vectors serve.
    pub model: String,
    /// The model that the settings want.
    pub wanted: String,
    /// Passages that the indexes hold; 0 while they have not been opened.
    pub passages: u64,
    /// How far the change has come, while there is one.
    pub next: Option<NextModel>,
}

/// What one batch came to.
enum Came {
    On,
    ToTheEnd,
    Held(Held),
}

impl Worker<ChangeModel> for Knowledge {
    async fn run(&self, work: Work<ChangeModel>) -> Result<(), Failure> {
        let keyspace = &work.keyspace;
        let index = TenantIndex::of(keyspace);
        let wanted = self.inner.models.wanted().to_owned();
        for _ in 0..BATCHES_MAX {
            if work.stopping.is_cancelled() {
                break;
            }
            let (ticket, model) = (work.ticket, wanted.clone());
            let begun = keyspace.write(move |tx| {
                ticket.got_on(tx)?;
                spaces::begin(tx, &model)
            });
            let came = match begun.await? {
                Step::Done => return self.end(&work).await,
                Step::Clear => {
                    index.forget_before();
                    keyspace.write(|tx| spaces::clear_other(tx, REMOVED_MAX)).await?;
                    continue;
                }
                Step::Fill => self.fill(keyspace, &wanted).await,
            };
            match came {
                Ok(Came::On) => {}
                Ok(Came::Held(held)) => return Err(self.wait(keyspace, held).await?),
                Ok(Came::ToTheEnd) => {
                    if !self.switch(keyspace, &wanted).await? {
                        // Nothing has words, or something came between: the next document sets it going again.
                        return self.end(&work).await;
                    }
                    // Questions that were embedded before are answered first.
                    return Err(Failure::Later(self.inner.settings.tend_after.min(CLEARED_AFTER)));
                }
                Err(Error::Busy) => return Err(Failure::Later(Duration::from_secs(1))),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Later(Duration::ZERO))
    }
}

impl Knowledge {
    /// Sets the change to the wanted model going, if `serving` is not it and nobody has since the indexes were opened.
    pub(super) async fn plan_change(&self, keyspace: &Keyspace, serving: &str) -> Result<(), Error> {
        if serving == self.inner.models.wanted() || TenantIndex::of(keyspace).plans_change() {
            return Ok(());
        }
        let now = self.now();
        keyspace.write(move |tx| jobs::enqueue(tx, now, &ChangeModel {})).await?;
        Ok(())
    }

    /// The id of the model that new passages are embedded with.
    pub(super) async fn model_for_new(&self, keyspace: &Keyspace) -> Result<String, Error> {
        let wanted = self.inner.models.wanted().to_owned();
        Ok(keyspace.query(move |tx| spaces::model_for_new(tx, &wanted)).await?)
    }

    /// Which embedding model serves, and which is going to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn embedding_state(
        &self,
        keyspace: &Keyspace,
        _pass: Pass<ReadKnowledge>,
    ) -> Result<EmbeddingState, Error> {
        let (model, next) = keyspace.query(spaces::outlook).await?;
        let passages = TenantIndex::of(keyspace).passages() as u64;
        Ok(EmbeddingState { model, wanted: self.inner.models.wanted().to_owned(), passages, next })
    }

    /// Embeds one batch for `model` and commits it.
    async fn fill(&self, keyspace: &Keyspace, model: &str) -> Result<Came, Error> {
        let Some(embedder) = self.inner.models.of(model) else { return Ok(Came::ToTheEnd) };
        if let Some(held) = self.holds_passages(Some(embedder)) {
            return Ok(Came::Held(held));
        }
        let texts_max = self.texts_at_a_time(Some(embedder));
        let batch = keyspace.query(move |tx| spaces::batch(tx, texts_max)).await?;
        if batch.is_empty() {
            return Ok(Came::ToTheEnd);
        }
        let texts = self.texts_of(&batch);
        let Embedded { vectors, bill, held } =
            self.embed_texts(keyspace, embedder, texts, Cause::Reembedding).await?;
        let mut new = vectors.into_iter();
        let rows: Vec<_> = batch
            .into_iter()
            .map_while(|one| match one.known {
                Some(vector) => Some((one.chunk, Some(vector))),
                None => new.next().map(|vector| (one.chunk, vector)),
            })
            .collect();
        let (now, model) = (self.now(), model.to_owned());
        let filled = keyspace.write(move |tx| {
            if let Some(bill) = &bill {
                bill.pay(tx, now)?;
            }
            spaces::fill(tx, &model, &rows).map_err(Error::from)
        });
        match filled.await {
            Ok(_) => Ok(held.map_or(Came::On, Came::Held)),
            Err(Error::Index(error @ index::Error::OtherDimensions { .. })) => {
                let reason = Reason { code: error.code().to_owned(), detail: error.public().into_owned() };
                Ok(Came::Held(Held::Refused(reason)))
            }
            Err(error) => Err(error),
        }
    }

    /// What is to be embedded of those whose vector is not known.
    fn texts_of(&self, batch: &[Unembedded]) -> Vec<String> {
        let count = |text: &str| self.embedder().token_count(text);
        let settings = &self.inner.settings.chunking;
        let unknown = batch.iter().filter(|one| one.known.is_none());
        unknown
            .map(|one| embed_text_of(&one.title, &one.passage.headings, &one.passage.text, &count, settings))
            .collect()
    }

    /// Says why it does not get on; when it is to be tried again.
    async fn wait(&self, keyspace: &Keyspace, held: Held) -> Result<Failure, Error> {
        let (pause, Reason { code, detail }) = match held {
            Held::Later(pause, reason) => (pause, reason),
            Held::Refused(reason) => (REFUSED_PAUSE, reason),
        };
        tracing::warn!(?keyspace, code, detail, "the documents cannot be embedded anew at the moment");
        let waiting = Waiting { code, detail };
        keyspace.write(move |tx| spaces::wait(tx, &waiting)).await?;
        Ok(Failure::Later(pause))
    }

    /// Lets `model` serve if all its vectors are there.
    async fn switch(&self, keyspace: &Keyspace, model: &str) -> Result<bool, Error> {
        let (index, held, model) = (TenantIndex::of(keyspace), keyspace.clone(), model.to_owned());
        let switched = self.inner.indexing.run(move || index.switch(&held, &model)).await??;
        if switched {
            tracing::info!(?keyspace, model = self.inner.models.wanted(), "another embedding model serves");
        }
        Ok(switched)
    }

    async fn end(&self, work: &Work<ChangeModel>) -> Result<(), Failure> {
        TenantIndex::of(&work.keyspace).change_ended();
        let (ticket, now, tend_after) = (work.ticket, self.now(), self.inner.settings.tend_after);
        let ended = work.keyspace.write(move |tx| {
            jobs::enqueue_at(tx, now, now.plus(tend_after), &TendIndex {})?;
            ticket.complete(tx, now)
        });
        ended.await?;
        Ok(())
    }
}
