//! An answer looked into: why it is as it is, and whether the prompt that led to it can be made again to the letter.
//!
//! What was kept is the trace and no document's words, so that a deleted document leaves nothing behind. The prompt is
//! made again from what the trace points at: the question, the earlier messages, the passages as far as they are still there.
//! Its hash tells whether it is the one that was sent. Looking asks no model and costs nothing; asking again is
//! [`ask_again`](super::ask_again)'s.

use serde::Serialize;

use super::generate::Wish;
use super::images::Images;
use super::quote::PassageGiven;
use super::speak::{prompt_hash, shortened};
use super::trace::{Sent, Trace, TracedPassage, fingerprint, trace};
use super::{Assistant, Error, prompt};
use crate::ai::{ChatRequest, Role};
use crate::base::{ConversationId, MessageId, Timestamp};
use crate::conversations::{self, Message, MessageView};
use crate::identity::Pass;
use crate::identity::pass::{ReadConversations, ReadKnowledge, ReadWorkspace};
use crate::knowledge::{self, Recalled};
use crate::store::{Keyspace, Read};
use crate::tenants::UncitedClaims;

/// Answers that are asked for again at a time, on the whole appliance.
pub(super) const REPLAYS_MAX: usize = 4;

/// The rights that looking into an answer takes.
#[derive(Debug, Clone, Copy)]
pub struct ReplayPasses {
    /// To see why it is so.
    pub workspace: Pass<ReadWorkspace>,
    /// To see what was said.
    pub conversations: Pass<ReadConversations>,
    /// To see the passages.
    pub knowledge: Pass<ReadKnowledge>,
}

/// What has become of a passage since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PassageState {
    /// It is there, as it was.
    AsItWas,
    /// It is there; the trace is from before that could be told.
    There,
    /// It is there with other words.
    Changed,
    /// Its document has another version now.
    Replaced,
    /// Its document was deleted.
    Deleted,
}

/// A passage that was found for the question, and what has become of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ReplayedPassage {
    /// Its number in the prompt, from 1.
    pub number: usize,
    /// Whether the model was given it.
    pub given: bool,
    /// Its number among the citations of the answer, if it is cited.
    pub cited_as: Option<u32>,
    /// What has become of it.
    pub state: PassageState,
    /// What its document calls itself, while it is there.
    pub title: Option<String>,
    /// The path of its document, while that is there.
    pub name: Option<String>,
    /// How it was found.
    #[serde(flatten)]
    pub traced: TracedPassage,
}

/// One thing said to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PromptMessage {
    /// `system`, `user` or `assistant`.
    #[schema(value_type = String)]
    pub role: Role,
    /// The words.
    pub text: String,
}

/// The prompt made again.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RebuiltPrompt {
    /// The version of the words that models are instructed with today.
    pub version: String,
    /// Its hash.
    pub hash: String,
    /// Whether that is the hash of what was sent; null when no model answered.
    #[schema(required)]
    pub same: Option<bool>,
    /// Why it is another one; empty when it is the same.
    pub differences: Vec<String>,
    /// What is said to the model, in order.
    pub messages: Vec<PromptMessage>,
}

/// An answer looked into.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Replay {
    /// The question.
    pub message: MessageId,
    /// Where it was asked.
    pub conversation: ConversationId,
    /// When.
    pub asked_at: Timestamp,
    /// Its words.
    pub question: String,
    /// The answer as it was given.
    #[schema(required)]
    pub answer: Option<MessageView>,
    /// Why it is so.
    pub trace: Trace,
    /// The passages that were found, best first.
    pub passages: Vec<ReplayedPassage>,
    /// The prompt made again.
    pub prompt: RebuiltPrompt,
}

/// All that a prompt is made from, as far as it is still there.
pub(super) struct Ground {
    pub(super) conversation: ConversationId,
    pub(super) question: Message,
    pub(super) answer: Option<MessageView>,
    pub(super) trace: Trace,
    pub(super) workspace: String,
    pub(super) history: Vec<Message>,
    /// Earlier messages that are not there any more.
    history_gone: usize,
    pub(super) passages: Vec<PassageGiven>,
    /// What was shown with question and history.
    pub(super) images: Images,
    shown: Vec<ReplayedPassage>,
}

