//! Finding the passages that answer a question, and being able to say how.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::document::{Documents, Places};
use super::embedding::Asked;
use super::rerank::{RerankExplanation, Reranking};
use super::{Error, Knowledge};
use crate::base::DocumentId;
use crate::budget::{Cause, Subject};
use crate::identity::Pass;
use crate::identity::pass::ReadKnowledge;
use crate::search::fusion::{self, Ranked, Strategy, Timings, Trace, WeightReason};
use crate::search::index::{self, EmbeddingModel, Question, TenantIndex, group_of};
use crate::search::{self, keywords};
use crate::store::{Keyspace, Read as _, ReadTx};

/// The most passages one retrieval returns.
const LIMIT_MAX: usize = 100;
/// What is read of a question; the model reads less.
const QUERY_BYTES_MAX: usize = 16 << 10;

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Passages at most, 1 to 100.
    pub limit: usize,
    /// Passages whose score (0 to 1) is lower are left out.
    pub min_score: f32,
    /// Another way of fusing than the settings say, to compare.
    pub strategy: Option<Strategy>,
    /// Whether a reranker that is configured puts the best passages in order; false to compare.
    pub rerank: bool,
    /// The message that is answered, where there is one: what embedding the question and reranking cost counts as part of its answer.
    pub subject: Option<Subject>,
}

impl Default for Options {
    fn default() -> Self {
        Self { limit: 10, min_score: 0.0, strategy: None, rerank: true, subject: None }
    }
}

/// One list's view of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Scored {
    /// The cosine, or BM25.
    pub score: f32,
    /// Place in that list, from 1; nothing when that list did not return it and its score was filled in.
    pub rank: Option<u32>,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passage {
    /// Its document.
    pub document: DocumentId,
    /// What the document calls itself.
    pub title: String,
    /// The path it was uploaded under.
    pub name: String,
    /// The headings the passage stands under, outermost first.
    pub heading: Vec<String>,
    /// The page it begins on, from 1, where there are pages.
    pub page: Option<u32>,
    /// Its number, which is never used again.
    pub chunk: u64,
    /// Its text in light Markdown.
    pub text: String,
    /// First byte in the document's readable text.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// 0 to 1: about the chance that it is relevant, where [`Explanation::calibrated`] says so. The order need not follow it,
    /// least of all a reranker's.
    pub score: f32,
    /// The cosine with the question.
    pub semantic: Scored,
    /// BM25 with the question; 0 when it holds none of its words.
    pub keyword: Scored,
}

/// How passages were found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// How the lists were fused.
    pub strategy: Strategy,
    /// Share of the semantic score in the order, 0 to 1.
    pub semantic_weight: f32,
    /// Why that share.
    pub weight_reason: WeightReason,
    /// The embedding model whose vectors serve.
    pub model: String,
    /// Why nothing is known of likeness of meaning, so that words alone decided; nothing where it is.
    pub semantic_missing: Option<String>,
    /// Whether scores have been measured to mean a chance with this model. Otherwise they are right in their order, and a guess in
    /// their size.
    pub calibrated: bool,
    /// Passages that were searched.
    pub indexed: usize,
    /// Passages considered.
    pub candidates: usize,
    /// Passages kept out because they are being replaced or removed.
    pub dropped_hidden: usize,
    /// Passages whose score was below the minimum.
    pub dropped_by_min_score: usize,
    /// What a reranker made of it; nothing where none is configured or wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<RerankExplanation>,
    /// Microseconds of each step.
    pub timings: Timings,
    /// Microseconds from the call to the answer, waiting for a turn and reading the passages included.
    pub total_us: u64,
}

/// The passages for a question, best first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retrieval {
    /// Best first.
    pub passages: Vec<Passage>,
    /// How they were found.
    pub explanation: Explanation,
}

impl Knowledge {
    /// The best passages for a question among the documents that serve at this moment. A question without words finds none. A
    /// reranker that fails leaves the order as it was.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when too many wait, or when the store, an index or the model fails.
    pub async fn retrieve(
        &self,
        keyspace: &Keyspace,
        _pass: Pass<ReadKnowledge>,
        query: &str,
        options: Options,
    ) -> Result<Retrieval, Error> {
        let begun = Instant::now();
        let query: Arc<str> =
            query.get(..query.floor_char_boundary(QUERY_BYTES_MAX)).unwrap_or_default().into();
        let index = TenantIndex::of(keyspace);
        let serving = index.model(keyspace)?;
        let (asked, asked_us) = if query.trim().is_empty() {
            (Asked::Without(String::new()), 0)
        } else {
            self.ask_for_vector(keyspace, &serving, &query, options.subject.map(Cause::from)).await?
        };
        let changes = *serving.id != *self.inner.models.wanted();
        let work = {
            let (knowledge, keyspace, query) = (self.clone(), keyspace.clone(), query.clone());
            let of = serving.clone();
            move || knowledge.retrieve_blocking(&keyspace, &index, &query, options, &of, asked)
        };
        let mut retrieval = self.inner.questions.run(work).await??;
        if changes && retrieval.explanation.indexed > 0 {
            self.plan_change(keyspace, &serving.id).await?;
        }
        if let Some(reranking) = self.reranking(&options) {
            reranking.reorder(keyspace, self.clock(), &query, &options, &mut retrieval).await?;
            retrieval.passages.truncate(limit(&options));
        }
        retrieval.explanation.timings.embed_us += asked_us;
        retrieval.explanation.total_us = micros(begun);
        Ok(retrieval)
    }

