//! The durable job that answers one message.
//!
//! It may run any number of times and answers once: the situation is read anew each time, and the reply is stored in the
//! transaction that finishes the job, under a unique index over what it replies to. What is shown before that is a draft
//! and may be lost.
//!
//! A language model that fails, finds nothing or does not cite is no reason to stay silent: the documents are quoted
//! instead, with a note that says why. A job that fails for good tells the visitor so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::Error;
use super::books::{Books, pay};
use super::draft::Draft;
use super::follow_up::standalone;
use super::generate::Wish;
use super::images::Images;
use super::look::Looked;
use super::models::Models;
use super::plan::{Plan, plan};
use super::quote::{self, PassageGiven};
use super::replay::REPLAYS_MAX;
use super::speak::{Asked, Speaker, Spoken};
use super::trace::{Trace, trace};
use crate::ai::route::EXTRACTIVE;
use crate::base::{Call, Clock, ConversationId, MessageId, Micros, Pool, Timestamp};
use crate::budget::{self, NewCharge, Subject};
use crate::conversations::{self, Answer, Author, Citation, Message, MessagePosted, NewReply, Timings};
use crate::identity::Pass;
use crate::jobs::{Failure, Job, Lane, Work, Worker};
use crate::knowledge::{Knowledge, Options, Passage, Span};
use crate::realtime::{Hub, Topic};
use crate::search;
use crate::store::{self, Keyspace, Read, WriteTx};
use crate::telemetry::Metrics;
use crate::tenants::{self, Tenant, UncitedClaims};

/// Answers a visitor's message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerMessage {
    conversation: ConversationId,
    message: MessageId,
}

impl Job for AnswerMessage {
    const NAME: &'static str = "assistant.answer";
    const LANE: Lane = Lane::Answer;
}

impl AnswerMessage {
    /// What a posted message sets going: visitors' messages are answered.
    #[must_use]
    pub fn after(event: &MessagePosted) -> Option<Self> {
        let message = &event.message;
        (message.author == Author::Visitor)
            .then_some(Self { conversation: message.conversation_id, message: message.id })
    }
}

/// How answers are written.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Passages that are found for an answer.
    pub passages_max: usize,
    /// Passages with a lower score are not used; 0 to 1.
    pub min_score: f32,
    /// Earlier messages that a language model reads.
    pub history_messages_max: usize,
    /// What becomes of a model's answer in part of which nothing is cited, where the workspace sets nothing itself.
    pub uncited_claims: UncitedClaims,
    /// Answers that are quoted at a time.
    pub quoting_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            passages_max: 10,
            min_score: 0.0,
            history_messages_max: 10,
            uncited_claims: UncitedClaims::Withhold,
            quoting_max: 2,
        }
    }
}

/// Quoting jobs that may wait for the processor.
const QUOTING_WAITING_MAX: usize = 64;
/// A busy processor is asked again after so long.
const BUSY_PAUSE: Duration = Duration::from_millis(200);
/// Said where the budget is used up and the workspace wants a person to answer then.
const FOR_A_PERSON: &str = "I cannot answer this myself at the moment. A person has to look at it.";
/// Said to a picture without words where no model looks at pictures.
const CANNOT_LOOK: &str = "I cannot look at pictures here. Please tell me in words what it shows.";
/// Said to a picture without words where no model could look at it this time.
const COULD_NOT_LOOK: &str =
    "I could not look at the picture just now. Please tell me in words what it shows.";
/// Noted on an answer to the words beside a picture, for the same two reasons.
const CANNOT_LOOK_NOTE: &str = "Pictures cannot be looked at here, so only the words were answered.";
const COULD_NOT_LOOK_NOTE: &str =
    "The picture could not be looked at this time, so only the words were answered.";
/// In place of a provider and a model where none answered.
const NOBODY: &str = "none";
/// What is shown of a passage that a model cites.
const QUOTE_CHARS_MAX: usize = 280;

