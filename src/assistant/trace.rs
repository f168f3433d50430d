//! Why an answer is as it is: kept for each answered message, in the transaction that stores the answer.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::ai::Usage;
use crate::ai::route::Choice;
use crate::base::{DocumentId, MessageId, Micros};
use crate::identity::Pass;
use crate::identity::pass::ReadWorkspace;
use crate::knowledge::{Options, Retrieval};
use crate::store::{Read, WriteTx, tables};

/// 64 bits tell a hundred passages apart.
const FINGERPRINT_CHARS: usize = 16;

/// One model that was to be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Its name in the settings.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it was chosen as; nothing when the settings name it.
    pub tier: Option<String>,
    /// `answered`, `declined` (the documents hold no answer), `uncited`, `unsupported` (by the passages it cites), `called_off` (the visitor had left), `over_budget`, `left_alone`, or the code of the error.
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
    /// What a model reads of it, as a hash: its words themselves go with its document. Nothing in traces from before there were any.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// What a model was sent, as far as it is not kept elsewhere; with the question and the passages it is all there was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sent {
    /// What the workspace was called.
    pub workspace: String,
    /// The earlier messages, oldest first.
    pub history: Vec<MessageId>,
    /// How many of the passages, the best ones.
    pub passages: usize,
    /// How long the answer could be, in tokens.
    pub output_tokens_max: u32,
    /// The temperature.
    pub temperature: Option<f32>,
    /// Whether it was shown the pictures.
    #[serde(default)]
    pub sees: bool,
    /// What another model had said that they show.
    #[serde(default)]
    pub looked: Option<String>,
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
    /// What the answering model was sent besides; nothing when the documents are quoted, and in traces from before it was kept.
    #[serde(default)]
    pub sent: Option<Sent>,
    /// Passages that were looked for at most; 0 in traces from before it was kept.
    #[serde(default)]
    pub passages_max: usize,
    /// Passages with a lower score were left out; 0 to 1.
    #[serde(default)]
    pub min_score: f32,
    /// The passages that were found, best first.
    pub passages: Vec<TracedPassage>,
    /// How they were found.
    #[schema(value_type = Object)]
    pub retrieval: serde_json::Value,
    /// Why which model was chosen: the score, its features and the reason; null when the settings name the model.
    #[schema(value_type = Option<Object>, required)]
    pub decision: serde_json::Value,
    /// The models that were to be asked, in order.
    pub attempts: Vec<Attempt>,
}

tables! {
    /// By the message that was answered.
    Traces = "assistant.trace": MessageId => Trace;
}

impl Trace {
    pub(super) fn of(retrieval: &Retrieval, options: &Options) -> Self {
        let passages = retrieval.passages.iter().map(|passage| TracedPassage {
            document: passage.document,
            chunk: passage.chunk,
            score: passage.score,
            cosine: passage.semantic.score,
            semantic_rank: passage.semantic.rank,
            bm25: passage.keyword.score,
            keyword_rank: passage.keyword.rank,
            fingerprint: Some(fingerprint(&passage.title, &passage.heading, &passage.text)),
        });
        Self {
            prompt_version: super::prompt::VERSION.to_owned(),
            passages_max: options.limit,
            min_score: options.min_score,
            passages: passages.collect(),
            retrieval: serde_json::to_value(&retrieval.explanation).unwrap_or_default(),
            ..Self::default()
        }
    }

    pub(super) fn keep(&self, tx: &mut WriteTx<'_>, message: MessageId) -> Result<(), Error> {
        Ok(tx.put::<Traces>(&message, self)?)
    }
}

/// Of what a model reads of a passage.
pub(super) fn fingerprint(title: &str, heading: &[String], text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(title).chain(heading.iter().map(String::as_str)).chain([text]) {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(FINGERPRINT_CHARS).collect()
}

/// Why the answer to a message is as it is; nothing for one without an answer.
///
/// # Errors
/// When the store fails.
pub fn trace(tx: &impl Read, _: Pass<ReadWorkspace>, message: MessageId) -> Result<Option<Trace>, Error> {
    Ok(tx.get::<Traces>(&message)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    /// A passage as it was kept at first.
    #[derive(Serialize)]
    struct FirstPassage {
        document: DocumentId,
        chunk: u64,
        score: f32,
        cosine: f32,
        semantic_rank: Option<u32>,
        bm25: f32,
        keyword_rank: Option<u32>,
    }

    /// A trace as it was kept at first.
    #[derive(Serialize)]
    struct FirstTrace {
        prompt_version: String,
        prompt_hash: Option<String>,
        passages: Vec<FirstPassage>,
        retrieval: serde_json::Value,
        decision: serde_json::Value,
        attempts: Vec<Attempt>,
    }

    #[test]
    fn a_trace_from_before_more_was_kept_is_still_read() {
        let document = DocumentId::new(Timestamp::from_millis(1));
        let (score, semantic_rank) = (0.5, Some(1));
        let passage = FirstPassage {
            document,
            chunk: 7,
            score,
            cosine: score,
            semantic_rank,
            bm25: 1.0,
            keyword_rank: None,
        };
        let first = FirstTrace {
            prompt_version: "answer-1".to_owned(),
            prompt_hash: Some("00".to_owned()),
            passages: vec![passage],
            retrieval: serde_json::Value::Null,
            decision: serde_json::Value::Null,
            attempts: Vec::new(),
        };
        let trace: Trace = rmp_serde::from_slice(&rmp_serde::to_vec_named(&first).unwrap()).unwrap();
        assert_eq!((trace.sent, trace.passages_max, trace.asked_as), (None, 0, None));
        assert_eq!((trace.passages[0].document, trace.passages[0].fingerprint.as_deref()), (document, None));
    }

    #[test]
    fn a_fingerprint_tells_where_one_part_ends_and_the_next_begins() {
        let heading = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let one = fingerprint("Pump", &heading(&["a", "b"]), "text");
        assert_eq!(one.len(), FINGERPRINT_CHARS);
        assert_ne!(one, fingerprint("Pump", &heading(&["ab"]), "text"));
        assert_ne!(one, fingerprint("Pump", &heading(&["a"]), "btext"));
        assert_eq!(one, fingerprint("Pump", &heading(&["a", "b"]), "text"));
    }
}
