//! A question asked again, to compare with the answer that was given.
//!
//! Nothing of it reaches the visitor or the conversation. It costs what an answer costs: the budget is asked before and the
//! call is booked after, as a replay, so that no total mistakes it for an answer. Who asks and goes away is not waited for;
//! the call ends and is booked all the same.

use serde::Serialize;

use super::books::{Books, pay};
use super::draft::Draft;
use super::quote::PassageGiven;
use super::replay::{Ground, Replay, ReplayPasses};
use super::speak::{Asked, Speaker, Spoken};
use super::trace::Attempt;
use super::{Assistant, Error};
use crate::ai::route::Choice;
use crate::base::{DocumentId, MessageId, Micros};
use crate::budget::Subject;
use crate::identity::Pass;
use crate::identity::pass::ManageWorkspace;
use crate::knowledge::Span;
use crate::store::Keyspace;

/// Where the new answer has something from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AgainCitation {
    /// The marker's number in the text, from 1.
    pub number: usize,
    /// The passage's number in the prompt, from 1.
    pub passage: usize,
    /// The document.
    #[schema(value_type = DocumentId)]
    pub document: String,
    /// Its title.
    pub title: String,
    /// The headings that the passage stands under, outermost first.
    pub heading: Vec<String>,
    /// The page, where the document has pages; from 1.
    pub page: Option<u32>,
}

/// What a model says to the question today.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Again {
    /// What it says, in light Markdown; null when it gives no answer that could be shown.
    #[schema(required)]
    pub text: Option<String>,
    /// Where it has things from, by number.
    pub citations: Vec<AgainCitation>,
    /// Its statements that no document backs, in UTF-16 code units of the text.
    pub uncited: Vec<Span>,
    /// Something people should know about it.
    #[schema(required)]
    pub note: Option<String>,
    /// The calls that were made.
    pub attempts: Vec<Attempt>,
    /// What they cost together.
    pub cost_micros: Micros,
}

/// An answer looked into, and what a model says today.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Replayed {
    /// The answer that was given.
    pub replay: Replay,
    /// The new one.
    pub again: Again,
}

impl Assistant {
    /// Asks a model again what a message asked: the one that `provider` names in the settings, or else the one that was asked
    /// then, or else the one that would be asked today.
    ///
    /// # Errors
    /// As [`Assistant::replay`]; [`Error::ProviderUnknown`], [`Error::NoProvider`], [`Error::PassagesGone`],
    /// [`Error::OverBudget`], [`Error::TooManyReplays`].
    pub async fn ask_again(
        &self,
        keyspace: &Keyspace,
        (passes, _): (ReplayPasses, Pass<ManageWorkspace>),
        message: MessageId,
        provider: Option<String>,
    ) -> Result<Replayed, Error> {
        let place = self.replays.clone().try_acquire_owned().map_err(|_| Error::TooManyReplays)?;
        let (assistant, keyspace) = (self.clone(), keyspace.clone());
        // In a task of its own, so that a call is booked whoever has stopped waiting for it.
        let asking = tokio::spawn(async move {
            let _place = place;
            assistant.ask_to_the_end(&keyspace, passes, message, provider).await
        });
        asking.await.unwrap_or(Err(Error::ReplayBroke))
    }

    async fn ask_to_the_end(
        &self,
        keyspace: &Keyspace,
        passes: ReplayPasses,
        message: MessageId,
        provider: Option<String>,
    ) -> Result<Replayed, Error> {
        let ground = self.ground(keyspace, passes, message).await?;
        if ground.passages.is_empty() {
            return Err(Error::PassagesGone);
        }
        let choice = self.choice(&ground, provider)?;
        // An id of its own: the question itself has been paid for.
        let subject =
            Subject { conversation: ground.conversation, message: MessageId::new(self.clock.now()) };
        let (asked, cost) = self.asked_and_paid(keyspace, subject, &ground, choice).await?;
        if !asked.attempts.is_empty() && asked.attempts.iter().all(Attempt::is_over_budget) {
            return Err(Error::OverBudget);
        }
        let again = again(asked, cost, &ground.passages);
        Ok(Replayed { replay: ground.into_replay(), again })
    }

    async fn asked_and_paid(
        &self,
        keyspace: &Keyspace,
        subject: Subject,
        ground: &Ground,
        choice: Choice,
    ) -> Result<(Asked, Micros), Error> {
        let (budgets, clock) = (&self.models.budgets, &*self.clock);
        let books = Books { budgets, keyspace, clock, subject, replay: true };
        let tenant = keyspace.tenant().map(|tenant| tenant.to_string());
        let wish = super::generate::Wish { tenant: tenant.as_deref(), ..ground.wish() };
        let speaker = Speaker { models: &self.models, books };
        let asked = speaker.ask_in_turn(vec![choice], wish, &mut Draft::unseen()).await?;
        let (budgets, now, charge) = (budgets.clone(), clock.now(), asked.charge.clone());
        let paid =
            keyspace.write(move |tx| pay(tx, &budgets, now, subject, charge.as_ref()).map_err(Error::from));
        let cost = paid.await?;
        Ok((asked, cost))
    }

    /// Who is asked.
    fn choice(&self, ground: &Ground, provider: Option<String>) -> Result<Choice, Error> {
        let named = |name: &str| {
            let model = self.models.get(name)?.provider.model().to_owned();
            Some(Choice { provider: name.to_owned(), model, tier: None })
        };
        if let Some(name) = provider {
            return named(&name).ok_or(Error::ProviderUnknown(name));
        }
        let then = ground.trace.attempts.last().and_then(|attempt| named(&attempt.provider));
        let today = || {
            let plan = self.models.plan(&ground.question.text, ground.history.len(), ground.images.count());
            plan.choices.into_iter().find(|choice| self.models.get(&choice.provider).is_some())
        };
        then.or_else(today).ok_or(Error::NoProvider)
    }
}

fn again(asked: Asked, cost_micros: Micros, passages: &[PassageGiven]) -> Again {
    let (text, cited, uncited) = match asked.spoken {
        Spoken::Answer { text, cited, uncited, .. } => (Some(text), cited, uncited),
        Spoken::Nobody | Spoken::Person => (None, Vec::new(), Vec::new()),
    };
    let citations = (1..).zip(cited).filter_map(|(number, place)| {
        let passage = passages.get(place)?;
        Some(AgainCitation {
            number,
            passage: passage.number,
            document: passage.document.clone(),
            title: passage.title.clone(),
            heading: passage.heading_path.clone(),
            page: passage.page,
        })
    });
    let note = if text.is_some() { asked.note } else { asked.attempts.last().map(no_answer) };
    Again { text, citations: citations.collect(), uncited, note, attempts: asked.attempts, cost_micros }
}

/// Why there is no answer to show.
fn no_answer(attempt: &Attempt) -> String {
    match attempt.outcome.as_str() {
        "declined" => format!("{} found no answer in the passages.", attempt.model),
        "uncited" => format!("{} cited none of the passages, so its answer is withheld.", attempt.model),
        "called_off" => format!("{} was called off.", attempt.model),
        "unsupported" => {
            format!("{} says what the passages do not bear out, so its answer is withheld.", attempt.model)
        }
        _ => format!("{} {}: {}.", attempt.model, attempt.said, attempt.detail),
    }
}
