//! Conversations: opened by a visitor, ended by either side.
//!
//! A conversation is one visitor's, and stays so. The row keeps the number of the last message, which is given on in the
//! transaction of the next one: that is what makes the numbers gapless. Ending is for good and safe to repeat; an ended
//! conversation takes no message from a person, and what was asked before is still answered. Who may not know of one is
//! told that it does not exist.

use serde::{Deserialize, Serialize};

use super::{Error, for_whom, opened};
use crate::base::{Call, ConversationId, Page, PageRequest, Timestamp, VisitorId};
use crate::identity::pass::{Pass, Reach, ReadConversations, TakePart};
use crate::jobs::news::{self, Event};
use crate::store::{Index, Read, Scan, WriteTx, tables};

/// Open conversations that one visitor may have.
const OPEN_MAX: usize = 200;

/// Whether it takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationState {
    /// It does.
    Open,
    /// It does not any more.
    Ended,
}

/// A conversation as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Whose it is.
    pub visitor: VisitorId,
    /// Whether it takes messages.
    pub state: ConversationState,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When something was last said.
    pub last_message_at: Option<Timestamp>,
    /// The sequence number of its last message; 0 before the first.
    pub last_seq: u64,
    /// The beginning of its last message.
    pub preview: Option<String>,
    /// What the visitor's client called the wish to open it.
    pub client_key: Option<String>,
}

static BY_VISITOR: Index<Conversations, VisitorId> =
    Index::many("conversations.conversation.by_visitor", |_, row: &Conversation| Some(row.visitor));

static OPEN_BY_VISITOR: Index<Conversations, VisitorId> =
    Index::many("conversations.conversation.open_by_visitor", |_, row: &Conversation| {
        (row.state == ConversationState::Open).then_some(row.visitor)
    });

static BY_CLIENT_KEY: Index<Conversations, (VisitorId, String)> =
    Index::unique("conversations.conversation.by_client_key", |_, row: &Conversation| {
        row.client_key.clone().map(|key| (row.visitor, key))
    });

tables! {
    /// The conversations of a tenant.
    pub(super) Conversations = "conversations.conversation":
        ConversationId => Conversation, [BY_VISITOR, OPEN_BY_VISITOR, BY_CLIENT_KEY];
}

/// A conversation as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ConversationView {
    /// Its id.
    pub id: ConversationId,
    /// Whether it takes messages.
    pub state: ConversationState,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When something was last said.
    pub last_message_at: Option<Timestamp>,
    /// The sequence number of its last message; 0 before the first.
    pub last_seq: u64,
    /// The beginning of its last message.
    pub preview: Option<String>,
}

impl ConversationView {
    fn of(id: ConversationId, row: Conversation) -> Self {
        Self {
            id,
            state: row.state,
            created_at: row.created_at,
            last_message_at: row.last_message_at,
            last_seq: row.last_seq,
            preview: row.preview,
        }
    }
}

/// A conversation was ended.
#[derive(Debug, Clone)]
pub struct ConversationChanged {
    /// As it is now.
    pub conversation: ConversationView,
}

impl Event for ConversationChanged {
    const NAME: &'static str = "conversation.changed";
}

/// The row, if `covers` says that the caller may know of it.
pub(super) fn load(
    tx: &impl Read,
    id: ConversationId,
    covers: impl Fn(VisitorId) -> bool,
) -> Result<Conversation, Error> {
    tx.get::<Conversations>(&id)?.filter(|row| covers(row.visitor)).ok_or(Error::NotFound)
}

/// Opens a conversation of `visitor`. With a `client_key` that this visitor used before it is the same conversation.
///
/// # Errors
/// [`Error::NotFound`] when the pass does not reach the visitor; [`Error::TooManyOpen`]; [`Error::Quota`].
pub fn open(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<TakePart>,
    visitor: VisitorId,
    client_key: Option<&str>,
) -> Result<ConversationView, Error> {
    if !pass.covers(visitor) {
        return Err(Error::NotFound);
    }
    if let Some(key) = client_key
        && let Some((id, row)) = BY_CLIENT_KEY.get(tx, &(visitor, key.to_owned()))?
    {
        return Ok(ConversationView::of(id, row));
    }
    if OPEN_BY_VISITOR.keys(tx, &Scan::prefix(&visitor, OPEN_MAX))?.len() >= OPEN_MAX {
        return Err(Error::TooManyOpen);
    }
    opened::count_one(tx, call.now).map_err(|error| for_whom(error, pass))?;
    let id = ConversationId::new(call.now);
    let row = Conversation {
        visitor,
        state: ConversationState::Open,
        created_at: call.now,
        last_message_at: None,
        last_seq: 0,
        preview: None,
        client_key: client_key.map(str::to_owned),
    };
    tx.insert::<Conversations>(&id, &row)?;
    Ok(ConversationView::of(id, row))
}

/// One conversation.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    id: ConversationId,
) -> Result<ConversationView, Error> {
    Ok(ConversationView::of(id, load(tx, id, |visitor| pass.covers(visitor))?))
}

/// The conversations that the pass reaches, newest first.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &impl Read,
    pass: Pass<ReadConversations>,
    request: &PageRequest,
) -> Result<Page<ConversationView>, Error> {
    let page = match pass.reach() {
        Reach::All => tx.page::<Conversations>(Scan::all(0).reversed(), request)?,
        Reach::Visitor(visitor) => BY_VISITOR.page(tx, Scan::prefix(&visitor, 0).reversed(), request)?,
    };
    Ok(page.map(|(id, row)| ConversationView::of(id, row)))
}

/// Ends a conversation; one that has ended stays so.
///
/// # Errors
/// [`Error::NotFound`].
pub fn end(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<TakePart>,
    id: ConversationId,
) -> Result<ConversationView, Error> {
    let row = load(tx, id, |visitor| pass.covers(visitor))?;
    if row.state == ConversationState::Ended {
        return Ok(ConversationView::of(id, row));
    }
    let row = tx.update::<Conversations>(&id, |row| row.state = ConversationState::Ended)?;
    let conversation = ConversationView::of(id, row);
    news::publish(tx, call.now, &ConversationChanged { conversation: conversation.clone() })?;
    Ok(conversation)
}
