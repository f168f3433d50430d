//! The documents of a workspace.
//!
//! An upload is streamed to disk, never held in memory, and is answered once the document is recorded and its reading
//! queued; how that goes is asked for afterwards. An upload is safe to repeat without a key, because the same bytes under
//! the same name change nothing. Files come back as attachments and readable texts as plain text, so that nothing that
//! was uploaded runs in a browser.

use axum::Json as View;
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa_axum::routes;

use super::{List, Routes};
use crate::base::DocumentId;
use crate::files;
use crate::http::{Caller, Inside, Paging, Path, Problem, Query};
use crate::identity::pass::{ReadKnowledge, WriteKnowledge};
use crate::knowledge::{self, Document, DocumentState, Filter, NewDocument, Outcome};

pub(super) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(put))
        .routes(routes!(read, delete))
        .routes(routes!(content))
        .routes(routes!(text))
        .routes(routes!(retry))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    state: Option<DocumentState>,
    prefix: Option<String>,
}

/// The workspace's documents by name.
///
/// Permission: `ReadKnowledge`. A filtered page may hold fewer rows than asked for; go on while there is a cursor.
#[utoipa::path(get, path = "/api/v1/documents", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("state" = Option<DocumentState>, Query, description = "Only those in this state."), ("prefix" = Option<String>, Query, description = "Only those whose name begins so."), ("cursor" = Option<String>, Query, description = "From `next_cursor` of the page before."), ("limit" = Option<usize>, Query, minimum = 1, maximum = 100, description = "50 when not given.")),
    responses((status = 200, description = "One page.", body = List<Document>)))]
async fn list(
    services: Inside,
    caller: Caller,
    Query(wanted): Query<Wanted>,
    Paging(page): Paging,
) -> Result<View<List<Document>>, Problem> {
    let pass = caller.pass::<ReadKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let filter = Filter { state: wanted.state, prefix: wanted.prefix };
    Ok(View(keyspace.query(move |tx| knowledge::list(tx, pass, &filter, &page)).await?.into()))
}

/// Adds a document, or replaces the one of this name. The same bytes are the same document. It is read in the background.
///
/// Permission: `WriteKnowledge`. Slashes in the name are written as `%2F`. While new bytes are being read, the old
/// passages go on answering.
#[utoipa::path(put, path = "/api/v1/documents/by-name/{name}", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("name" = String, Path, description = "The path of the document, such as manuals/pump.pdf.")),
    request_body(content = Option<Vec<u8>>, content_type = "application/octet-stream", description = "The file; an empty one has no body."),
    responses((status = 201, description = "Received.", body = Document), (status = 200, description = "It was here already, or is being replaced.", body = Document)))]
async fn put(
    services: Inside,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, View<Document>), Problem> {
    let pass = caller.pass::<WriteKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let media_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let stream = body.into_data_stream().map_err(std::io::Error::other);
    let bytes_max = u64::try_from(services.limits.upload_bytes_max()).unwrap_or(u64::MAX);
    let content = files::put_stream(&keyspace, caller.call.now, stream, bytes_max).await?;
    let (call, new) = (caller.call, NewDocument { name, media_type, content });
    let received = keyspace.write(move |tx| knowledge::receive(tx, &call, pass, &new)).await?;
    let status = if received.outcome == Outcome::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, View(received.document)))
}

/// One document and how far it is.
///
/// Permission: `ReadKnowledge`.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("id" = DocumentId, Path, description = "The document.")), responses((status = 200, description = "The document.", body = Document)))]
async fn read(
    services: Inside,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<View<Document>, Problem> {
    let pass = caller.pass::<ReadKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    Ok(View(keyspace.query(move |tx| knowledge::get(tx, pass, id)).await?))
}

/// Deletes a document and everything that was made of it.
///
/// Permission: `WriteKnowledge`.
#[utoipa::path(delete, path = "/api/v1/documents/{id}", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("id" = DocumentId, Path, description = "The document.")), responses((status = 204, description = "Deleted.")))]
async fn delete(services: Inside, caller: Caller, Path(id): Path<DocumentId>) -> Result<StatusCode, Problem> {
    let pass = caller.pass::<WriteKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let call = caller.call;
    keyspace.write(move |tx| knowledge::delete(tx, &call, pass, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file as it was uploaded, to be saved and never shown by the browser.
///
/// Permission: `ReadKnowledge`.
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("id" = DocumentId, Path, description = "The document.")),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn content(services: Inside, caller: Caller, Path(id): Path<DocumentId>) -> Result<Response, Problem> {
    let pass = caller.pass::<ReadKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let (document, hash) = keyspace.query(move |tx| knowledge::content_of(tx, pass, id)).await?;
    let (file, bytes) = files::open(&keyspace, hash).await?;
    Ok(attachment(&document.name, bytes, Body::from_stream(ReaderStream::new(file))))
}

/// RFC 6266, with the name in RFC 8187's encoding so that any script survives.
fn attachment(name: &str, bytes: u64, body: Body) -> Response {
    let file = name.rsplit('/').next().unwrap_or(name);
    let encoded =
        url::form_urlencoded::byte_serialize(file.as_bytes()).collect::<String>().replace('+', "%20");
    let disposition = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    headers.insert(CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment")));
    response
}

/// What was read of a document: its text in light Markdown.
///
/// Permission: `ReadKnowledge`.
#[utoipa::path(get, path = "/api/v1/documents/{id}/text", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("id" = DocumentId, Path, description = "The document.")),
    responses((status = 200, description = "The text.", body = String, content_type = "text/plain")))]
async fn text(services: Inside, caller: Caller, Path(id): Path<DocumentId>) -> Result<Response, Problem> {
    let pass = caller.pass::<ReadKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let (_, hash) = keyspace.query(move |tx| knowledge::text_of(tx, pass, id)).await?;
    let (file, bytes) = files::open(&keyspace, hash).await?;
    let mut response = Body::from_stream(ReaderStream::new(file)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    Ok(response)
}

/// Reads a failed document again.
///
/// Permission: `WriteKnowledge`.
#[utoipa::path(post, path = "/api/v1/documents/{id}/retry", tag = "documents", security(("session" = []), ("bearer" = [])),
    params(("id" = DocumentId, Path, description = "The document.")), responses((status = 200, description = "As it is now.", body = Document)))]
async fn retry(
    services: Inside,
    caller: Caller,
    Path(id): Path<DocumentId>,
) -> Result<View<Document>, Problem> {
    let pass = caller.pass::<WriteKnowledge>()?;
    let keyspace = caller.enter(&services).await?;
    let call = caller.call;
    Ok(View(keyspace.write(move |tx| knowledge::retry(tx, &call, pass, id)).await?))
}
