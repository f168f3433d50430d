//! Cohere's reranking, version 2: documents are plain texts. Written after the types of the vendor's client 7.3.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::provider::{Asked, Endpoint, Refusal};
use super::remote::{RemoteReranker, Wire};
use super::{RerankRequest, http};
use crate::base::Secret;
use crate::outbound::{self, Outbound};

/// A reranking model at Cohere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohereSettings {
    /// What people call it.
    pub name: String,
    /// Without the version.
    #[serde(default = "CohereSettings::base_url")]
    pub base_url: String,
    /// Such as `rerank-v3.5`.
    pub model: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// For the request, retries included, in milliseconds. A visitor waits meanwhile.
    #[serde(default = "http::deadline_ms")]
    pub deadline_ms: u64,
}

impl CohereSettings {
    /// Where Cohere is.
    #[must_use]
    pub fn base_url() -> String {
        "https://api.cohere.com".to_owned()
    }
}

impl RemoteReranker {
    /// A model at Cohere. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or the deadline is 0.
    pub fn cohere(settings: CohereSettings, outbound: Outbound) -> Result<Self, Error> {
        let CohereSettings { name, base_url, model, api_key, deadline_ms } = settings;
        let endpoint = Endpoint::new((name, model), &base_url, api_key, deadline_ms, outbound)?;
        Ok(Self::new(endpoint, Box::new(Cohere)))
    }
}

#[derive(Debug)]
struct Cohere;

impl Wire for Cohere {
    fn path(&self) -> &'static [&'static str] {
        &["v2", "rerank"]
    }

    fn body(&self, model: &str, request: &RerankRequest<'_>) -> Value {
        json!({
            "model": model, "query": request.query, "documents": request.documents, "top_n": request.top,
        })
    }

    /// 498 is a token in the text that the vendor does not let through, 499 a request that was cancelled on the way.
    fn own_failure(&self, error: &outbound::Error, asked: &Asked<'_>) -> Option<Error> {
        let outbound::Error::Status { status: status @ (498 | 499), retry_after, body, .. } = error else {
            return None;
        };
        let provider = asked.provider.to_owned();
        let detail = asked.detail(Some(*status), &Refusal::read(body));
        Some(if *status == 498 {
            Error::Filtered { provider, detail, usage: None }
        } else {
            Error::Failed { provider, retry_after: *retry_after, detail }
        })
    }
}