impl Assistant {
    /// Looks into the answer to a message; `message` is the question or the answer. Asks no model.
    ///
    /// # Errors
    /// [`conversations::Error::MessageNotFound`]; [`Error::NoTrace`] for a message without an answer; or when the store fails.
    pub async fn replay(
        &self,
        keyspace: &Keyspace,
        passes: ReplayPasses,
        message: MessageId,
    ) -> Result<Replay, Error> {
        let ground = self.ground(keyspace, passes, message).await?;
        Ok(ground.into_replay())
    }

    pub(super) async fn ground(
        &self,
        keyspace: &Keyspace,
        passes: ReplayPasses,
        message: MessageId,
    ) -> Result<Ground, Error> {
        let tenant = self.tenant(keyspace)?;
        let (name, history_max) =
            (tenant.map(|tenant| tenant.name).unwrap_or_default(), self.settings.history_messages_max);
        let mut ground = keyspace.query(move |tx| read(tx, passes, message, name, history_max)).await?;
        ground.images = Images::load(keyspace, &ground.question, &ground.history).await;
        ground.images.looked = ground.trace.sent.as_ref().and_then(|sent| sent.looked.clone());
        Ok(ground)
    }
}

/// Everything in one snapshot.
fn read(
    tx: &impl Read,
    passes: ReplayPasses,
    message: MessageId,
    workspace: String,
    history_max: usize,
) -> Result<Ground, Error> {
    let reading = passes.conversations;
    let (_, _, found) = conversations::locate(tx, reading, message)?;
    let asked = found.reply_to.unwrap_or(message);
    let (conversation, seq, question) = conversations::locate(tx, reading, asked)?;
    let trace = trace(tx, passes.workspace, asked)?.ok_or(Error::NoTrace)?;
    let answer = conversations::answer_to(tx, reading, asked)?;
    let (history, history_gone) = match &trace.sent {
        Some(sent) => earlier(tx, reading, conversation, &sent.history)?,
        None => (conversations::history(tx, reading, conversation, seq, history_max)?, 0),
    };
    let given_max = trace.sent.as_ref().map_or(usize::MAX, |sent| sent.passages);
    let (mut passages, mut shown) = (Vec::new(), Vec::new());
    for (index, traced) in trace.passages.iter().enumerate() {
        let number = index + 1;
        let recalled = knowledge::recall(tx, passes.knowledge, traced.document, traced.chunk)?;
        let given = number <= given_max;
        shown.push(shown_as(number, given, traced, &recalled));
        if let (true, Recalled::There(passage)) = (given, recalled) {
            passages.push(PassageGiven {
                number,
                document: traced.document.to_string(),
                title: passage.title,
                heading_path: passage.heading,
                page: passage.page,
                text: passage.text,
                ..PassageGiven::default()
            });
        }
    }
    let workspace = trace.sent.as_ref().map_or(workspace, |sent| sent.workspace.clone());
    if let Some(answer) = &answer {
        let (_, _, kept) = conversations::locate(tx, reading, answer.id)?;
        mark_cited(&mut shown, &kept);
    }
    let images = Images::default();
    Ok(Ground {
        conversation,
        question,
        answer,
        trace,
        workspace,
        history,
        history_gone,
        passages,
        images,
        shown,
    })
}

/// The messages of these ids that are still there, and how many are not.
fn earlier(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    conversation: ConversationId,
    ids: &[MessageId],
) -> Result<(Vec<Message>, usize), Error> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        match conversations::find(tx, pass, conversation, *id) {
            Ok((_, message)) => found.push(message),
            Err(conversations::Error::MessageNotFound) => {}
            Err(other) => return Err(other.into()),
        }
    }
    let gone = ids.len() - found.len();
    Ok((found, gone))
}

fn shown_as(number: usize, given: bool, traced: &TracedPassage, recalled: &Recalled) -> ReplayedPassage {
    let (state, title, name) = match recalled {
        Recalled::There(passage) => {
            let now = fingerprint(&passage.title, &passage.heading, &passage.text);
            let state = match &traced.fingerprint {
                Some(then) if *then == now => PassageState::AsItWas,
                Some(_) => PassageState::Changed,
                None => PassageState::There,
            };
            (state, Some(passage.title.clone()), Some(passage.name.clone()))
        }
        Recalled::Replaced { name } => (PassageState::Replaced, None, Some(name.clone())),
        Recalled::Deleted => (PassageState::Deleted, None, None),
    };
    ReplayedPassage { number, given, cited_as: None, state, title, name, traced: traced.clone() }
}

