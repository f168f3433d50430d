//! The best passages of a search, read once more by a reranker and put in a better order.
//!
//! It comes after fusion: the best candidates whose shown score reaches the least one asked for, whatever strategy fused them,
//! go to the reranker with their title and headings, and only then is the list cut to what was wanted. **The order follows the
//! reranker; the scores stay what they were**, calibrated and comparable between questions, which a reranker's are not. So `min_score`
//! means the same with and without a reranker and decides before it, and the assistant's gate, which reads the scores of all
//! passages it is given whatever their order, is not moved by it.
//!
//! It never fails a search. A reranker that is down, too slow, left alone after failures, or not allowed by the budget leaves the
//! order as it was, and the explanation says so. Money is set aside before the call, booked on the cause of the search after it,
//! and given back where nothing came of it. What is free is not booked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::retrieve::{Passage, Retrieval};
use super::{Error, Options};
use crate::ai::prices::{Price, RerankingSize};
use crate::ai::rerank::{Ranked, RerankRequest, Reranked, Reranker};
use crate::ai::{self, Breaker, Usage};
use crate::base::{Clock, Fault as _, Micros};
use crate::budget::{self, Budgets, Cause, NewCharge};
use crate::store::{Keyspace, WriteTx};

/// What the ledger has in place of a tier.
const TIER: &str = "rerank";

/// Who puts passages in order, what it costs, and who is left alone for a while.
#[derive(Debug)]
pub struct Reranking {
    reranker: Arc<dyn Reranker>,
    price: Price,
    budgets: Budgets,
    candidates: usize,
    breaker: Breaker,
}

/// What became of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RerankOutcome {
    /// It is the reranker's.
    Reordered,
    /// There were not two passages to put in order; nobody was asked.
    TooFew,
    /// It stays: the reranker has failed again and again, and is left alone for a while.
    LeftAlone,
    /// It stays: the budget does not allow the call.
    OverBudget,
    /// It stays: the reranker failed or took too long.
    Failed,
}

/// Where one passage went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RerankPlace {
    /// The passage's number.
    pub chunk: u64,
    /// Its place before, from 1.
    pub before: u32,
    /// Its place after; what is beyond the number wanted was cut off.
    pub after: u32,
    /// What the reranker gave it; comparable within this search only.
    pub score: f32,
}

/// What a reranker made of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RerankExplanation {
    /// Its name in the settings.
    pub reranker: String,
    /// The model.
    pub model: String,
    /// What became of the order.
    pub outcome: RerankOutcome,
    /// Why it stayed, for whoever looks after the appliance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Passages it was to put in order.
    pub candidates: usize,
    /// What was read.
    pub usage: Usage,
    /// What that cost, in micro-dollars.
    pub cost: Micros,
    /// Microseconds that it took, money included.
    pub took_us: u64,
    /// Where each passage went, best first.
    pub places: Vec<RerankPlace>,
}

/// What a reranker is to read.
struct Wish<'a> {
    query: &'a str,
    texts: &'a [String],
    size: RerankingSize,
    cause: Cause,
}

/// Why the order stays as it was.
struct Skipped(RerankOutcome, Option<String>);

impl Reranking {
    /// `reranker` puts the best `candidates` in order, at `price`, within `budgets`.
    #[must_use]
    pub fn new(reranker: Arc<dyn Reranker>, price: Price, candidates: usize, budgets: Budgets) -> Self {
        Self { reranker, price, budgets, candidates, breaker: Breaker::default() }
    }

    /// Passages it puts in order.
    pub(super) fn candidates(&self) -> usize {
        self.candidates
    }

