//! Who asks: one type for each kind of credential, so that a story says who does what.

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, COOKIE};

/// A caller with its credential.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Nobody in particular.
    Nobody,
    /// A visitor with its token.
    Visitor { id: String, token: String },
    /// A signed-in person with the cookie.
    Member { cookie: String },
    /// A program with its API key.
    Key { id: String, secret: String },
}

impl Caller {
    /// Puts the credential where this kind of caller puts it.
    pub(crate) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Nobody => request,
            Self::Visitor { token: secret, .. } | Self::Key { secret, .. } => {
                request.header(AUTHORIZATION, format!("Bearer {secret}"))
            }
            Self::Member { cookie } => request.header(COOKIE, cookie),
        }
    }

    /// The id of a visitor or key.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Visitor { id, .. } | Self::Key { id, .. } => id,
            Self::Nobody | Self::Member { .. } => panic!("{self:?} has no id"),
        }
    }
}