impl Ground {
    /// What the model is to be sent, made of what is still there.
    pub(super) fn wish(&self) -> Wish<'_> {
        let wish = Wish {
            tenant: None,
            workspace: &self.workspace,
            question: &self.question.text,
            history: &self.history,
            passages: &self.passages,
            // Who looks into an answer sees all of it, with what is uncited told apart.
            uncited_claims: UncitedClaims::Mark,
            images: &self.images,
        };
        // A trace from before it was kept does not say whether the model was given less: its hash does.
        let less = shortened(wish);
        let is_less = self.trace.sent.is_none() && self.is_same(&less.request(self.sees())) == Some(true);
        if is_less { less } else { wish }
    }

    /// Whether the answering model was shown the pictures.
    fn sees(&self) -> bool {
        self.trace.sent.as_ref().is_some_and(|sent| sent.sees)
    }

    /// Whether this is what the answering model was sent; nothing when none answered.
    pub(super) fn is_same(&self, request: &ChatRequest) -> Option<bool> {
        self.trace.prompt_hash.as_ref().map(|hash| *hash == prompt_hash(request))
    }

    pub(super) fn into_replay(self) -> Replay {
        let request = self.wish().request(self.sees());
        let same = self.is_same(&request);
        let differences = self.differences(&request, same);
        let messages = request.messages.iter();
        let messages =
            messages.map(|message| PromptMessage { role: message.role, text: message.text.clone() });
        let prompt = RebuiltPrompt {
            version: prompt::VERSION.to_owned(),
            hash: prompt_hash(&request),
            same,
            differences,
            messages: messages.collect(),
        };
        Replay {
            message: self.question.id,
            conversation: self.conversation,
            asked_at: self.question.created_at,
            question: self.question.text,
            answer: self.answer,
            trace: self.trace,
            passages: self.shown,
            prompt,
        }
    }

    /// What is otherwise than when the model was asked, in sentences.
    fn differences(&self, request: &ChatRequest, same: Option<bool>) -> Vec<String> {
        let mut found: Vec<String> =
            self.trace.sent.iter().filter_map(|sent| limits_changed(sent, request)).collect();
        if same != Some(false) {
            return found;
        }
        let gone = |state| self.shown.iter().filter(|one| one.given && one.state == state).count();
        let mut count = |count: usize, one: &str, several: &str| match count {
            0 => {}
            1 => found.push(format!("1 {one}.")),
            more => found.push(format!("{more} {several}.")),
        };
        let replaced = "of a document that has another version now";
        count(
            gone(PassageState::Replaced),
            &format!("passage is {replaced}"),
            &format!("passages are {replaced}"),
        );
        let deleted = "of a document that was deleted";
        count(
            gone(PassageState::Deleted),
            &format!("passage is {deleted}"),
            &format!("passages are {deleted}"),
        );
        count(gone(PassageState::Changed), "passage has changed", "passages have changed");
        count(self.history_gone, "earlier message is gone", "earlier messages are gone");
        if self.trace.prompt_version != prompt::VERSION {
            let then = &self.trace.prompt_version;
            found.push(format!("Models were instructed with {then} then, with {} now.", prompt::VERSION));
        }
        if found.is_empty() {
            found.push(match self.trace.sent {
                Some(_) => "What was sent cannot be told from what was kept.".to_owned(),
                None => "The answer is from before all that a model was sent was kept.".to_owned(),
            });
        }
        found
    }
}

/// Notes which passages the answer cites.
fn mark_cited(shown: &mut [ReplayedPassage], answer: &Message) {
    let citations = answer.answer.iter().flat_map(|answer| &answer.citations);
    for cited in citations {
        let place = |one: &&mut ReplayedPassage| {
            one.traced.document == cited.document && one.traced.chunk == cited.chunk
        };
        if let Some(one) = shown.iter_mut().find(place) {
            one.cited_as = Some(cited.number);
        }
    }
}

fn limits_changed(sent: &Sent, request: &ChatRequest) -> Option<String> {
    let same = sent.output_tokens_max == request.max_output_tokens && sent.temperature == request.temperature;
    (!same).then(|| "The length or the temperature that answers are asked with has changed.".to_owned())
}
