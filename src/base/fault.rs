//! What went wrong, in the few ways that matter to whoever must act on it.
//!
//! Every room has its own error enum; each implements [`Fault`], so that the doors can answer without knowing
//! the room, and so that a private cause is never shown by mistake: `Display` and `source` are for the log,
//! [`Fault::public`] is for people.

use std::borrow::Cow;
use std::time::Duration;

/// The classes of fault. `http::problem` is the only place that maps them to status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed or breaks a rule; the caller can mend it.
    Invalid,
    /// Nobody is signed in, or the credential is bad or has expired.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// It clashes with what is already there.
    Conflict,
    /// Larger than the limit.
    TooLarge,
    /// Too many requests.
    Limited,
    /// The budget does not allow it.
    OverBudget,
    /// Something needed is not there at the moment; trying again may help.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// What each room's error tells about itself.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// Its class.
    fn kind(&self) -> Kind;
    /// A stable machine-readable code, `snake_case`, part of the API.
    fn code(&self) -> &'static str;
    /// One or two sentences for the person who can act: what happened and what to do next. Never holds a
    /// cause, a path of the server or another tenant's data.
    fn public(&self) -> Cow<'static, str>;
    /// Whether the same call may succeed later without anybody changing anything.
    fn retryable(&self) -> bool;
    /// How long to wait before trying again, where that is known.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
    /// The field at fault as a JSON pointer (RFC 6901), where there is one.
    fn field(&self) -> Option<&str> {
        None
    }
}
