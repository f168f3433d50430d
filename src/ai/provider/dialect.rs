//! What tells one vendor from another. Everything that is the same for all is in `remote`.

use std::fmt;

use url::Url;

use super::super::{ChatRequest, Error};
use super::transcript::Decoder;
use crate::outbound::{self, Request};

/// What the egress ledger is told of a conversation.
pub(super) const PURPOSE_CHAT: &str = "ai.chat";
/// What the egress ledger is told of a trial.
pub(in crate::ai) const PURPOSE_CHECK: &str = "ai.check";
/// What is said in a trial.
pub(in crate::ai) const PROBE_TEXT: &str = "Hi";

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Streaming,
    Whole,
}

/// A question that costs next to nothing and is only answered for a good key and a known model.
pub(super) struct Probe {
    pub(super) request: Request,
    /// What the answer holds, as a JSON pointer (RFC 6901), if it comes from such a server.
    pub(super) proof: &'static str,
}

/// A vendor's way of speaking. Requests come without key, limits and tenant: those are added to them.
pub(super) trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// A conversation to be continued.
    fn conversation(&self, chat: &ChatRequest, manner: Manner) -> Result<Request, outbound::Error>;

    /// Adds the key.
    fn authorize(&self, request: Request, key: &str) -> Result<Request, outbound::Error> {
        request.bearer(key)
    }

    /// Trials, the cheapest first. The next is made only when one is forbidden (403): some keys may talk to a model and
    /// not look it up.
    fn probes(&self) -> Result<Vec<Probe>, outbound::Error>;

    /// A reader of one answer.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// Why these pictures cannot be shown, besides what holds for all.
    fn images_misfit(&self, _chat: &ChatRequest) -> Option<&'static str> {
        None
    }
}

/// The address that requests are built on.
#[derive(Debug, Clone)]
pub(super) struct Base(Url);

impl Base {
    /// Reads `base_url` of the settings.
    pub(super) fn parse(text: &str, provider: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::BadSettings { provider: provider.to_owned(), reason };
        let url = Url::parse(text)
            .map_err(|_| refuse("base_url is not an address such as http://127.0.0.1:11434/v1"))?;
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain {
            return Err(refuse("base_url is not an http address without a query"));
        }
        Ok(Self(url))
    }

    /// The address below it; what is not a letter of a path segment is escaped.
    pub(super) fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}
