//! Messages: numbered within their conversation, posted once however often they are sent, answered once.

use serde::{Deserialize, Serialize};

use super::Error;
use super::conversation::{Conversation, ConversationState, Conversations, load};
use super::image::{self, Image, ImageView};
use crate::base::{Call, ConversationId, DocumentId, ImageId, MessageId, Micros, Timestamp};
use crate::identity::pass::{Pass, Reach, ReadConversations, TakePart};
use crate::jobs::news::{self, Event};
use crate::knowledge::Span;
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// Characters of a message from a person.
pub const TEXT_CHARS_MAX: usize = 8_000;
const MESSAGES_MAX: u64 = 10_000;
const PREVIEW_CHARS: usize = 120;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The customer.
    Visitor,
    /// Frontdesk.
    Assistant,
    /// A person of the workspace.
    Member,
    /// A remark about the conversation itself.
    System,
}

/// Where an answer has something from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The marker's number in the text, from 1.
    pub number: u32,
    /// The document.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// Its name as it was uploaded.
    pub name: String,
    /// The headings that the passage stands under, outermost first.
    pub heading: Vec<String>,
    /// The page, where the document has pages; from 1.
    pub page: Option<u32>,
    /// What is quoted, or the beginning of the passage.
    pub quote: String,
    /// The number of the passage.
    pub chunk: u64,
    /// The quoted sentences, as they stood in the passage.
    pub quotes: Vec<String>,
}

/// How long an answer took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timings {
    /// Finding the passages.
    pub retrieve: u64,
    /// Writing the answer from them.
    pub generate: u64,
    /// From the start of the work to the finished answer.
    pub total: u64,
}

/// What is kept about an answer beside its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The documents do not hold the answer.
    pub declined: bool,
    /// It quotes the documents word for word.
    pub quoted: bool,
    /// Who wrote it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// What it cost.
    pub cost: Micros,
    /// Where it has things from, by number.
    pub citations: Vec<Citation>,
    /// Its statements that no document backs, in UTF-16 code units of the text, in order.
    #[serde(default)]
    pub uncited: Vec<Span>,
    /// How long it took.
    pub timings: Timings,
    /// Something people should know about it, such as why another model than usual answered.
    pub note: Option<String>,
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// Their name, where they have one.
    pub author_name: Option<String>,
    /// What it says: light Markdown from the assistant, plain text from people; may be empty where it shows pictures.
    pub text: String,
    /// What it shows, in order.
    #[serde(default)]
    pub images: Vec<Image>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// What its author's client called it.
    pub client_key: Option<String>,
    /// What is known about it when it is an answer.
    pub answer: Option<Answer>,
}

type Place = (ConversationId, u64);

static BY_ID: Index<Messages, MessageId> =
    Index::unique("conversations.message.by_id", |_, row: &Message| Some(row.id));

static BY_CLIENT_KEY: Index<Messages, (ConversationId, String)> =
    Index::unique("conversations.message.by_client_key", |place: &Place, row: &Message| {
        row.client_key.clone().map(|key| (place.0, key))
    });

/// Unique: this is what makes it impossible to answer a message twice.
static BY_REPLY_TO: Index<Messages, MessageId> =
    Index::unique("conversations.message.by_reply_to", |_, row: &Message| row.reply_to);

tables! {
    /// The messages of a tenant, in the order of their conversations.
    Messages = "conversations.message": Place => Message, [BY_ID, BY_CLIENT_KEY, BY_REPLY_TO];
}

/// A citation as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CitationView {
    /// The marker's number in the text, from 1.
    pub number: u32,
    /// The document.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// Its name as it was uploaded.
    pub name: String,
    /// The headings that the passage stands under, outermost first.
    pub heading: Vec<String>,
    /// The page, where the document has pages; from 1.
    pub page: Option<u32>,
    /// What is quoted, or the beginning of the passage.
    pub quote: String,
}

/// An answer as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AnswerView {
    /// The documents do not hold the answer.
    pub declined: bool,
    /// It quotes the documents word for word.
    pub quoted: bool,
    /// Who wrote it.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// What it cost, in micro-dollars.
    pub cost_micros: Micros,
    /// Where it has things from, by number.
    pub citations: Vec<CitationView>,
    /// Its statements that no document backs, in UTF-16 code units of the text, in order. Show them as such.
    pub uncited: Vec<Span>,
    /// How long it took.
    pub timings_ms: Timings,
    /// Something people should know about it.
    pub note: Option<String>,
}

/// A message as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Its number in the conversation, from 1, without gaps.
    pub seq: u64,
    /// Who wrote it.
    pub author: Author,
    /// Their name, where they have one.
    pub author_name: Option<String>,
    /// What it says: light Markdown from the assistant, plain text from people; may be empty where it shows pictures.
    pub text: String,
    /// What it shows, in order; each is at `/api/v1/conversations/{id}/images/{image}`.
    pub images: Vec<ImageView>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The key it was sent with; shown to its author only.
    pub client_key: Option<String>,
    /// What is known about it when it is an answer.
    pub answer: Option<AnswerView>,
}

