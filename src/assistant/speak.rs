//! Asks one model after another until one of them answers.
//!
//! A model that fails is followed by the next one, which begins anew: what the first had shown is replaced, never
//! continued. When none answers, the caller quotes the documents. What the calls cost is the matter of [`books`].

use std::time::Instant;

use super::Error;
use super::books::{self, Allowed, Books};
use super::draft::Draft;
use super::generate::{Generated, Heard, Wish, generate};
use super::models::{Model, Models, Reached};
use super::trace::{Attempt, Sent};
use crate::ai::keys;
use crate::ai::route::{Choice, Decision};
use crate::ai::{self, ChatRequest, StopReason, Usage};
use crate::base::{Fault as _, Micros, Timestamp};
use crate::budget::{AtLimit, NewCharge};
use crate::knowledge::Span;

/// Of a conversation that is too long for a model, so many of the last messages are kept.
const HISTORY_KEPT: usize = 2;

/// What the models said.
pub(super) enum Spoken {
    /// An answer whose citations point at passages.
    Answer {
        /// Light Markdown with markers from 1.
        text: String,
        /// For each marker, the place of its passage in the list given, from 0.
        cited: Vec<usize>,
        /// Its claims without a source, in UTF-16 code units of `text`.
        uncited: Vec<Span>,
        /// Who wrote it.
        by: Choice,
    },
    /// The documents are to be quoted.
    Nobody,
    /// The budget is used up, and then a person is to answer.
    Person,
}

/// What became of asking.
pub(super) struct Asked {
    pub(super) spoken: Spoken,
    /// What people should know about it.
    pub(super) note: Option<String>,
    /// Of the last call, to be settled with the answer.
    pub(super) charge: Option<NewCharge>,
    pub(super) decision: Option<Decision>,
    pub(super) attempts: Vec<Attempt>,
    /// The hash of what the answering model was sent, and what that was made from.
    pub(super) prompt: Option<(String, Sent)>,
}

/// Asks for the answer to one message.
pub(super) struct Speaker<'a> {
    pub(super) models: &'a Models,
    pub(super) books: Books<'a>,
}

