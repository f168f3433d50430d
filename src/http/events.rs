//! `GET /api/v1/conversations/{id}/events`: the same frames as the WebSocket, as server-sent events (WHATWG HTML, section
//! 9.2), for proxies that break WebSockets.
//!
//! It only tells; a client posts through the API. A frame's number is the event's `id`, so a browser that lost the line
//! asks with `Last-Event-ID` for exactly what it missed. A stream ends after [`SESSION_MAX`], and whoever comes back is
//! asked who they are anew: that is how a session that has run out loses this door. One that was ended, or whose owner's rights
//! have shrunk otherwise, loses it at once ([`crate::identity::Revocations`]).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;

use super::extract::{Path, Query};
use super::feed::{Feed, Subject};
use super::ws::problem_of;
use super::{Caller, Problem, Services};
use crate::base::ConversationId;
use crate::identity::Principal;
use crate::identity::pass::ReadConversations;
use crate::realtime::{Frame, FrameKind, Side};

/// A comment goes out this often, so that proxies and readers know that the line is alive.
const COMMENT_EVERY: Duration = Duration::from_secs(25);
/// A reader comes back with its last number after so long: by then its sign-in is looked at anew.
const SESSION_MAX: Duration = Duration::from_secs(15 * 60);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Debug, Deserialize)]
pub(super) struct From {
    after_seq: Option<u64>,
}

/// What happens in a conversation, as server-sent events: `event` is the frame's type, `id` its number, `data` the frame.
///
/// Permission: `ReadConversations`, or its visitor. Goes on after `Last-Event-ID` or `after_seq`. It ends after 15
/// minutes; come back with the last number.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/events", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("after_seq" = Option<u64>, Query, description = "Begin after this number."), ("Last-Event-ID" = Option<u64>, Header, description = "The same, and wins.")),
    responses((status = 200, description = "Frames.", body = String, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(services): State<std::sync::Arc<Services>>,
    caller: Caller,
    Path(conversation): Path<ConversationId>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = caller.enter(&services).await?;
    let tenant = keyspace.tenant().ok_or_else(Problem::not_found)?;
    let side = match caller.principal {
        Principal::Visitor { .. } => Side::Visitor,
        _ => Side::Member,
    };
    let last = headers.get(&LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.parse().ok());
    let subject = Subject { keyspace, tenant, conversation, pass, side };
    let feed = Feed::open(&services.hub, subject, last.or(from.after_seq)).await.map_err(problem_of)?;
    let stopping = services.stopping.clone();
    let deadline = tokio::time::Instant::now() + SESSION_MAX;
    let revocations = services.revocations.of(caller.principal);
    let stream = futures_util::stream::unfold((feed, revocations), move |(mut feed, mut revocations)| {
        let stopping = stopping.clone();
        async move {
            tokio::select! {
                frame = feed.next() => frame.ok().map(|frame| (Ok(event(&frame)), (feed, revocations))),
                () = revocations.next() => None,
                () = stopping.cancelled() => None,
                () = tokio::time::sleep_until(deadline) => None,
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)))
}

fn event(frame: &Frame) -> Event {
    let event = Event::default().event(frame.kind().name()).data(&**frame.text());
    // `connected` tells the last number of the conversation, which the reader may not have got yet.
    match frame.seq() {
        Some(seq) if frame.kind() != FrameKind::Connected => event.id(seq.to_string()),
        _ => event,
    }
}
