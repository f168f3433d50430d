//! Conversations, for their visitor and for the members of the workspace.
//!
//! Both sides ask the same routes. How far each reaches is in its pass: a visitor's covers the conversations of that
//! visitor, a member's all of the workspace; what a pass does not cover is not found. Opening and posting are safe to
//! repeat under an `Idempotency-Key`, which is kept with the conversation or the message itself.

use axum::Json as View;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::assistant::{self, Trace};
use crate::base::{ConversationId, ImageId, MessageId, PAGE_ROWS_MAX};
use crate::conversations::{self, ConversationView, MessageView, NewMessage};
use crate::http::extract::{check_number, check_rows};
use crate::http::{Caller, Inside, Json, Paging, Path, Problem, Query, idempotency_key};
use crate::identity::pass::{ReadConversations, ReadWorkspace, TakePart};
use crate::identity::{Pass, Principal};
use crate::knowledge::{CitedDocument, Quoted};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, open))
        .routes(routes!(read))
        .routes(routes!(messages, post))
        .routes(routes!(end))
        .routes(routes!(citation))
        .routes(routes!(trace))
        .routes(routes!(crate::http::events::events))
}

/// The caller's conversations, newest first: a visitor's own, a member's all of the workspace.
///
/// Permission: `ReadConversations`, or a visitor.
#[utoipa::path(get, path = "/api/v1/conversations", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<ConversationView>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Paging(page): Paging,
) -> Result<View<List<ConversationView>>, Problem> {
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = caller.enter(&services).await?;
    Ok(View(keyspace.query(move |tx| conversations::list(tx, pass, &page)).await?.into()))
}

/// Opens a conversation of the visitor who asks.
///
/// Permission: a visitor.
#[utoipa::path(post, path = "/api/v1/conversations", tag = "chat", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    responses((status = 201, description = "Open.", body = ConversationView)))]
async fn open(
    services: Inside,
    caller: Caller,
    headers: HeaderMap,
) -> Result<(StatusCode, View<ConversationView>), Problem> {
    let pass = caller.pass::<TakePart>()?;
    let key = idempotency_key(&headers)?;
    let Principal::Visitor { visitor, .. } = caller.principal else { return Err(only_visitors()) };
    let keyspace = caller.enter(&services).await?;
    let call = caller.call;
    let opened =
        keyspace.write(move |tx| conversations::open(tx, &call, pass, visitor, key.as_deref())).await?;
    Ok((StatusCode::CREATED, View(opened)))
}

fn only_visitors() -> Problem {
    let detail = "A conversation is opened by its visitor. Members write into one that is there.";
    Problem::new(StatusCode::FORBIDDEN, "visitors_only", detail)
}

/// One conversation.
///
/// Permission: `ReadConversations`, or its visitor.
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "The conversation.", body = ConversationView)))]
async fn read(
    services: Inside,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<View<ConversationView>, Problem> {
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = caller.enter(&services).await?;
    Ok(View(keyspace.query(move |tx| conversations::get(tx, pass, id)).await?))
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after_seq: u64,
    limit: Option<usize>,
}

/// Messages in the order of their numbers.
#[derive(Debug, Serialize, ToSchema)]
struct Messages {
    /// The messages.
    items: Vec<MessageView>,
    /// Ask again with this as `after_seq`; null when there are no more.
    #[schema(required)]
    next_after_seq: Option<u64>,
}

/// The messages of a conversation after a number, oldest first.
///
/// Permission: `ReadConversations`, or its visitor.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/messages", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("after_seq" = Option<u64>, Query, description = "Only messages with a greater number."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "100 when not given.")),
    responses((status = 200, description = "Messages.", body = Messages)))]
async fn messages(
    services: Inside,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Query(after): Query<After>,
) -> Result<View<Messages>, Problem> {
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = caller.enter(&services).await?;
    check_rows(after.limit)?;
    check_number("after_seq", after.after_seq)?;
    let rows = after.limit.unwrap_or(PAGE_ROWS_MAX);
    let mut items = keyspace
        .query(move |tx| conversations::messages_after(tx, pass, id, after.after_seq, rows + 1))
        .await?;
    let more = items.len() > rows;
    items.truncate(rows);
    let next_after_seq = items.last().filter(|_| more).map(|message| message.seq);
    Ok(View(Messages { items, next_after_seq }))
}