/// Answers messages. Cheap to clone.
#[derive(Clone)]
pub struct Assistant {
    pub(super) knowledge: Knowledge,
    hub: Hub,
    pub(super) models: Models,
    /// Where the workspaces' names are.
    system: Keyspace,
    pub(super) clock: Arc<dyn Clock>,
    quoting: Pool,
    pub(super) settings: Settings,
    /// Answers that are asked for again at a time.
    pub(super) replays: Arc<Semaphore>,
}

/// What was said before the question, and what is shown with both.
#[derive(Clone, Copy)]
struct Before<'a> {
    history: &'a [Message],
    images: &'a Images,
}

/// An answer before it is stored.
struct Composed {
    text: String,
    declined: bool,
    quoted: bool,
    provider: String,
    model: String,
    citations: Vec<Citation>,
    uncited: Vec<Span>,
    note: Option<String>,
    /// Of the last call of a model, to be settled with the answer.
    charge: Option<NewCharge>,
}

impl Composed {
    /// What is said when nobody has an answer.
    fn of_nobody(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            declined: true,
            quoted: false,
            provider: NOBODY.to_owned(),
            model: NOBODY.to_owned(),
            citations: Vec::new(),
            uncited: Vec::new(),
            note: None,
            charge: None,
        }
    }
}

impl Assistant {
    /// Answers with `models`, and where none of them does by quoting.
    #[must_use]
    pub fn new(
        knowledge: Knowledge,
        hub: Hub,
        models: Models,
        system: Keyspace,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let quoting = Pool::new(settings.quoting_max.max(1), QUOTING_WAITING_MAX);
        let replays = Arc::new(Semaphore::new(REPLAYS_MAX));
        Self { knowledge, hub, models, system, clock, quoting, settings, replays }
    }

    async fn answer(
        &self,
        keyspace: &Keyspace,
        subject: Subject,
        question: &Message,
        asked_as: Option<String>,
        history: &[Message],
        draft: &mut Draft,
    ) -> Result<(Composed, Timings, Trace), Error> {
        let begun = Instant::now();
        let mut images = Images::load(keyspace, question, history).await;
        let looked = self.look(keyspace, subject, question, Before { history, images: &images }).await?;
        images.looked = looked.words;
        let asked_as = searched(asked_as, &question.text, images.looked.as_deref());
        let wanted = asked_as.as_deref().unwrap_or(&question.text);
        let options = Options {
            limit: self.settings.passages_max,
            min_score: self.settings.min_score,
            subject: Some(subject),
            ..Options::default()
        };
        let pass = Pass::appliance("the assistant reads what the tenant has published for its visitors");
        let retrieval = self.knowledge.retrieve(keyspace, pass, wanted, options).await?;
        let retrieve = millis(begun);
        draft.reading();
        let mut trace = Trace::of(&retrieval, &options);
        let passages = &retrieval.passages;
        trace.attempts = looked.attempts;
        let composed = if wanted.trim().is_empty() {
            self.blind(draft)
        } else if passages.is_empty() {
            self.quoted(wanted, passages, draft).await?
        } else {
            let before = Before { history, images: &images };
            let asked = self.asked(keyspace, subject, question, before, passages, draft).await?;
            trace.decision = serde_json::to_value(&asked.decision).unwrap_or_default();
            trace.attempts.extend(asked.attempts.iter().cloned());
            (trace.prompt_hash, trace.sent) = asked.prompt.clone().unzip();
            self.composed(asked, wanted, passages, draft).await?
        };
        let composed = self.admitting(composed, question, &images);
        trace.asked_as = asked_as;
        let total = millis(begun);
        Ok((composed, Timings { retrieve, generate: total.saturating_sub(retrieve), total }, trace))
    }

    /// What the question's pictures show, where a model looks at them.
    async fn look(
        &self,
        keyspace: &Keyspace,
        subject: Subject,
        question: &Message,
        Before { history, images }: Before<'_>,
    ) -> Result<Looked, Error> {
        if question.images.is_empty() {
            return Ok(Looked::default());
        }
        let found = self.tenant(keyspace)?;
        let workspace = found.as_ref().map(|tenant| tenant.name.as_str()).unwrap_or_default();
        let tenant = keyspace.tenant().map(|tenant| tenant.to_string());
        let (tenant, question) = (tenant.as_deref(), question.text.as_str());
        let uncited_claims = self.settings.uncited_claims;
        let wish = Wish { tenant, workspace, question, history, passages: &[], uncited_claims, images };
        let (budgets, clock) = (&self.models.budgets, &*self.clock);
        let books = Books { budgets, keyspace, clock, subject, replay: false };
        Speaker { models: &self.models, books }.look(wish).await
    }

