//! The control socket: the same routes over a Unix domain socket in the data directory, for commands on this machine.
//!
//! Who can open the socket, which lies in a folder of its owner's with mode 0600, is the machine's administrator
//! already; so the listener, and never a header, makes the caller [`crate::base::Actor::Console`].

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use axum::{Extension, Router};
use axum_server::Handle;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::Error;
use super::context::ConsoleDoor;

const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where the socket of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// A socket that is listened on; what connects waits until it is served.
#[derive(Debug)]
pub struct Socket {
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
}

/// Listens on the socket at `path`. One that an earlier process left is replaced: whoever calls this holds the data
/// directory's lock.
///
/// # Errors
/// [`Error::Listen`].
pub fn listen(path: PathBuf) -> Result<Socket, Error> {
    let failed = |source| Error::Listen { address: path.display().to_string(), source };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(Socket { listener, path })
}

/// Serves `router` on `socket` until `stop`.
///
/// # Errors
/// [`Error::Serve`].
pub async fn serve(router: Router, socket: Socket, stop: CancellationToken) -> Result<(), Error> {
    let handle = Handle::new();
    let server = axum_server::from_unix(socket.listener).map_err(Error::Serve)?.handle(handle.clone());
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
    let _ = std::fs::remove_file(&socket.path);
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

/// Talks to an appliance as its console: a running one through its socket, or one in this process.
#[derive(Debug, Clone)]
pub struct Client {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Socket(PathBuf),
    Direct(Router),
}

/// A client for the socket at `path`. Nothing is connected yet.
#[must_use]
pub fn client(path: impl Into<PathBuf>) -> Client {
    Client { way: Way::Socket(path.into()) }
}

/// A client for an appliance in this process.
#[must_use]
pub fn direct(router: Router) -> Client {
    Client { way: Way::Direct(router.layer(Extension(ConsoleDoor))) }
}

impl Client {
    /// Sends any request, whose URI is a path, and reads the whole answer.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when nothing listens; [`Error::Control`] when the connection breaks.
    pub async fn send_request(&self, request: Request<Body>) -> Result<Answer, Error> {
        let response = self.open(request).await?;
        let status = response.status();
        let body =
            axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(Error::Answer)?;
        Ok(Answer { status, body })
    }

    /// Sends any request, whose URI is a path; the answer's body comes as it is made.
    ///
    /// # Errors
    /// As [`Client::send_request`].
    pub async fn open(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        match &self.way {
            Way::Direct(router) => {
                let answered = router.clone().oneshot(request).await;
                answered.map_err(|never| match never {})
            }
            Way::Socket(path) => {
                let stream = UnixStream::connect(path)
                    .await
                    .map_err(|source| Error::NotRunning { path: path.clone(), source })?;
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(Error::Control)?;
                // Ends with the answer's body, or with the appliance.
                tokio::spawn(connection);
                let response = sender.send_request(request).await.map_err(Error::Control)?;
                Ok(response.map(Body::new))
            }
        }
    }
}