/// What somebody says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// At most 8,000 characters; it may be empty or left out where pictures are shown.
    #[serde(default)]
    text: String,
    /// Pictures that were sent before, at most 4.
    #[serde(default)]
    images: Vec<ImageId>,
}

/// Posts a message. A visitor's is answered by the assistant.
///
/// Permission: `TakePart`, or the conversation's visitor.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/messages", tag = "chat", security(("session" = []), ("bearer" = [])), request_body = Said,
    params(("id" = ConversationId, Path, description = "The conversation."), ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call: the same message is posted once.")),
    responses((status = 201, description = "Posted, and on disk.", body = MessageView)))]
async fn post(
    services: Inside,
    caller: Caller,
    Path(conversation): Path<ConversationId>,
    headers: HeaderMap,
    Json(said): Json<Said>,
) -> Result<(StatusCode, View<MessageView>), Problem> {
    let pass = caller.pass::<TakePart>()?;
    let client_key = idempotency_key(&headers)?;
    let keyspace = caller.enter(&services).await?;
    let Said { text, images } = said;
    let (call, new) = (caller.call, NewMessage { conversation, text, images, author_name: None, client_key });
    let posted = keyspace.write(move |tx| conversations::post(tx, &call, pass, &new)).await?;
    Ok((StatusCode::CREATED, View(posted.message)))
}

/// Ends a conversation; it takes no more messages.
///
/// Permission: `TakePart`, or its visitor.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/end", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "As it is now.", body = ConversationView)))]
async fn end(
    services: Inside,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<View<ConversationView>, Problem> {
    let pass = caller.pass::<TakePart>()?;
    let keyspace = caller.enter(&services).await?;
    let call = caller.call;
    Ok(View(keyspace.write(move |tx| conversations::end(tx, &call, pass, id)).await?))
}

/// A citation, opened in its document.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedCitation {
    /// The marker's number in the answer.
    number: u32,
    /// The document around the cited passage.
    #[serde(flatten)]
    cited: CitedDocument,
}

/// The document of a citation, at the passage that is cited.
///
/// Permission: `ReadConversations`, or the conversation's visitor. What an answer cites may be read by whoever may read
/// the answer.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/messages/{message}/citations/{number}", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("message" = MessageId, Path, description = "The answer."), ("number" = u32, Path, description = "The marker's number.")),
    responses((status = 200, description = "The document.", body = OpenedCitation)))]
async fn citation(
    services: Inside,
    caller: Caller,
    Path((id, message, number)): Path<(ConversationId, MessageId, u32)>,
) -> Result<View<OpenedCitation>, Problem> {
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = caller.enter(&services).await?;
    let (_, found) = keyspace.query(move |tx| conversations::find(tx, pass, id, message)).await?;
    let citations = found.answer.map(|answer| answer.citations).unwrap_or_default();
    let citation = citations.into_iter().find(|citation| citation.number == number);
    let citation = citation.ok_or_else(Problem::not_found)?;
    let quoted = Quoted { document: citation.document, chunk: citation.chunk, quotes: citation.quotes };
    let reading = Pass::appliance("what an answer cites may be read by whoever may read the answer");
    let cited = services.knowledge.cited(&keyspace, reading, &quoted).await?;
    Ok(View(OpenedCitation { number, cited }))
}

/// Why an answer is as it is: the passages found, the model chosen and why, each call with what it cost.
///
/// Permission: `ReadWorkspace` and `ReadConversations`; not for visitors.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/messages/{message}/trace", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("message" = MessageId, Path, description = "The answer.")),
    responses((status = 200, description = "Why it is so.", body = Trace)))]
async fn trace(
    services: Inside,
    caller: Caller,
    Path((id, message)): Path<(ConversationId, MessageId)>,
) -> Result<View<Trace>, Problem> {
    let (reading, pass) = (caller.pass::<ReadWorkspace>()?, caller.pass::<ReadConversations>()?);
    let keyspace = caller.enter(&services).await?;
    let (_, found) = keyspace.query(move |tx| conversations::find(tx, pass, id, message)).await?;
    let answered = found.reply_to.ok_or_else(Problem::not_found)?;
    let trace = keyspace.query(move |tx| assistant::trace(tx, reading, answered)).await?;
    Ok(View(trace.ok_or_else(Problem::not_found)?))
}