    /// The answer to a picture without words that nobody has looked at.
    fn blind(&self, draft: &mut Draft) -> Composed {
        let text = if self.models.look_at_images() { COULD_NOT_LOOK } else { CANNOT_LOOK };
        draft.replace(text);
        Composed::of_nobody(text)
    }

    /// The answer, with a note where it is to the words alone although there was something to look at.
    fn admitting(&self, mut composed: Composed, question: &Message, images: &Images) -> Composed {
        let seen = images.looked.is_some() || self.models.sees(&composed.provider);
        if !question.images.is_empty() && !seen && !question.text.trim().is_empty() {
            let note = if self.models.look_at_images() { COULD_NOT_LOOK_NOTE } else { CANNOT_LOOK_NOTE };
            let notes = std::iter::once(note).chain(composed.note.as_deref());
            composed.note = Some(notes.collect::<Vec<_>>().join(" "));
        }
        composed
    }

    /// What the models say to it.
    async fn asked(
        &self,
        keyspace: &Keyspace,
        subject: Subject,
        question: &Message,
        Before { history, images }: Before<'_>,
        passages: &[Passage],
        draft: &mut Draft,
    ) -> Result<Asked, Error> {
        let (given, tenant) = (given(passages), self.tenant(keyspace)?);
        let workspace = tenant.as_ref().map(|tenant| tenant.name.as_str()).unwrap_or_default();
        let own = tenant.as_ref().and_then(|tenant| tenant.uncited_claims);
        let id = keyspace.tenant().map(|tenant| tenant.to_string());
        let wish = Wish {
            tenant: id.as_deref(),
            workspace,
            question: &question.text,
            history,
            passages: &given,
            uncited_claims: own.unwrap_or(self.settings.uncited_claims),
            images,
        };
        let (budgets, clock) = (&self.models.budgets, &*self.clock);
        let books = Books { budgets, keyspace, clock, subject, replay: false };
        Speaker { models: &self.models, books }.speak(wish, draft).await
    }

    /// The answer of whoever gave one; the quoted one where no model did.
    async fn composed(
        &self,
        asked: Asked,
        question: &str,
        passages: &[Passage],
        draft: &mut Draft,
    ) -> Result<Composed, Error> {
        let (note, charge) = (asked.note, asked.charge);
        match asked.spoken {
            Spoken::Answer { text, cited, uncited, by } => {
                let citations = cited.iter().zip(1..).filter_map(|(place, number)| {
                    passages.get(*place).map(|passage| citation(number, passage, Vec::new()))
                });
                Ok(Composed {
                    text,
                    declined: false,
                    quoted: false,
                    provider: by.provider,
                    model: by.model,
                    citations: citations.collect(),
                    uncited,
                    note,
                    charge,
                })
            }
            Spoken::Nobody => {
                let quoted = self.quoted(question, passages, draft).await?;
                let instead = if quoted.declined { "" } else { " The documents are quoted instead." };
                let note = note.map(|note| note + instead);
                Ok(Composed { note, charge, ..quoted })
            }
            Spoken::Person => {
                draft.replace(FOR_A_PERSON);
                Ok(Composed { note, charge, ..Composed::of_nobody(FOR_A_PERSON) })
            }
        }
    }