    /// Puts the best passages of `retrieval` in a better order, if it can, and says in its explanation what came of it.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn reorder(
        &self,
        keyspace: &Keyspace,
        clock: &dyn Clock,
        query: &str,
        options: &Options,
        retrieval: &mut Retrieval,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let texts: Vec<String> = retrieval.passages.iter().take(self.candidates).map(read_as).collect();
        let size = RerankingSize::new(query.len(), texts.iter().map(String::len));
        let wish = Wish {
            query,
            texts: &texts,
            size,
            cause: options.subject.map_or_else(Cause::search, Cause::from),
        };
        let mut explanation = RerankExplanation {
            reranker: self.reranker.name().to_owned(),
            model: self.reranker.model().to_owned(),
            outcome: RerankOutcome::Reordered,
            detail: None,
            candidates: texts.len(),
            usage: Usage::default(),
            cost: Micros::ZERO,
            took_us: 0,
            places: Vec::new(),
        };
        match self.ask(keyspace, clock, &wish, &mut explanation).await? {
            Ok(reranked) => {
                let passages = std::mem::take(&mut retrieval.passages);
                (retrieval.passages, explanation.places) = in_order(passages, &reranked.ranked);
            }
            Err(Skipped(outcome, detail)) => (explanation.outcome, explanation.detail) = (outcome, detail),
        }
        explanation.took_us = micros(begun.elapsed());
        retrieval.explanation.timings.rerank_us = explanation.took_us;
        retrieval.explanation.rerank = Some(explanation);
        Ok(())
    }

    async fn ask(
        &self,
        keyspace: &Keyspace,
        clock: &dyn Clock,
        wish: &Wish<'_>,
        explanation: &mut RerankExplanation,
    ) -> Result<Result<Reranked, Skipped>, Error> {
        if wish.texts.len() < 2 {
            return Ok(Err(Skipped(RerankOutcome::TooFew, None)));
        }
        if let Err(until) = self.breaker.admit(clock.now()) {
            let detail = format!("it has failed again and again and is left alone until {until}");
            return Ok(Err(Skipped(RerankOutcome::LeftAlone, Some(detail))));
        }
        if let Some(skipped) = self.reserve(keyspace, clock, wish).await? {
            return Ok(Err(skipped));
        }
        let documents: Vec<&str> = wish.texts.iter().map(String::as_str).collect();
        let request = RerankRequest {
            query: wish.query,
            documents: &documents,
            top: documents.len(),
            tenant: keyspace.tenant().map(|tenant| tenant.to_string()),
        };
        let answer = self.reranker.rerank(request).await;
        let charge = self.charge(&answer, wish);
        if let Some(charge) = &charge {
            (explanation.usage, explanation.cost) = (charge.usage, charge.cost);
        }
        self.settle(keyspace, clock, wish, charge).await?;
        Ok(match answer {
            Ok(reranked) => {
                self.breaker.succeeded();
                Ok(reranked)
            }
            Err(error) => {
                tracing::warn!(?error, reranker = self.reranker.name(), "the order stays as it was");
                if error.counts_against_provider() {
                    self.breaker.failed(clock.now(), error.retry_after());
                }
                Err(Skipped(RerankOutcome::Failed, Some(error.to_string())))
            }
        })
    }

    /// What the call came to, where it cost or read anything. An answer that is refused here may be charged all the same, and is
    /// counted as what was set aside; what was cut off by the deadline is not known, and is not counted.
    fn charge(&self, answer: &Result<Reranked, ai::Error>, wish: &Wish<'_>) -> Option<NewCharge> {
        let most = || self.price.reserve_reranking(wish.size).unwrap_or_default();
        let (usage, cost) = match answer {
            Ok(reranked) => {
                let cost = self.price.reranking(&reranked.usage, reranked.search_units, wish.size);
                (reranked.usage, cost.unwrap_or_else(|_| most()))
            }
            Err(ai::Error::Malformed { .. }) => {
                let bytes = wish.texts.iter().map(String::len).sum::<usize>() + wish.query.len();
                (Usage::estimate(bytes, 0), most())
            }
            Err(_) => return None,
        };
        let (provider, model) = (self.reranker.name().to_owned(), self.reranker.model().to_owned());
        Some(NewCharge { provider, model, tier: TIER.to_owned(), usage, cost })
    }

    /// Sets aside what the call can cost at most; why it may not be made otherwise. What is free needs no budget.
    async fn reserve(
        &self,
        keyspace: &Keyspace,
        clock: &dyn Clock,
        wish: &Wish<'_>,
    ) -> Result<Option<Skipped>, Error> {
        if self.price.is_free() {
            return Ok(None);
        }
        let refused = |detail: &str| Some(Skipped(RerankOutcome::OverBudget, Some(detail.to_owned())));
        let Ok(amount) = self.price.reserve_reranking(wish.size) else {
            return Ok(refused("what it can cost is beyond all amounts"));
        };
        let (budgets, now, cause) = (self.budgets.clone(), clock.now(), wish.cause);
        let reserve = move |tx: &mut WriteTx<'_>| budgets.reserve(tx, now, cause, amount);
        Ok(match keyspace.write(reserve).await? {
            budget::Outcome::Reserved(_) => None,
            budget::Outcome::Refused(refusal) => {
                tracing::info!(?refusal, "the budget does not allow a reranking");
                refused("the budget does not allow a call")
            }
            budget::Outcome::Settled(_) => refused("the answer has been paid for before"),
        })
    }

    /// Books what it cost, and gives back what was set aside.
    async fn settle(
        &self,
        keyspace: &Keyspace,
        clock: &dyn Clock,
        wish: &Wish<'_>,
        charge: Option<NewCharge>,
    ) -> Result<(), Error> {
        if self.price.is_free() {
            return Ok(());
        }
        let (budgets, now, cause) = (self.budgets.clone(), clock.now(), wish.cause);
        let settle = move |tx: &mut WriteTx<'_>| {
            if let Some(charge) = &charge {
                budgets.charge(tx, now, cause, charge)?;
            }
            budgets.release(tx, cause).map(drop)
        };
        Ok(keyspace.write(settle).await?)
    }
}

/// A passage as a reranker reads it: like what was embedded of it, its title and headings stand above it.
fn read_as(passage: &Passage) -> String {
    let repeats = passage.heading.first().is_some_and(|first| first.eq_ignore_ascii_case(&passage.title));
    let title = Some(passage.title.as_str()).filter(|title| !repeats && !title.is_empty());
    let above: Vec<&str> = title.into_iter().chain(passage.heading.iter().map(String::as_str)).collect();
    if above.is_empty() { passage.text.clone() } else { format!("{}\n{}", above.join(" > "), passage.text) }
}

/// The passages as they were ranked, then those that were not, and where each ranked one went.
fn in_order(passages: Vec<Passage>, ranked: &[Ranked]) -> (Vec<Passage>, Vec<RerankPlace>) {
    let mut waiting: Vec<Option<Passage>> = passages.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    let mut places = Vec::with_capacity(ranked.len());
    for ranked in ranked {
        let Some(passage) = waiting.get_mut(ranked.index).and_then(Option::take) else { continue };
        let place = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
        places.push(RerankPlace {
            chunk: passage.chunk,
            before: place(ranked.index),
            after: place(ordered.len()),
            score: ranked.score,
        });
        ordered.push(passage);
    }
    ordered.extend(waiting.into_iter().flatten());
    (ordered, places)
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
