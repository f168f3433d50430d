//! Why an answer is as it is: kept for each answered message, in the transaction that stores the answer.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::ai::Usage;
use crate::ai::route::Choice;
use crate::base::{DocumentId, MessageId, Micros};
use crate::identity::Pass;
use crate::identity::pass::ReadWorkspace;
use crate::knowledge::Retrieval;
use crate::store::{Read, WriteTx, tables};

/// One model that was to be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Its name in the settings.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it was chosen as; nothing when the settings name it.
    pub tier: Option<String>,
    /// `answered`, `declined` (the documents hold no answer), `uncited`, `over_budget`, `left_alone`, or the code of the error.
    pub outcome: String,
    /// What became of it, for people: follows the model's name.
    pub said: String,
    /// What went wrong, for whoever looks after the appliance.
    pub detail: String,
    /// What it read and wrote.
    #[schema(value_type = Object)]
    pub usage: Usage,
    /// What that cost, in micro-dollars.
    pub cost: Micros,
    /// How long it took.
    pub took_ms: u64,
}

impl Attempt {
    pub(super) const OVER_BUDGET: &'static str = "over_budget";

    /// One that was not made.
    pub(super) fn without_call(choice: &Choice, outcome: &str, said: &str, detail: String) -> Self {
        Self {
            provider: choice.provider.clone(),
            model: choice.model.clone(),
            tier: choice.tier.map(|tier| tier.to_string()),
            outcome: outcome.to_owned(),
            said: said.to_owned(),
            detail,
            usage: Usage::default(),
            cost: Micros::ZERO,
            took_ms: 0,
        }
    }

    pub(super) fn is_over_budget(&self) -> bool {
        self.outcome == Self::OVER_BUDGET
    }
}

/// A passage that was found for the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TracedPassage {
    /// Of which document.
    pub document: DocumentId,
    /// The number of the passage.
    pub chunk: u64,
    /// How well it fits, 0 to 1.
    pub score: f32,
    /// Its cosine with the question.
    pub cosine: f32,
    /// Its place by meaning, from 1.
    pub semantic_rank: Option<u32>,
    /// Its BM25.
    pub bm25: f32,
    /// Its place by words, from 1.
    pub keyword_rank: Option<u32>,
}

/// Why an answer is as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trace {
    /// What was looked for, where the question leans on the one before it.
    #[serde(default)]
    pub asked_as: Option<String>,
    /// The version of the words that models are instructed with.
    pub prompt_version: String,
    /// The BLAKE3 hash of all that the answering model was sent; nothing when the documents are quoted.
    pub prompt_hash: Option<String>,
    /// The passages that were found, best first.
    pub passages: Vec<TracedPassage>,
    /// How they were found.
    #[schema(value_type = Object)]
    pub retrieval: serde_json::Value,
    /// Why which model was chosen: the score, its features and the reason; null when the settings name the model.
    #[schema(value_type = Object)]
    pub decision: serde_json::Value,
    /// The models that were to be asked, in order.
    pub attempts: Vec<Attempt>,
}

tables! {
    /// By the message that was answered.
    Traces = "assistant.trace": MessageId => Trace;
}

impl Trace {
    pub(super) fn of(retrieval: &Retrieval) -> Self {
        let passages = retrieval.passages.iter().map(|passage| TracedPassage {
            document: passage.document,
            chunk: passage.chunk,
            score: passage.score,
            cosine: passage.semantic.score,
            semantic_rank: passage.semantic.rank,
            bm25: passage.keyword.score,
            keyword_rank: passage.keyword.rank,
        });
        Self {
            prompt_version: super::prompt::VERSION.to_owned(),
            passages: passages.collect(),
            retrieval: serde_json::to_value(&retrieval.explanation).unwrap_or_default(),
            ..Self::default()
        }
    }

    pub(super) fn keep(&self, tx: &mut WriteTx<'_>, message: MessageId) -> Result<(), Error> {
        Ok(tx.put::<Traces>(&message, self)?)
    }
}

/// Why the answer to a message is as it is; nothing for one without an answer.
///
/// # Errors
/// When the store fails.
pub fn trace(tx: &impl Read, _: Pass<ReadWorkspace>, message: MessageId) -> Result<Option<Trace>, Error> {
    Ok(tx.get::<Traces>(&message)?)
}
