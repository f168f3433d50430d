//! Why the doors cannot be opened. What goes wrong within a request is a [`super::Problem`].

use std::borrow::Cow;
use std::path::PathBuf;

use crate::base::{Fault, Kind};
use crate::ops::certificate::PairError;

/// A fault of the server itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or key file cannot be read or written.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds no certificate or no private key.
    #[error("{} holds no {what} in PEM", path.display())]
    NoPem {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// A name that no certificate can be made out to.
    #[error("no certificate can be made")]
    Certificate(#[from] rcgen::Error),
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("the certificate and its key cannot be used")]
    Tls(#[from] rustls::Error),
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The listener broke.
    #[error("the server stopped")]
    Serve(#[source] std::io::Error),
    /// The running appliance does not answer on its control socket.
    #[error("nothing answers at {}", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The appliance's answer broke off.
    #[error("the connection to the running appliance broke")]
    Control(#[source] hyper::Error),
    /// What was to be sent is not a request.
    #[error("not a request")]
    BadRequest(#[source] axum::http::Error),
    /// The appliance's answer is longer than any of its answers is.
    #[error("the appliance's answer could not be read")]
    Answer(#[source] axum::Error),
}

impl Error {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}

impl From<PairError> for Error {
    fn from(error: PairError) -> Self {
        match error {
            PairError::File { path, source } => Self::File { path, source },
            PairError::NoPem { path, what } => Self::NoPem { path, what },
            PairError::Unusable(error) => Self::Tls(error),
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::File { .. } | Self::NoPem { .. } | Self::Certificate(_) | Self::Tls(_) => Kind::Invalid,
            Self::Listen { .. } | Self::NotRunning { .. } => Kind::Unavailable,
            Self::Serve(_) | Self::Control(_) | Self::BadRequest(_) | Self::Answer(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "tls_file",
            Self::NoPem { .. } => "tls_no_pem",
            Self::Certificate(_) => "tls_names",
            Self::Tls(_) => "tls_unusable",
            Self::Listen { .. } => "listen_failed",
            Self::Serve(_) => "server_stopped",
            Self::NotRunning { .. } => "not_running",
            Self::Control(_) | Self::BadRequest(_) | Self::Answer(_) => "control_failed",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::File { path, .. } => format!("The file {} cannot be used.", path.display()).into(),
            Self::NoPem { path, what } => format!("The file {} holds no {what} in PEM.", path.display()).into(),
            Self::Certificate(_) => {
                "No certificate can be made out to these names. Check server.names and server.public_url.".into()
            }
            Self::Tls(_) => {
                "The certificate and its private key cannot be used. Check server.certificate_file and server.private_key_file.".into()
            }
            Self::Listen { address, .. } => {
                format!("The address {address} cannot be listened on. Choose another with server.https_listen.").into()
            }
            Self::NotRunning { .. } => "The appliance is not running. Start it with `frontdesk serve`.".into(),
            Self::Serve(_) | Self::Control(_) | Self::BadRequest(_) | Self::Answer(_) => {
                "The connection to the appliance broke. Try again.".into()
            }
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::NotRunning { .. } | Self::Control(_))
    }
}