    async fn quoted(
        &self,
        question: &str,
        passages: &[Passage],
        draft: &mut Draft,
    ) -> Result<Composed, Error> {
        let embedder = self.knowledge.embedder().clone();
        let (question, given) = (question.to_owned(), given(passages));
        let work = move || {
            let embed = |texts: &[&str]| -> Result<Vec<Option<Vec<f32>>>, search::Error> {
                embedder.embed_sentences(texts)
            };
            quote::answer(&question, &given, &embed, &quote::Settings::default())
        };
        let quoted = self.quoting.run(work).await??;
        draft.replace(&quoted.text);
        let citations = quoted.citations.iter().filter_map(|cited| {
            let passage = passages.get(cited.passage)?;
            let number = u32::try_from(cited.number).ok()?;
            let mut citation = citation(number, passage, vec![cited.quote.clone()]);
            citation.heading.clone_from(&cited.headings);
            Some(citation)
        });
        Ok(Composed {
            declined: quoted.declined,
            quoted: !quoted.declined,
            provider: EXTRACTIVE.to_owned(),
            model: self.knowledge.embedder().model_id().to_owned(),
            citations: citations.collect(),
            uncited: Vec::new(),
            note: None,
            charge: None,
            text: quoted.text,
        })
    }

    /// Whose keyspace it is.
    pub(super) fn tenant(&self, keyspace: &Keyspace) -> Result<Option<Tenant>, Error> {
        let Some(tenant) = keyspace.tenant() else { return Ok(None) };
        Ok(self.system.read(|tx| tenants::load(tx, tenant))?)
    }

    fn call(&self) -> Call {
        Call::appliance(self.clock.now())
    }
}

