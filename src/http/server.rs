//! The HTTPS listener: `run(listener, .., stop)` serves until it is told to stop, then lets what is under way finish.
//!
//! HTTP/1.1 and HTTP/2 by ALPN. Everything a client can be slow at has a deadline: the handshake, the first request, the
//! headers; and connections have a bound.

use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::middleware::AddExtension;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::telemetry::{Metrics, OpenConnection};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 64 << 10;
const STREAMS_MAX: u32 = 128;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Connections without encryption at a time.
const PLAIN_CONNECTIONS_MAX: usize = 256;
/// Their answers are short.
const PLAIN_DRAIN: Duration = Duration::from_secs(2);

/// How the server listens.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The certificate.
    pub tls: Arc<rustls::ServerConfig>,
    /// Who counts the connections.
    pub metrics: Arc<Metrics>,
    /// Connections open at a time.
    pub connections_max: usize,
    /// How long requests may take to finish at the end.
    pub drain: Duration,
}

/// Listens on `address`; with port 0 the system chooses one.
///
/// # Errors
/// [`Error::Listen`].
pub fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).map_err(|source| Error::Listen { address: address.to_string(), source })
}

/// Serves `router` until `stop`, then lets requests finish for [`ServerOptions::drain`].
///
/// # Errors
/// [`Error::Serve`] when the listener breaks.
pub async fn run(
    listener: TcpListener,
    router: Router,
    options: ServerOptions,
    stop: CancellationToken,
) -> Result<(), Error> {
    let places = Arc::new(Semaphore::new(options.connections_max.min(Semaphore::MAX_PERMITS)));
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(options.tls))
        .handshake_timeout(HANDSHAKE_TIMEOUT)
        .acceptor(CountingAcceptor { places, metrics: options.metrics });
    let server = axum_server::from_tcp(listener).map_err(Error::Serve)?.acceptor(acceptor);
    serve_until(server, router, options.drain, stop).await
}

/// Serves `router` without encryption until `stop`: for what is there to be read by everybody, or on this machine.
///
/// # Errors
/// As [`run`].
pub async fn run_plain(
    listener: TcpListener,
    router: Router,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let places = Arc::new(Semaphore::new(PLAIN_CONNECTIONS_MAX));
    let acceptor = CountingAcceptor { places, metrics };
    let server = axum_server::from_tcp(listener).map_err(Error::Serve)?.acceptor(acceptor);
    serve_until(server, router, PLAIN_DRAIN, stop).await
}

/// A router whose requests are told where they came from.
type Told = AddExtension<Router, ConnectInfo<SocketAddr>>;

/// Deadlines and bounds, and the end. Ends the waiting for `stop` too when the listener breaks by itself.
async fn serve_until<A>(
    server: axum_server::Server<SocketAddr, A>,
    router: Router,
    drain: Duration,
    stop: CancellationToken,
) -> Result<(), Error>
where
    A: Accept<TcpStream, Told> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A::Service:
        axum_server::service::SendService<axum::http::Request<hyper::body::Incoming>> + Send + 'static,
    A::Future: Send,
{
    let handle = Handle::new();
    let mut server = server
        .handle(handle.clone())
        .first_request_timeout(FIRST_REQUEST_TIMEOUT)
        .accept_error_handler(|peer, error| tracing::debug!(?peer, %error, "a connection was not accepted"));
    server
        .http_builder()
        .http1()
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    server
        .http_builder()
        .http2()
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL)
        .enable_connect_protocol();
    let stopping = async {
        stop.cancelled().await;
        handle.graceful_shutdown(Some(drain));
    };
    let serving = async {
        let served = server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await;
        stop.cancel();
        served.map_err(Error::Serve)
    };
    let (served, ()) = tokio::join!(serving, stopping);
    served
}

/// Accepts while there are places.
#[derive(Debug, Clone)]
struct CountingAcceptor {
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl<S: Send + 'static> Accept<TcpStream, S> for CountingAcceptor {
    type Stream = Counted;
    type Service = S;
    type Future = std::future::Ready<std::io::Result<(Counted, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| std::io::Error::other("too many connections are open"));
        std::future::ready(place.and_then(|place| {
            // Otherwise a short answer after another waits for the client's acknowledgement, up to 40 ms.
            stream.set_nodelay(true)?;
            Ok((Counted { stream, _place: place, _open: self.metrics.connection() }, service))
        }))
    }
}

/// A connection that gives its place back when it ends, upgraded or not.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    _open: OpenConnection,
}

impl AsyncRead for Counted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
