//! Vectors for passages: batch by batch, each paid for in the transaction that keeps it.

use std::time::Duration;

use super::model::{Model, RemoteModel};
use crate::ai::embedding::{EmbeddingRequest, InputType};
use crate::ai::prices::Reservation;
use crate::ai::{self, Usage};
use crate::base::{Fault as _, Micros, Timestamp};
use crate::budget::{self, Budgets, Cause, NewCharge, Outcome};
use crate::knowledge::{Error, Knowledge};
use crate::store::{Keyspace, WriteTx};

/// A model that failed is asked again after so long,
const FAILED_PAUSE: Duration = Duration::from_secs(30);
/// a budget that is used up looked at again,
const BUDGET_PAUSE: Duration = Duration::from_secs(5 * 60);
/// and whatever a server asks for, it is tried again after this.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// What a charge for embedding says in place of a tier.
pub(super) const TIER: &str = "embedding";

/// What stands in the way, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::knowledge) struct Reason {
    /// A stable code.
    pub(in crate::knowledge) code: String,
    /// What happened and what to do.
    pub(in crate::knowledge) detail: String,
}

/// Why texts have no vectors yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::knowledge) enum Held {
    /// Trying again after so long may help.
    Later(Duration, Reason),
    /// It will not, unless somebody changes something.
    Refused(Reason),
}

/// What has to be booked for a call, and what was set aside for it.
#[derive(Debug, Clone)]
pub(in crate::knowledge) struct Bill {
    budgets: Budgets,
    cause: Cause,
    charge: Option<NewCharge>,
}

impl Bill {
    pub(super) fn new(budgets: &Budgets, cause: Cause, charge: Option<NewCharge>) -> Self {
        Self { budgets: budgets.clone(), cause, charge }
    }

    /// Whether there is anything to book or to give back, of a call for which `most` was set aside.
    pub(super) fn matters(&self, most: Micros) -> bool {
        self.charge.is_some() || most > Micros::ZERO
    }

    /// Books the call and gives back what was set aside: to be called once, in the transaction that keeps what was bought.
    pub(in crate::knowledge) fn pay(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
    ) -> Result<(), budget::Error> {
        if let Some(charge) = &self.charge {
            self.budgets.charge(tx, now, self.cause, charge)?;
        }
        self.budgets.release(tx, self.cause).map(drop)
    }
}

/// What became of asking for vectors.
#[derive(Debug, Default)]
pub(in crate::knowledge) struct Embedded {
    /// Of the first texts, in their order; nothing for those without words.
    pub(in crate::knowledge) vectors: Vec<Option<Vec<f32>>>,
    /// To be paid with them.
    pub(in crate::knowledge) bill: Option<Bill>,
    /// Why the others have none.
    pub(in crate::knowledge) held: Option<Held>,
}

impl RemoteModel {
    /// What a call cost; what was set aside where the server tells more than can be counted.
    pub(super) fn charge(&self, usage: Usage, most: Micros) -> Option<NewCharge> {
        (usage != Usage::default()).then(|| NewCharge {
            provider: self.embedder.name().to_owned(),
            model: self.embedder.model().to_owned(),
            tier: TIER.to_owned(),
            usage,
            cost: self.price.cost(&usage).unwrap_or_else(|error| {
                tracing::error!(?error, model = self.embedder.name(), "the cost of a call cannot be told");
                most
            }),
        })
    }

    /// The most that a call for these texts can cost.
    pub(super) fn most(&self, texts: &[&str]) -> Result<Micros, ai::prices::PriceError> {
        let input_bytes = texts.iter().map(|text| text.len()).sum();
        let call = Reservation { input_bytes, messages: texts.len(), ..Reservation::default() };
        if self.price.is_free() { Ok(Micros::ZERO) } else { self.price.reserve(&call) }
    }

    fn held(&self, error: &ai::Error, now: Timestamp) -> Held {
        let reason = Reason { code: error.code().to_owned(), detail: error.public().into_owned() };
        if !error.retryable() {
            return Held::Refused(reason);
        }
        self.passages.failed(now, error.retry_after());
        Held::Later(error.retry_after().unwrap_or_default().clamp(FAILED_PAUSE, PAUSE_MAX), reason)
    }
}

impl Knowledge {
    /// How long passages should wait before `model` is asked for anything, and why.
    pub(in crate::knowledge) fn holds_passages(&self, model: Option<&Model>) -> Option<Held> {
        let Some(Model::Remote(remote)) = model else { return None };
        let now = self.now();
        let until = remote.passages.admit(now).err()?;
        let name = remote.embedder.name();
        let detail = format!("The embedding model \"{name}\" has failed and is asked again at {until}.");
        let reason = Reason { code: "embedding_model_left_alone".to_owned(), detail };
        Some(Held::Later(until.since(now).max(Duration::from_secs(1)), reason))
    }

    /// Texts that are embedded and committed at a time with `model`.
    pub(in crate::knowledge) fn texts_at_a_time(&self, model: Option<&Model>) -> usize {
        match model {
            Some(Model::Remote(remote)) => remote.texts_max,
            Some(Model::Bundled(_)) | None => self.inner.settings.batch_passages.max(1),
        }
    }