/// What passages are looked for by: the question as it stands alone, with what its pictures show; nothing where that is the question
/// as it is.
fn searched(asked_as: Option<String>, question: &str, looked: Option<&str>) -> Option<String> {
    let Some(looked) = looked else { return asked_as };
    Some(format!("{} {looked}", asked_as.as_deref().unwrap_or(question)).trim().to_owned())
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn given(passages: &[Passage]) -> Vec<PassageGiven> {
    let given = |(number, passage): (usize, &Passage)| PassageGiven {
        number,
        document: passage.document.to_string(),
        title: passage.title.clone(),
        heading_path: passage.heading.clone(),
        page: passage.page,
        text: passage.text.clone(),
        score: passage.score,
        cosine: passage.semantic.score,
        bm25: Some(passage.keyword.score),
        semantic_rank: passage.semantic.rank,
        keyword_rank: passage.keyword.rank,
    };
    (1..).zip(passages).map(given).collect()
}

fn citation(number: u32, passage: &Passage, quotes: Vec<String>) -> Citation {
    let quote =
        quotes.first().cloned().unwrap_or_else(|| passage.text.chars().take(QUOTE_CHARS_MAX).collect());
    Citation {
        number,
        document: passage.document,
        title: passage.title.clone(),
        name: passage.name.clone(),
        heading: passage.heading.clone(),
        page: passage.page,
        quote,
        chunk: passage.chunk,
        quotes,
    }
}

/// What the plan is made from, read in one snapshot.
struct Situation {
    question: Message,
    /// The question as it stands alone, where it leans on the one before.
    asked_as: Option<String>,
    history: Vec<Message>,
    plan: Plan,
}

/// Messages after the question that are looked at.
const LATER_MESSAGES_MAX: usize = 50;

fn situation(keyspace: &Keyspace, job: &AnswerMessage, history_max: usize) -> Result<Situation, Error> {
    keyspace.read(|tx| {
        let pass = || Pass::appliance("the assistant reads the conversation it is asked in");
        let (seq, question) = conversations::find(tx, pass(), job.conversation, job.message)?;
        let answered = conversations::answered(tx, job.message)?;
        let later = conversations::messages_after(tx, pass(), job.conversation, seq, LATER_MESSAGES_MAX)?;
        let later: Vec<Author> = later.into_iter().map(|message| message.author).collect();
        let history = conversations::history(tx, pass(), job.conversation, seq, history_max)?;
        let plan = plan(&question, answered, &later);
        let asked_as = asked_as(tx, &question, &history)?;
        Ok(Situation { question, asked_as, history, plan })
    })
}

/// The question as it stands alone, where it leans on the visitor's one before, which may itself have leant on another.
fn asked_as(tx: &impl Read, question: &Message, history: &[Message]) -> Result<Option<String>, Error> {
    let before = history.iter().rev().find(|message| message.author == Author::Visitor);
    let Some(before) = before else { return Ok(None) };
    let pass = Pass::appliance("the assistant reads how it understood the question before");
    let understood = trace(tx, pass, before.id)?.and_then(|trace| trace.asked_as);
    Ok(standalone(understood.as_deref().unwrap_or(&before.text), &question.text))
}

impl Worker<AnswerMessage> for Assistant {
    async fn run(&self, work: Work<AnswerMessage>) -> Result<(), Failure> {
        let (job, keyspace, ticket) = (work.job, work.keyspace, work.ticket);
        let Situation { question, asked_as, history, plan } =
            situation(&keyspace, &job, self.settings.history_messages_max)?;
        if let Plan::Silent(reason) = plan {
            tracing::debug!(message = %job.message, ?reason, "nothing is said");
            return Ok(());
        }
        let Some(tenant) = keyspace.tenant() else { return Ok(()) };
        let topic = Topic { tenant, conversation: job.conversation };
        let mut draft = Draft::begin(self.hub.clone(), topic, job.message);
        let subject = Subject { conversation: job.conversation, message: job.message };
        let answered = self.answer(&keyspace, subject, &question, asked_as, &history, &mut draft).await;
        let (composed, timings, trace) = match answered {
            Err(Error::Busy(_)) => return Err(Failure::Later(BUSY_PAUSE)),
            other => other?,
        };
        let charge = composed.charge;
        let new = NewReply {
            reply_to: job.message,
            text: composed.text,
            answer: Answer {
                declined: composed.declined,
                quoted: composed.quoted,
                provider: composed.provider,
                model: composed.model,
                cost: Micros::ZERO,
                citations: composed.citations,
                uncited: composed.uncited,
                timings,
                note: composed.note,
            },
        };
        let (call, budgets) = (self.call(), self.models.budgets.clone());
        let stored = keyspace
            .write(move |tx| {
                if ticket.complete(tx, call.now)? {
                    let mut new = new.clone();
                    new.answer.cost = pay(tx, &budgets, call.now, subject, charge.as_ref())?;
                    post_reply(tx, &call, job.conversation, &new)?;
                    trace.keep(tx, job.message)?;
                    count(tx, &new.answer, charge.as_ref());
                }
                Ok::<_, Error>(())
            })
            .await;
        drop(draft);
        Ok(stored?)
    }

    /// The visitor is told, rather than left waiting.
    fn give_up(
        &self,
        tx: &mut WriteTx<'_>,
        now: Timestamp,
        job: &AnswerMessage,
        _: &str,
    ) -> Result<(), store::Error> {
        let new = NewReply {
            reply_to: job.message,
            text: "I could not look this up: something is wrong on our side. Please ask again later."
                .to_owned(),
            answer: Answer {
                declined: true,
                quoted: false,
                provider: NOBODY.to_owned(),
                model: NOBODY.to_owned(),
                cost: Micros::ZERO,
                citations: Vec::new(),
                uncited: Vec::new(),
                timings: Timings::default(),
                note: Some("The answer failed repeatedly. The log says why.".to_owned()),
            },
        };
        if let Err(budget::Error::Store(error)) = self.models.budgets.release(tx, job.message) {
            return Err(error);
        }
        match post_reply(tx, &Call::appliance(now), job.conversation, &new) {
            Err(conversations::Error::Store(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

/// An answer is counted once it is on disk.
fn count(tx: &mut WriteTx<'_>, answer: &Answer, charge: Option<&NewCharge>) {
    let Some(metrics) = tx.extension::<Metrics>() else { return };
    let outcome = match (answer.declined, answer.quoted) {
        (true, _) => "declined",
        (false, true) => "quoted",
        (false, false) => "written",
    };
    let tier = charge.map(|charge| charge.tier.clone());
    tx.after_commit(move || metrics.gave_answer(outcome, tier.as_deref()));
}

/// Posts the reply, unless the message has one: then this one is not needed.
fn post_reply(
    tx: &mut WriteTx<'_>,
    call: &Call,
    conversation: ConversationId,
    new: &NewReply,
) -> Result<(), conversations::Error> {
    let pass = Pass::appliance("the assistant answers in the conversation it is asked in");
    match conversations::reply(tx, call, pass, conversation, new) {
        Err(conversations::Error::AlreadyAnswered) => Ok(()),
        other => other.map(drop),
    }
}