impl MessageView {
    /// With the key, for its author.
    fn of(place: Place, row: &Message) -> Self {
        let answer = row.answer.as_ref().map(|answer| AnswerView {
            declined: answer.declined,
            quoted: answer.quoted,
            provider: answer.provider.clone(),
            model: answer.model.clone(),
            cost_micros: answer.cost,
            citations: answer.citations.iter().map(citation_view).collect(),
            uncited: answer.uncited.clone(),
            timings_ms: answer.timings,
            note: answer.note.clone(),
        });
        Self {
            id: row.id,
            conversation_id: place.0,
            seq: place.1,
            author: row.author,
            author_name: row.author_name.clone(),
            text: row.text.clone(),
            images: row.images.iter().map(ImageView::from).collect(),
            created_at: row.created_at,
            reply_to: row.reply_to,
            client_key: row.client_key.clone(),
            answer,
        }
    }

    /// As everybody else in the conversation sees it.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.client_key = None;
        self
    }
}

fn citation_view(citation: &Citation) -> CitationView {
    CitationView {
        number: citation.number,
        document: citation.document,
        title: citation.title.clone(),
        name: citation.name.clone(),
        heading: citation.heading.clone(),
        page: citation.page,
        quote: citation.quote.clone(),
    }
}

/// A message was stored.
#[derive(Debug, Clone)]
pub struct MessagePosted {
    /// As everybody in the conversation sees it.
    pub message: MessageView,
}

impl Event for MessagePosted {
    const NAME: &'static str = "message.posted";
}

/// A message that a person wants to post.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Where.
    pub conversation: ConversationId,
    /// What; may be empty where pictures are shown.
    pub text: String,
    /// Pictures that were sent before, at most [`super::MESSAGE_IMAGES_MAX`].
    pub images: Vec<ImageId>,
    /// The member's name; a visitor has none.
    pub author_name: Option<String>,
    /// What the client calls it, so that it may be sent again.
    pub client_key: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The message.
    pub message: MessageView,
    /// False when it was there already.
    pub new: bool,
}

/// Takes away what no reader can see and refuses what is left of nothing, unless there is something to look at.
fn checked_text(text: &str, shows: bool) -> Result<String, Error> {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let text = text.trim();
    if text.is_empty() && !shows {
        return Err(Error::TextEmpty);
    }
    let chars = text.chars().count();
    if chars > TEXT_CHARS_MAX {
        return Err(Error::TextTooLong { chars });
    }
    Ok(text.to_owned())
}

/// Posts a message of the visitor's or of a member's, as the pass reaches.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Ended`], [`Error::KeyReused`], [`Error::Full`], or a fault of the text or of the pictures.
pub fn post(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<TakePart>,
    new: &NewMessage,
) -> Result<Posted, Error> {
    let conversation = load(tx, new.conversation, |visitor| pass.covers(visitor))?;
    let author = match pass.reach() {
        Reach::All => Author::Member,
        Reach::Visitor(_) => Author::Visitor,
    };
    let text = checked_text(&new.text, !new.images.is_empty())?;
    if let Some(key) = &new.client_key
        && let Some((place, row)) = BY_CLIENT_KEY.get(tx, &(new.conversation, key.clone()))?
    {
        let shown = row.images.iter().map(|image| &image.id);
        let same = row.text == text && row.author == author && shown.eq(&new.images);
        let posted = Posted { message: MessageView::of(place, &row), new: false };
        return if same { Ok(posted) } else { Err(Error::KeyReused) };
    }
    if conversation.state == ConversationState::Ended {
        return Err(Error::Ended);
    }
    let id = MessageId::new(call.now);
    let images = image::attach(tx, new.conversation, author, &new.images, id)?;
    let message = Message {
        id,
        author,
        author_name: new.author_name.clone(),
        text,
        images,
        created_at: call.now,
        reply_to: None,
        client_key: new.client_key.clone(),
        answer: None,
    };
    let message = append(tx, call, new.conversation, &conversation, &message)?;
    Ok(Posted { message, new: true })
}

/// The assistant's reply to a message.
#[derive(Debug, Clone)]
pub struct NewReply {
    /// The message that it answers.
    pub reply_to: MessageId,
    /// What it says.
    pub text: String,
    /// What is known about it.
    pub answer: Answer,
}

