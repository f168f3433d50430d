//! Pictures in a conversation: sent, looked at, taken back.
//!
//! An upload is streamed to disk, and written anew from its pixels before anybody can see it; the file as it was sent is
//! removed at once. What is served is therefore our own PNG or JPEG, shown inline, to whoever may read the
//! conversation and to nobody else. Sending is safe to repeat under an `Idempotency-Key`.

use axum::Json as View;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use utoipa_axum::routes;

use super::Routes;
use crate::ai::IMAGE_BYTES_MAX;
use crate::base::{ConversationId, ImageId};
use crate::conversations::{self, IMAGE_UPLOAD_BYTES_MAX, ImageView, NewImage};
use crate::files;
use crate::http::idempotency::once;
use crate::http::{Caller, Inside, Once, Path, Problem, RequestContext, idempotency_key};
use crate::identity::pass::{ReadConversations, TakePart};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(send)).routes(routes!(show, take_back))
}

/// A picture never changes; a browser may keep it, for the one who asked.
const KEPT: &str = "private, max-age=86400, immutable";

/// Sends a picture, to be posted with a message within a day. What a camera noted in it is not kept.
///
/// Permission: `TakePart`, or the conversation's visitor. A PNG, JPEG, WebP or GIF of at most 12 MiB and 40 million pixels; what it is
/// is told by its content. It is kept as PNG or JPEG of at most 2,048 pixels an edge.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/images", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the call.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The picture."),
    responses((status = 201, description = "Kept, to be posted.", body = ImageView)))]
async fn send(
    services: Inside,
    caller: Caller,
    context: RequestContext,
    Path(conversation): Path<ConversationId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, View<Value>), Problem> {
    let pass = caller.pass::<TakePart>()?;
    let key = idempotency_key(&headers)?;
    let keyspace = caller.enter(&services).await?;
    keyspace.query(move |tx| conversations::has_room_for_image(tx, pass, conversation)).await?;
    services.limits.image(&context)?;
    let (call, sealer) = (caller.call, services.sealer.clone());
    let stream = body.into_data_stream().map_err(std::io::Error::other);
    let sent = files::put_stream(&keyspace, call.now, stream, IMAGE_UPLOAD_BYTES_MAX as u64).await;
    let sent = sent.map_err(conversations::Error::from)?;
    let hash = sent.hash();
    let cleaned = services.pictures.clean(&keyspace, hash).await;
    // Where it cannot be removed now, the sweep does it.
    if let Err(error) = files::discard(&keyspace, sent).await {
        tracing::warn!(?error, "a picture as it was sent could not be removed");
    }
    let picture = cleaned?;
    let content = files::put(&keyspace, call.now, picture.bytes).await.map_err(conversations::Error::from)?;
    let new = NewImage {
        conversation,
        media_type: picture.media_type,
        width: picture.width,
        height: picture.height,
        content,
    };
    let request = format!("images {conversation} {hash}");
    let wish = key.map(|key| Once { key, request_hash: *blake3::hash(request.as_bytes()).as_bytes() });
    let kept = keyspace.write(move |tx| {
        once(tx, &sealer, (call.actor, call.now), wish.as_ref(), |tx| {
            conversations::add_image(tx, &call, pass, &new)
        })
    });
    Ok((StatusCode::CREATED, View(kept.await?)))
}

/// A picture.
///
/// Permission: `ReadConversations`, or the conversation's visitor. One that is not posted is shown to its own side only.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/images/{image}", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("image" = ImageId, Path, description = "The picture.")),
    responses((status = 200, description = "The picture.", body = Vec<u8>, content_type = "image/*")))]
async fn show(
    services: Inside,
    caller: Caller,
    Path((conversation, image)): Path<(ConversationId, ImageId)>,
) -> Result<Response, Problem> {
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = caller.enter(&services).await?;
    let found = keyspace.query(move |tx| conversations::image(tx, pass, conversation, image)).await?;
    let bytes = files::read(&keyspace, found.blob, IMAGE_BYTES_MAX as u64).await?;
    let mut response = Body::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(found.media_type.media_type()));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    Ok(response)
}

/// Takes back a picture that is not posted: it is removed.
///
/// Permission: `TakePart`, or the conversation's visitor; only the side that sent it.
#[utoipa::path(delete, path = "/api/v1/conversations/{id}/images/{image}", tag = "chat", security(("session" = []), ("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation."), ("image" = ImageId, Path, description = "The picture.")),
    responses((status = 204, description = "Removed.")))]
async fn take_back(
    services: Inside,
    caller: Caller,
    Path((conversation, image)): Path<(ConversationId, ImageId)>,
) -> Result<StatusCode, Problem> {
    let pass = caller.pass::<TakePart>()?;
    let keyspace = caller.enter(&services).await?;
    let call = caller.call;
    keyspace.write(move |tx| conversations::take_back_image(tx, &call, pass, conversation, image)).await?;
    Ok(StatusCode::NO_CONTENT)
}