    /// The vectors of passages' texts.
    pub(in crate::knowledge) async fn embed_texts(
        &self,
        keyspace: &Keyspace,
        model: &Model,
        texts: Vec<String>,
        cause: Cause,
    ) -> Result<Embedded, Error> {
        if texts.is_empty() {
            return Ok(Embedded::default());
        }
        match model {
            Model::Bundled(model) => {
                let (model, threads) = (model.clone(), self.inner.settings.embedding_threads.max(1));
                let work = move || {
                    let mut vectors = Vec::with_capacity(texts.len());
                    // As many at once as there are threads for passages, so that the others stay free for questions.
                    for few in texts.chunks(threads) {
                        let few: Vec<&str> = few.iter().map(String::as_str).collect();
                        // Those without words come back without a vector, instead of failing all.
                        vectors.extend(model.embed_sentences(&few)?);
                    }
                    Ok::<_, Error>(vectors)
                };
                let vectors = self.inner.embedding.run(work).await??;
                Ok(Embedded { vectors, bill: None, held: None })
            }
            Model::Remote(model) => self.embed_elsewhere(keyspace, model, &texts, cause).await,
        }
    }

    async fn embed_elsewhere(
        &self,
        keyspace: &Keyspace,
        model: &RemoteModel,
        texts: &[String],
        cause: Cause,
    ) -> Result<Embedded, Error> {
        let told: Vec<&str> =
            texts.iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
        if told.is_empty() {
            return Ok(Embedded { vectors: vec![None; texts.len()], ..Embedded::default() });
        }
        let most = model.most(&told)?;
        if let Some(held) = self.set_aside(keyspace, cause, most).await? {
            return Ok(Embedded { held: Some(held), ..Embedded::default() });
        }
        let tenant = keyspace.tenant().map(|tenant| tenant.to_string());
        let request = EmbeddingRequest { texts: &told, input_type: InputType::Passage, tenant };
        let (done, held) = match model.embedder.embed(request).await {
            Ok(done) => {
                model.passages.succeeded();
                (done, None)
            }
            Err(failed) => {
                tracing::warn!(error = ?failed.error, model = model.embedder.name(), "an embedding model failed");
                let held = model.held(&failed.error, self.now());
                (*failed.done, Some(held))
            }
        };
        let bill = Bill::new(&self.inner.models.budgets, cause, model.charge(done.usage, most));
        Ok(Embedded { vectors: in_place(texts, done.vectors), bill: Some(bill), held })
    }

    /// Sets aside what a call can cost at most; why it may not be made, if so.
    async fn set_aside(
        &self,
        keyspace: &Keyspace,
        cause: Cause,
        most: Micros,
    ) -> Result<Option<Held>, Error> {
        if most == Micros::ZERO {
            return Ok(None);
        }
        let (budgets, now) = (self.inner.models.budgets.clone(), self.now());
        let outcome = keyspace.write(move |tx| budgets.reserve(tx, now, cause, most)).await?;
        Ok(match outcome {
            Outcome::Refused(refusal) => {
                let pause = refusal.resets_at.since(now).min(BUDGET_PAUSE).max(Duration::from_secs(1));
                Some(Held::Later(pause, over_budget()))
            }
            Outcome::Reserved(_) | Outcome::Settled(_) => None,
        })
    }

    /// Whether the budget has nothing left, as far as can be told without knowing what is to be embedded.
    pub(in crate::knowledge) async fn is_over_budget(
        &self,
        keyspace: &Keyspace,
        model: Option<&Model>,
        cause: Cause,
    ) -> Result<Option<Held>, Error> {
        let Some(Model::Remote(remote)) = model else { return Ok(None) };
        if remote.price.is_free() {
            return Ok(None);
        }
        let (budgets, now) = (self.inner.models.budgets.clone(), self.now());
        let fits = keyspace.query(move |tx| budgets.affordable(tx, now, cause, &[((), Micros(1))])).await?;
        Ok(fits.is_empty().then(|| Held::Later(BUDGET_PAUSE, over_budget())))
    }
}

pub(super) fn over_budget() -> Reason {
    Reason {
        code: "over_budget".to_owned(),
        detail: "The budget of the workspace does not allow the embedding model to be asked. It goes on by itself when \
                 the budget is raised or the next day or month begins."
            .to_owned(),
    }
}

/// The vectors of the texts that were sent, each at its text; those that were not sent have none. As far as there are vectors.
fn in_place(texts: &[String], vectors: Vec<Vec<f32>>) -> Vec<Option<Vec<f32>>> {
    let mut vectors = vectors.into_iter();
    let mut placed = Vec::with_capacity(texts.len());
    for text in texts {
        if text.trim().is_empty() {
            placed.push(None);
        } else {
            match vectors.next() {
                Some(vector) => placed.push(Some(vector)),
                None => break,
            }
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_its_own_vector_as_far_as_there_are_any() {
        let texts = ["a", " ", "b", "c"].map(str::to_owned);
        let vectors = vec![vec![1.0], vec![2.0]];
        assert_eq!(in_place(&texts, vectors), [Some(vec![1.0]), None, Some(vec![2.0])]);
        assert_eq!(in_place(&texts, Vec::new()), Vec::<Option<Vec<f32>>>::new());
    }
}