/// Posts the assistant's reply. It comes even when the conversation was ended meanwhile: the question was there before.
///
/// # Errors
/// [`Error::AlreadyAnswered`], [`Error::NotFound`], [`Error::Full`].
pub fn reply(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<TakePart>,
    conversation: ConversationId,
    new: &NewReply,
) -> Result<MessageView, Error> {
    let row = load(tx, conversation, |visitor| pass.covers(visitor))?;
    if answered(tx, new.reply_to)? {
        return Err(Error::AlreadyAnswered);
    }
    let message = Message {
        id: MessageId::new(call.now),
        author: Author::Assistant,
        author_name: None,
        text: new.text.clone(),
        images: Vec::new(),
        created_at: call.now,
        reply_to: Some(new.reply_to),
        client_key: None,
        answer: Some(new.answer.clone()),
    };
    let open = Conversation { state: ConversationState::Open, ..row };
    append(tx, call, conversation, &open, &message)
}

/// Whether a message has its answer.
///
/// # Errors
/// When the store fails.
pub fn answered(tx: &impl Read, message: MessageId) -> Result<bool, Error> {
    Ok(BY_REPLY_TO.get(tx, &message)?.is_some())
}

fn append(
    tx: &mut WriteTx<'_>,
    call: &Call,
    id: ConversationId,
    conversation: &Conversation,
    message: &Message,
) -> Result<MessageView, Error> {
    match conversation.state {
        ConversationState::Open => {}
        ConversationState::Ended => return Err(Error::Ended),
    }
    if conversation.last_seq >= MESSAGES_MAX {
        return Err(Error::Full);
    }
    let place = (id, conversation.last_seq.saturating_add(1));
    tx.insert::<Messages>(&place, message)?;
    let preview: String = message.text.chars().take(PREVIEW_CHARS).collect();
    tx.update::<Conversations>(&id, |row| {
        row.last_seq = place.1;
        row.last_message_at = Some(call.now);
        // A message that only shows something leaves the words before it.
        row.preview = Some(preview).filter(|words| !words.is_empty()).or_else(|| row.preview.take());
    })?;
    let view = MessageView::of(place, message);
    news::publish(tx, call.now, &MessagePosted { message: view.clone().without_key() })?;
    Ok(view)
}

/// Up to `rows_max` messages after number `after_seq`, oldest first. Keys are shown to a visitor, who wrote them.
///
/// # Errors
/// [`Error::NotFound`].
pub fn messages_after(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    conversation: ConversationId,
    after_seq: u64,
    rows_max: usize,
) -> Result<Vec<MessageView>, Error> {
    load(tx, conversation, |visitor| pass.covers(visitor))?;
    let scan = Scan::prefix(&conversation, rows_max).after(&(conversation, after_seq));
    let own = match pass.reach() {
        Reach::All => Author::Member,
        Reach::Visitor(_) => Author::Visitor,
    };
    let rows = tx.scan::<Messages>(&scan)?;
    Ok(rows
        .into_iter()
        .map(|(place, row)| {
            let view = MessageView::of(place, &row);
            if row.author == own { view } else { view.without_key() }
        })
        .collect())
}

/// The last `rows_max` messages before the one with number `before_seq`, oldest of them first.
///
/// # Errors
/// [`Error::NotFound`].
pub fn history(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    conversation: ConversationId,
    before_seq: u64,
    rows_max: usize,
) -> Result<Vec<Message>, Error> {
    load(tx, conversation, |visitor| pass.covers(visitor))?;
    let scan = Scan::prefix(&conversation, rows_max).reversed().after(&(conversation, before_seq));
    let mut rows: Vec<Message> = tx.scan::<Messages>(&scan)?.into_iter().map(|(_, row)| row).collect();
    rows.reverse();
    Ok(rows)
}

/// One message of a conversation and its number.
///
/// # Errors
/// [`Error::NotFound`], [`Error::MessageNotFound`].
pub fn find(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    conversation: ConversationId,
    message: MessageId,
) -> Result<(u64, Message), Error> {
    load(tx, conversation, |visitor| pass.covers(visitor))?;
    match BY_ID.get(tx, &message)? {
        Some((place, row)) if place.0 == conversation => Ok((place.1, row)),
        _ => Err(Error::MessageNotFound),
    }
}

/// Any message by its id, with its conversation and its number there.
///
/// # Errors
/// [`Error::MessageNotFound`], also when the pass does not reach it.
pub fn locate(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    message: MessageId,
) -> Result<(ConversationId, u64, Message), Error> {
    let (place, row) = BY_ID.get(tx, &message)?.ok_or(Error::MessageNotFound)?;
    match load(tx, place.0, |visitor| pass.covers(visitor)) {
        Ok(_) => Ok((place.0, place.1, row)),
        Err(Error::NotFound) => Err(Error::MessageNotFound),
        Err(other) => Err(other),
    }
}

/// The answer to a message, if it has one.
///
/// # Errors
/// When the store fails.
pub fn answer_to(
    tx: &impl Read,
    _: Pass<ReadConversations>,
    message: MessageId,
) -> Result<Option<MessageView>, Error> {
    Ok(BY_REPLY_TO.get(tx, &message)?.map(|(place, row)| MessageView::of(place, &row).without_key()))
}
