//! Why a request did not leave, or did not come back whole.
//!
//! Causes keep no URL and no header: a query or a header may hold a key.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::address::Network;
use super::policy::{SETTING_AIR_GAPPED, SETTING_ALLOW};
use crate::base::{Fault, Kind};

/// Whatever lay beneath.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What was being waited for when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A free place among the requests under way.
    Place,
    /// The connection.
    Connection,
    /// The head of the answer.
    FirstByte,
    /// The next piece of the answer.
    NextPiece,
    /// The end of the answer.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Place => "a free place",
            Self::Connection => "the connection",
            Self::FirstByte => "the head of the answer",
            Self::NextPiece => "the next piece of the answer",
            Self::Whole => "the whole answer",
        })
    }
}

/// `destination` is always `host:port`.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum Error {
    /// The host is not on the allow-list.
    #[error("{destination} is not listed in {SETTING_ALLOW}")]
    NotAllowed { destination: String },
    /// The appliance is cut off on purpose.
    #[error("{destination} is not this machine and {SETTING_AIR_GAPPED} is set")]
    AirGapped { destination: String },
    /// The host may only be spoken with over TLS.
    #[error("{destination} is listed in {SETTING_ALLOW} without plain_http")]
    PlainHttp { destination: String },
    /// The host has, or its name leads to, an address that it may not have.
    #[error("{destination} has a {network} address, which its entry in {SETTING_ALLOW} does not permit")]
    ForbiddenAddress { destination: String, network: Network },
    /// No request can be made of the URL.
    #[error("not a usable address: {reason}")]
    BadUrl { reason: &'static str },
    /// A header or the body cannot be written.
    #[error("the request cannot be written")]
    BadRequest(#[source] Cause),
    /// The additional root certificates cannot be read, or TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Cause),
    /// The name has no address.
    #[error("the name of {destination} cannot be resolved")]
    Unresolved {
        destination: String,
        #[source]
        source: Cause,
    },
    /// Nobody answers there, or the TLS handshake failed.
    #[error("cannot connect to {destination}")]
    Connect {
        destination: String,
        #[source]
        source: Cause,
    },
    /// It took too long.
    #[error("{destination} took too long: waiting for {phase}")]
    TimedOut { destination: String, phase: Phase },
    /// Redirects are not followed: what may be contacted is written down.
    #[error("{destination} redirects elsewhere (status {status})")]
    Redirected { destination: String, status: u16 },
    /// It answered with an error. `body` is at most [`super::ERROR_BODY_BYTES_MAX`] of what it said.
    #[error("{destination} answered with status {status}")]
    Status { destination: String, status: u16, retry_after: Option<Duration>, body: Bytes },
    /// The answer is larger than the request allows.
    #[error("the answer of {destination} is larger than {bytes_max} bytes")]
    TooLarge { destination: String, bytes_max: u64 },
    /// The connection broke.
    #[error("the connection to {destination} broke")]
    Broken {
        destination: String,
        #[source]
        source: Cause,
    },
}

impl Error {
    /// Whether the policy stopped it, so that nothing was sent.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotAllowed { .. }
                | Self::AirGapped { .. }
                | Self::PlainHttp { .. }
                | Self::ForbiddenAddress { .. }
                | Self::BadUrl { .. }
        )
    }
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotAllowed { .. }
            | Self::AirGapped { .. }
            | Self::PlainHttp { .. }
            | Self::ForbiddenAddress { .. } => Kind::Forbidden,
            Self::BadUrl { .. } => Kind::Invalid,
            Self::BadRequest(_) | Self::Tls(_) => Kind::Internal,
            Self::Unresolved { .. }
            | Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::Redirected { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Broken { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "egress_not_allowed",
            Self::AirGapped { .. } => "egress_air_gapped",
            Self::PlainHttp { .. } => "egress_plain_http",
            Self::ForbiddenAddress { .. } => "egress_forbidden_address",
            Self::BadUrl { .. } => "egress_bad_url",
            Self::BadRequest(_) => "egress_bad_request",
            Self::Tls(_) => "egress_tls",
            Self::Unresolved { .. } => "remote_unresolved",
            Self::Connect { .. } => "remote_unreachable",
            Self::TimedOut { .. } => "remote_timed_out",
            Self::Redirected { .. } => "remote_redirected",
            Self::Status { .. } => "remote_failed",
            Self::TooLarge { .. } => "remote_too_large",
            Self::Broken { .. } => "remote_broke_off",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotAllowed { destination } => format!(
                "{destination} is not among the hosts that this appliance may contact. \
                 An operator can add it to {SETTING_ALLOW} in the settings."
            )
            .into(),
            Self::AirGapped { destination } => format!(
                "This appliance is set to contact nothing but itself, so {destination} was not contacted. \
                 An operator can change {SETTING_AIR_GAPPED} in the settings."
            )
            .into(),
            Self::PlainHttp { destination } => format!(
                "{destination} may only be contacted over https. For a host on your own network an operator \
                 can set plain_http for it in {SETTING_ALLOW}."
            )
            .into(),
            Self::ForbiddenAddress { destination, network } => format!(
                "{destination} has a {network} address and was not contacted. If it is a host on your own \
                 network, an operator can set private for it in {SETTING_ALLOW}."
            )
            .into(),
            Self::BadUrl { reason } => {
                format!("The address cannot be used: {reason}. Write it as https://host/path.").into()
            }
            Self::BadRequest(_) | Self::Tls(_) => "The request could not be made. The log says why.".into(),
            Self::Unresolved { destination, .. } => {
                format!("The name of {destination} is not known. Check the address and the name server.")
                    .into()
            }
            Self::Connect { destination, .. } => {
                format!("{destination} does not answer. Check that it is running and try again.").into()
            }
            Self::TimedOut { destination, .. } | Self::Broken { destination, .. } => {
                format!("{destination} did not finish its answer. Try again.").into()
            }
            Self::Redirected { destination, .. } => format!(
                "{destination} points to another address, which is not followed. Enter the final address."
            )
            .into(),
            Self::Status { destination, status, .. } => {
                format!("{destination} answered with an error (status {status}).").into()
            }
            Self::TooLarge { destination, .. } => format!("The answer of {destination} is too large.").into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Unresolved { .. } | Self::Connect { .. } | Self::TimedOut { .. } | Self::Broken { .. } => {
                true
            }
            Self::Status { status, .. } => super::retry::is_worth_retrying(*status),
            Self::NotAllowed { .. }
            | Self::AirGapped { .. }
            | Self::PlainHttp { .. }
            | Self::ForbiddenAddress { .. }
            | Self::BadUrl { .. }
            | Self::BadRequest(_)
            | Self::Tls(_)
            | Self::Redirected { .. }
            | Self::TooLarge { .. } => false,
        }
    }
}
