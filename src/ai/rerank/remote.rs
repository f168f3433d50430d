//! A reranker on a server, whatever the vendor: bounds, checks and what failures mean are the same for all.

use std::fmt;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::time::Instant;

use super::super::Error;
use super::super::provider::{Asked, Checked, Endpoint, PROBE_TEXT, PURPOSE_CHECK, Question};
use super::{RerankRequest, Reranked, Reranker, decode};
use crate::outbound;

/// Documents in one request: what Voyage takes, and Cohere recommends.
pub const DOCUMENTS_MAX: usize = 1_000;
/// Bytes of all texts in one request.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// What the egress ledger is told.
const PURPOSE_RERANK: &str = "ai.rerank";
/// Bytes of an answer: what it has whatever is in it, what each place has, and the documents, which some servers send
/// back unasked and which take at most six times their size in JSON.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;
const PLACE_BYTES_MAX: usize = 256;
const ESCAPED_BYTES_MAX: usize = 6;

/// What tells one vendor's reranking from another's.
pub(super) trait Wire: fmt::Debug + Send + Sync + 'static {
    /// Below the base address.
    fn path(&self) -> &'static [&'static str];

    /// The body that asks for the `request.top` best documents.
    fn body(&self, model: &str, request: &RerankRequest<'_>) -> Value;

    /// What a failure means that means something else at every other vendor.
    fn own_failure(&self, _error: &outbound::Error, _asked: &Asked<'_>) -> Option<Error> {
        None
    }
}

/// A reranker on a server.
#[derive(Debug)]
pub struct RemoteReranker {
    endpoint: Endpoint,
    wire: Box<dyn Wire>,
}

impl RemoteReranker {
    pub(super) fn new(endpoint: Endpoint, wire: Box<dyn Wire>) -> Self {
        Self { endpoint, wire }
    }

    /// Why this cannot be sent as it is.
    fn unfit(&self, request: &RerankRequest<'_>, bytes: usize) -> Option<Error> {
        let provider = self.endpoint.name().to_owned();
        let refused = |detail: String| Some(Error::RequestRefused { provider: provider.clone(), detail });
        if request.query.trim().is_empty() {
            return refused("the query is empty".to_owned());
        }
        let documents = request.documents.len();
        if documents > DOCUMENTS_MAX {
            return refused(format!("{documents} documents where {DOCUMENTS_MAX} may be"));
        }
        let detail = format!("{bytes} bytes of text where {REQUEST_BYTES_MAX} may be");
        (bytes > REQUEST_BYTES_MAX).then_some(Error::ContextTooLong { provider, detail })
    }

    async fn ask(&self, request: RerankRequest<'_>, purpose: &'static str) -> Result<Reranked, Error> {
        let documents = request.documents.len();
        let request = RerankRequest { top: request.top.min(documents), ..request };
        if request.top == 0 {
            return Ok(Reranked::default());
        }
        let texts = request.documents.iter().map(|document| document.len());
        let bytes = texts.fold(request.query.len(), usize::saturating_add);
        if let Some(error) = self.unfit(&request, bytes) {
            return Err(error);
        }
        let answer_bytes_max = ENVELOPE_BYTES_MAX + documents * PLACE_BYTES_MAX + bytes * ESCAPED_BYTES_MAX;
        let question = Question {
            path: self.wire.path(),
            purpose,
            tenant: request.tenant.clone(),
            body: &self.wire.body(self.endpoint.model(), &request),
            answer_bytes_max: answer_bytes_max as u64,
        };
        let asked = self.endpoint.asked();
        let failure = |error| {
            let own = self.wire.own_failure(&error, &asked);
            own.unwrap_or_else(|| asked.failure(error, false))
        };
        let answer = self.endpoint.ask(question).await.map_err(failure)?;
        decode::read(&answer, (documents, request.top), bytes, &asked)
    }
}

impl Reranker for RemoteReranker {
    fn name(&self) -> &str {
        self.endpoint.name()
    }

    fn model(&self) -> &str {
        self.endpoint.model()
    }

    fn rerank<'a>(&'a self, request: RerankRequest<'a>) -> BoxFuture<'a, Result<Reranked, Error>> {
        Box::pin(self.ask(request, PURPOSE_RERANK))
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        Box::pin(async {
            let began = Instant::now();
            let request = RerankRequest { query: PROBE_TEXT, documents: &[PROBE_TEXT], top: 1, tenant: None };
            let outcome = self.ask(request, PURPOSE_CHECK).await.map(drop);
            Checked { took: began.elapsed(), outcome }
        })
    }
}