impl Speaker<'_> {
    pub(super) async fn speak(&self, wish: Wish<'_>, draft: &mut Draft) -> Result<Asked, Error> {
        let plan = self.models.plan(wish.question, wish.history.len(), wish.images.count());
        let asked = self.ask_in_turn(plan.choices, wish, draft).await?;
        Ok(Asked { decision: plan.decision, ..asked })
    }

    /// Asks one after another.
    pub(super) async fn ask_in_turn(
        &self,
        choices: Vec<Choice>,
        wish: Wish<'_>,
        draft: &mut Draft,
    ) -> Result<Asked, Error> {
        let mut asked = Asked {
            spoken: Spoken::Nobody,
            note: None,
            charge: None,
            decision: None,
            attempts: Vec::new(),
            prompt: None,
        };
        for choice in choices {
            let Some(model) = self.models.get(&choice.provider) else { continue };
            let reached = match self.models.reach(self.books.keyspace, model) {
                Ok(reached) => reached,
                Err(keys::Error::Store(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::error!(?error, provider = choice.provider, "a model cannot be asked");
                    asked.attempts.push(Attempt::without_key(&choice, &error));
                    continue;
                }
            };
            if let Err(until) = reached.breaker.admit(self.books.now()) {
                asked.attempts.push(Attempt::left_alone(&choice, until));
                continue;
            }
            if self.ask((model, &reached), choice, wish, draft, &mut asked).await? {
                return Ok(asked);
            }
        }
        if !asked.attempts.is_empty() && asked.note.is_none() {
            asked.note = Some(nobody_answered(&asked.attempts));
        }
        Ok(asked)
    }

    /// Asks one model, a second time with less where the conversation is too long for it. Whether the matter is settled.
    async fn ask(
        &self,
        (model, reached): (&Model, &Reached),
        choice: Choice,
        wish: Wish<'_>,
        draft: &mut Draft,
        asked: &mut Asked,
    ) -> Result<bool, Error> {
        let passages = wish.passages.get(..model.passages_max).unwrap_or(wish.passages);
        let wish = Wish { passages, ..wish };
        for wish in [wish, shortened(wish)] {
            let sees = self.models.sees(&choice.provider);
            let request = wish.request(sees);
            let most = match self.books.reserve(&model.price, &request).await? {
                Allowed::Yes(amount) => amount,
                Allowed::No(at_limit) => {
                    asked.attempts.push(Attempt::over_budget(&choice));
                    if at_limit == AtLimit::HandOver {
                        asked.spoken = Spoken::Person;
                    }
                    return Ok(at_limit == AtLimit::HandOver);
                }
            };
            let prompt = (prompt_hash(&request), sent(wish, &request, sees));
            let begun = Instant::now();
            let left = draft.left_alone(self.models.left_after);
            let heard = generate(&*reached.provider, request, wish, draft, left).await;
            let cost = books::cost(&model.price, &choice, &heard.usage, most);
            asked.attempts.push(Attempt::made(&choice, &heard, cost, begun.elapsed()));
            let charge =
                (heard.usage != Usage::default()).then(|| self.books.charge(&choice, heard.usage, cost));
            match heard.outcome {
                Ok(generated) => {
                    reached.breaker.succeeded();
                    (asked.charge, asked.prompt) = (charge, Some(prompt));
                    conclude(asked, choice, generated, heard.stop_reason);
                    return Ok(true);
                }
                Err(error) => {
                    tracing::warn!(
                        ?error,
                        provider = choice.provider,
                        model = choice.model,
                        "a model failed"
                    );
                    if error.counts_against_provider() {
                        reached.breaker.failed(self.books.now(), error.retry_after());
                    }
                    self.books.book(charge).await?;
                    if !matches!(error, ai::Error::ContextTooLong { .. }) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(false)
    }
}

/// The same with the last messages and the better half of the passages.
pub(super) fn shortened(wish: Wish<'_>) -> Wish<'_> {
    let passages = wish.passages.get(..wish.passages.len().div_ceil(2)).unwrap_or(wish.passages);
    let history = wish.history.get(wish.history.len().saturating_sub(HISTORY_KEPT)..).unwrap_or(wish.history);
    Wish { history, passages, ..wish }
}

fn conclude(asked: &mut Asked, by: Choice, generated: Generated, stop_reason: Option<StopReason>) {
    match generated {
        Generated::Answer { text, cited, uncited } => {
            asked.note = note(&asked.attempts, &by, stop_reason);
            asked.spoken = Spoken::Answer { text, cited, uncited, by };
        }
        Generated::Declined => {
            asked.note = Some("The language model found no answer in the documents.".to_owned());
        }
        Generated::Uncited { in_part } => {
            let part = if in_part { "A part of the" } else { "The" };
            asked.note = Some(format!("{part} language model's answer did not say where it was from."));
        }
        Generated::CalledOff => {
            let note = "The visitor had left while the language model was at work.";
            asked.note = Some(note.to_owned());
        }
        Generated::Unsupported => {
            let note = "The language model's answer was not what the documents say.";
            asked.note = Some(note.to_owned());
        }
    }
}

/// What was unusual about an answer.
fn note(attempts: &[Attempt], by: &Choice, stop_reason: Option<StopReason>) -> Option<String> {
    let mut notes = Vec::new();
    let failed = attempts.iter().find(|attempt| attempt.provider != by.provider);
    if let Some(failed) = failed {
        notes.push(format!("{} {}, so {} answered.", failed.model, failed.said, by.model));
    }
    let shortened = attempts.iter().filter(|attempt| attempt.provider == by.provider).count() > 1;
    if shortened {
        notes.push("The conversation was too long for the model, which was given the end of it and the best passages.".to_owned());
    }
    match stop_reason {
        Some(StopReason::LengthLimit | StopReason::ContextFull) => {
            notes.push("The answer breaks off: it reached the model's limit.".to_owned());
        }
        Some(StopReason::ContentFilter | StopReason::Refusal) => {
            notes.push("The answer breaks off: the provider stopped it.".to_owned());
        }
        Some(StopReason::Complete | StopReason::Unstated) | None => {}
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}

fn nobody_answered(attempts: &[Attempt]) -> String {
    if attempts.iter().all(Attempt::is_over_budget) {
        "No language model was available.".to_owned()
    } else {
        "The language model could not be reached.".to_owned()
    }
}

fn sent(wish: Wish<'_>, request: &ChatRequest, sees: bool) -> Sent {
    Sent {
        workspace: wish.workspace.to_owned(),
        history: wish.history.iter().map(|message| message.id).collect(),
        passages: wish.passages.len(),
        output_tokens_max: request.max_output_tokens,
        temperature: request.temperature,
        sees,
        looked: wish.images.looked.clone(),
    }
}

/// Of everything that the model is sent.
pub(super) fn prompt_hash(request: &ChatRequest) -> String {
    let mut hasher = blake3::Hasher::new();
    for message in &request.messages {
        hasher.update(format!("{:?} {}\n", message.role, message.text.len()).as_bytes());
        hasher.update(message.text.as_bytes());
        for image in &message.images {
            hasher.update(blake3::hash(&image.bytes).as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

impl Attempt {
    fn left_alone(choice: &Choice, until: Timestamp) -> Self {
        let detail = format!("it has failed again and again and is left alone until {until}");
        Self::without_call(choice, "left_alone", "is not available at the moment", detail)
    }

    fn without_key(choice: &Choice, error: &keys::Error) -> Self {
        Self::without_call(choice, error.code(), "could not be asked", error.to_string())
    }

    fn over_budget(choice: &Choice) -> Self {
        let detail = "the budget does not allow a call".to_owned();
        Self::without_call(choice, Self::OVER_BUDGET, "is not available at the moment", detail)
    }

    fn made(choice: &Choice, heard: &Heard, cost: Micros, took: std::time::Duration) -> Self {
        let (outcome, said, detail) = match &heard.outcome {
            Ok(Generated::Answer { .. }) => ("answered", "answered", String::new()),
            Ok(Generated::Declined) => ("declined", "found no answer", String::new()),
            Ok(Generated::Uncited { .. }) => ("uncited", "did not cite", String::new()),
            Ok(Generated::CalledOff) => {
                ("called_off", "was called off, as the visitor had left", String::new())
            }
            Ok(Generated::Unsupported) => {
                ("unsupported", "said what the documents do not say", String::new())
            }
            Err(error) => (error.code(), said(error), error.to_string()),
        };
        Self {
            usage: heard.usage,
            cost,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            ..Self::without_call(choice, outcome, said, detail)
        }
    }
}

/// What became of a model, for people: follows its name.
pub(super) fn said(error: &ai::Error) -> &'static str {
    match error {
        ai::Error::TimedOut { .. } => "took too long",
        ai::Error::Interrupted { .. } => "broke off",
        ai::Error::Limited { .. } => "had too many requests",
        ai::Error::ContextTooLong { .. } => "could not read so long a conversation",
        ai::Error::ModelRefused { .. } | ai::Error::Filtered { .. } => "would not answer",
        _ => "could not answer",
    }
}