    fn retrieve_blocking(
        &self,
        keyspace: &Keyspace,
        index: &Arc<TenantIndex>,
        query: &str,
        options: Options,
        model: &EmbeddingModel,
        asked: Asked,
    ) -> Result<Retrieval, Error> {
        let mut settings = self.inner.settings.fusion;
        settings.top_k = limit(&options);
        settings.rerank_candidates = self.reranking(&options).map_or(0, Reranking::candidates);
        settings.min_score = options.min_score;
        settings.strategy = options.strategy.unwrap_or(settings.strategy);
        let begun = Instant::now();
        if query.trim().is_empty() {
            return Ok(nothing(model, &settings));
        }
        let (vector, missing) = match asked {
            Asked::Here(bundled) => match bundled.embed_query(query) {
                Err(search::Error::TextEmpty) => return Ok(nothing(model, &settings)),
                other => (Some(other?), None),
            },
            Asked::Vector(vector) => (Some(vector), None),
            Asked::Without(reason) => (None, Some(reason)),
        };
        let embed_us = micros(begun);
        keyspace.read(|tx| {
            let vector = vector.as_deref().map(|vector| (model, vector));
            let question = Question { text: query, vector, settings: &settings };
            let answer = index.ask(keyspace, tx, &question)?;
            let mut explanation = explain(model, &answer.fused.trace, answer.indexed);
            explanation.timings.embed_us = embed_us;
            explanation.calibrated &= answer.semantic;
            explanation.semantic_missing = missing.or_else(|| {
                let reason =
                    "the vectors of this embedding model do not serve any more, or have another size";
                (!answer.semantic).then(|| reason.to_owned())
            });
            let passages = answer.fused.results.iter().map(|ranked| passage(tx, ranked));
            let passages = passages.filter_map(Result::transpose).collect::<Result<_, Error>>()?;
            Ok(Retrieval { passages, explanation })
        })
    }
}

fn explain(model: &EmbeddingModel, trace: &Trace, indexed: usize) -> Explanation {
    Explanation {
        strategy: trace.strategy,
        semantic_weight: trace.semantic_weight,
        weight_reason: trace.reason,
        model: model.id.to_string(),
        semantic_missing: None,
        calibrated: fusion::Calibration::is_measured(&model.id),
        indexed,
        candidates: trace.candidates,
        dropped_hidden: trace.dropped_by_filter,
        dropped_by_min_score: trace.dropped_by_min_score,
        rerank: None,
        timings: trace.timings,
        total_us: 0,
    }
}

fn nothing(model: &EmbeddingModel, settings: &fusion::Settings) -> Retrieval {
    let calibration = fusion::Calibration::of_model(&model.id);
    let fused = fusion::fuse(&[], keywords::Evidence::default(), calibration, settings);
    Retrieval { passages: Vec::new(), explanation: explain(model, &fused.trace, 0) }
}

fn limit(options: &Options) -> usize {
    options.limit.clamp(1, LIMIT_MAX)
}

/// The passage with what is known of its document; nothing if it does not serve in this snapshot.
fn passage(tx: &ReadTx, ranked: &Ranked) -> Result<Option<Passage>, Error> {
    let Some(group) = index::group(tx, group_of(ranked.chunk))? else { return Ok(None) };
    let Some(document) = tx.get::<Documents>(&group.owner)? else { return Ok(None) };
    let serves = document.active.as_ref().is_some_and(|active| active.group == group_of(ranked.chunk));
    let (Some(found), Some(place), true) =
        (index::passage(tx, ranked.chunk)?, tx.get::<Places>(&ranked.chunk)?, serves)
    else {
        return Ok(None);
    };
    let explanation = &ranked.explanation;
    Ok(Some(Passage {
        document: group.owner,
        title: group.title,
        name: document.name,
        heading: found.headings,
        page: place.page,
        chunk: ranked.chunk,
        text: found.text,
        start: place.start,
        end: place.end,
        score: ranked.score,
        semantic: Scored { score: explanation.cosine, rank: explanation.semantic_rank },
        keyword: Scored { score: explanation.bm25, rank: explanation.keyword_rank },
    }))
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
