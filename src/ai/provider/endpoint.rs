//! A server that answers one JSON document with one JSON document: it embeds or reranks, and nothing streams. So there is
//! one deadline, for everything.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::super::Error;
use super::dialect::{Base, PURPOSE_CHECK};
use super::failure;
use super::refusal::Asked;
use crate::base::Secret;
use crate::outbound::{self, Outbound, Request};

/// Whom to ask, and how long to wait.
pub(in crate::ai) struct Endpoint {
    name: String,
    model: String,
    base: Base,
    api_key: Option<Secret>,
    deadline: Duration,
    outbound: Outbound,
}

/// What is asked.
pub(in crate::ai) struct Question<'a, B> {
    /// Below the base address.
    pub(in crate::ai) path: &'a [&'a str],
    /// What the egress ledger is told. A trial ([`PURPOSE_CHECK`]) is made once, everything else is tried again.
    pub(in crate::ai) purpose: &'static str,
    pub(in crate::ai) tenant: Option<String>,
    pub(in crate::ai) body: &'a B,
    pub(in crate::ai) answer_bytes_max: u64,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Checks the settings. Asks nothing of the server yet.
    pub(in crate::ai) fn new(
        (name, model): (String, String),
        base_url: &str,
        api_key: Option<Secret>,
        deadline_ms: u64,
        outbound: Outbound,
    ) -> Result<Self, Error> {
        let refuse = |reason| Error::BadSettings { provider: name.clone(), reason };
        if name.is_empty() || model.is_empty() {
            return Err(refuse("name and model may not be empty"));
        }
        if deadline_ms == 0 {
            return Err(refuse("deadline_ms may not be 0"));
        }
        let base = Base::parse(base_url, &name)?;
        Ok(Self { name, model, base, api_key, deadline: Duration::from_millis(deadline_ms), outbound })
    }

    pub(in crate::ai) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::ai) fn model(&self) -> &str {
        &self.model
    }

    pub(in crate::ai) fn asked(&self) -> Asked<'_> {
        let key = self.api_key.as_ref().map(Secret::expose);
        Asked { provider: &self.name, model: &self.model, key }
    }

    /// Asks, and waits for the whole body of a good answer.
    pub(in crate::ai) async fn ask<B: Serialize + Sync>(
        &self,
        question: Question<'_, B>,
    ) -> Result<Bytes, outbound::Error> {
        let url = self.base.join(question.path.iter().copied());
        let request = Request::post_json(url, question.purpose, question.body)?;
        let request = match &self.api_key {
            Some(key) if !key.is_empty() => request.bearer(key.expose())?,
            _ => request,
        };
        let limits = outbound::Limits {
            first_byte: self.deadline,
            between_pieces: self.deadline,
            whole: self.deadline,
            answer_bytes_max: question.answer_bytes_max,
        };
        let request = request.limits(limits).on_behalf_of(question.tenant);
        let request = if question.purpose == PURPOSE_CHECK {
            request
        } else {
            failure::tried_again(request, self.deadline)
        };
        Ok(self.outbound.send(request).await?.body)
    }
}
