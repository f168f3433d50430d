//! The rest of a body that nobody read is read before the answer goes out, as long as it is short.
//!
//! Over HTTP/1.1 the server can only go on with a connection whose request it has read to the end; otherwise it closes it, and
//! a client that has meanwhile sent the next request on it, which it may not repeat by itself, sees that fail. Many answers need no
//! body: what is refused, and calls whose body says nothing. A long one is not waited for: then closing is cheaper.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Version;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::future::poll_fn;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;

/// The most that is read for nothing.
const LEFT_BYTES_MAX: usize = 64 << 10;
/// How long it is waited for.
const LEFT_TIMEOUT: Duration = Duration::from_secs(2);

type Shared = Arc<Mutex<Body>>;

/// Reads what is left of the body after the answer is made.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let shared = Arc::new(Mutex::new(body));
    let lent = Body::new(Lent(shared.clone()));
    let response = next.run(Request::from_parts(parts, lent)).await;
    // Whoever still holds it reads it himself.
    if Arc::strong_count(&shared) == 1 {
        let _ = tokio::time::timeout(LEFT_TIMEOUT, finish(&shared)).await;
    }
    response
}

/// Reads to the end, or to the limit.
async fn finish(shared: &Shared) {
    let mut left = LEFT_BYTES_MAX;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *shared.lock()).poll_frame(cx)).await {
        let read = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(read) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The body, while the answer is made.
#[derive(Debug)]
struct Lent(Shared);

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut *self.0.lock()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}
