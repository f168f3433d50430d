//! Looking into the documents as the assistant does, and seeing why it finds what it finds.
//!
//! It asks the same [`crate::knowledge::Knowledge::retrieve`] that the assistant asks, with the appliance's settings; the
//! caller may vary the number, the least score and the strategy, and leave out the reranker, to compare. It stores nothing and counts as reading.

use axum::Json as View;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Routes;
use crate::http::{Caller, Inside, Json, Problem};
use crate::identity::pass::ReadKnowledge;
use crate::knowledge::{EmbeddingState, Explanation, Options, Passage};
use crate::search::fusion::Strategy;

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(search)).routes(routes!(embedding))
}

/// What to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A question or words.
    query: String,
    /// Passages at most, 1 to 50; 10 when not given.
    limit: Option<usize>,
    /// Passages with a lower score are left out, 0 to 1.
    min_score: Option<f64>,
    /// Another way of reading the two indexes as one, to compare.
    strategy: Option<Strategy>,
    /// False to leave the order as the two indexes have it, though a reranker is configured.
    rerank: Option<bool>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct Found {
    /// Passages, best first, with both indexes' scores and ranks.
    #[schema(value_type = Vec<Object>)]
    results: Vec<Passage>,
    /// How they were found: strategy, weights, counts, what a reranker made of the order, microseconds of each step.
    #[schema(value_type = Object)]
    explanation: Explanation,
}

const LIMIT_MAX: usize = 50;

#[allow(clippy::cast_possible_truncation, reason = "a number of 0 to 1 is rounded to a float")]
fn score(wanted: Option<f64>) -> f32 {
    wanted.unwrap_or(0.0).clamp(0.0, 1.0) as f32
}

/// The best passages for a question, with both indexes' scores and ranks.
///
/// Permission: `ReadKnowledge`.
#[utoipa::path(post, path = "/api/v1/search", tag = "documents", security(("session" = []), ("bearer" = [])), request_body = Wanted,
    responses((status = 200, description = "Passages.", body = Found)))]
async fn search(
    services: Inside,
    caller: Caller,
    Json(wanted): Json<Wanted>,
) -> Result<View<Found>, Problem> {
    let pass = caller.pass::<ReadKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let options = Options {
        limit: wanted.limit.unwrap_or(10).clamp(1, LIMIT_MAX),
        min_score: score(wanted.min_score),
        strategy: wanted.strategy,
        rerank: wanted.rerank.unwrap_or(true),
        subject: None,
    };
    let found = services.knowledge.retrieve(&keyspace, pass, &wanted.query, options).await?;
    Ok(View(Found { results: found.passages, explanation: found.explanation }))
}

/// Which embedding model the documents are searched with, and how far a change to another has come.
///
/// Permission: `ReadKnowledge`.
#[utoipa::path(get, path = "/api/v1/search/embedding", tag = "documents", security(("session" = []), ("bearer" = [])),
    responses((status = 200, description = "The model that serves, and the one that is going to.", body = EmbeddingState)))]
async fn embedding(services: Inside, caller: Caller) -> Result<View<EmbeddingState>, Problem> {
    let pass = caller.pass::<ReadKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    Ok(View(services.knowledge.embedding_state(&keyspace, pass).await?))
}
