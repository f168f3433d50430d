//! The control socket: the same routes over a Unix domain socket in the data directory, for commands on this machine.
//!
//! Who can open the socket, which lies in a folder of its owner's with mode 0600, is the machine's administrator
//! already; so the listener, and never a header, makes the caller [`crate::base::Actor::Console`].

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use axum::{Extension, Router};
use axum_server::Handle;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::context::ConsoleDoor;

const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where the socket of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Serves `router` on the socket at `path` until `stop`. A socket that an earlier process left is replaced: whoever calls
/// this holds the data directory's lock.
///
/// # Errors
/// [`Error::Listen`] or [`Error::Serve`].
pub async fn serve(router: Router, path: &Path, stop: CancellationToken) -> Result<(), Error> {
    let failed = |source| Error::Listen { address: path.display().to_string(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let handle = Handle::new();
    let server = axum_server::from_unix(listener).map_err(Error::Serve)?.handle(handle.clone());
    let service = router.layer(Extension(ConsoleDoor)).into_make_service();
    let serving = server.serve(service);
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = stop.cancelled() => {
            handle.graceful_shutdown(Some(std::time::Duration::from_secs(5)));
            serving.await
        }
    };
    // Gone before the lock is, so that a command never waits on a socket without a listener.
    let _ = std::fs::remove_file(path);
    served.map_err(Error::Serve)
}

/// What the appliance answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, at most 64 MiB.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null when it is something else.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Talks to a running appliance.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

/// A client for the socket at `path`. Nothing is connected yet.
#[must_use]
pub fn client(path: impl Into<PathBuf>) -> Client {
    Client { path: path.into() }
}

impl Client {
    /// Sends JSON, or nothing, and reads the whole answer.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when nothing listens; [`Error::Control`] when the connection breaks.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, Error> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "localhost");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        self.send_request(request.body(body).map_err(Error::BadRequest)?).await
    }

    /// Sends any request; its URI is a path.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_request(&self, request: Request<Body>) -> Result<Answer, Error> {
        let stream = UnixStream::connect(&self.path)
            .await
            .map_err(|source| Error::NotRunning { path: self.path.clone(), source })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(Error::Control)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(Error::Control)?;
            let status = response.status();
            let body = axum::body::to_bytes(Body::new(response.into_body()), ANSWER_BYTES_MAX)
                .await
                .map_err(Error::Answer)?;
            Ok(Answer { status, body })
        };
        tokio::pin!(exchange, connection);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = &mut connection => {
                // The connection may end before the last bytes were looked at.
                match ended {
                    Ok(()) => exchange.await,
                    Err(error) => Err(Error::Control(error)),
                }
            }
        }
    }
}
