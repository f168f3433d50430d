//! Voyage's reranking. Written after the vendor's API description 1.1.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::provider::Endpoint;
use super::super::{Error, embedding};
use super::remote::{RemoteReranker, Wire};
use super::{RerankRequest, http};
use crate::base::Secret;
use crate::outbound::Outbound;

/// A reranking model at Voyage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoyageSettings {
    /// What people call it.
    pub name: String,
    /// Up to and including the version.
    #[serde(default = "embedding::VoyageSettings::base_url")]
    pub base_url: String,
    /// Such as `rerank-2.5`.
    pub model: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// For the request, retries included, in milliseconds. A visitor waits meanwhile.
    #[serde(default = "http::deadline_ms")]
    pub deadline_ms: u64,
}

impl RemoteReranker {
    /// A model at Voyage. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or the deadline is 0.
    pub fn voyage(settings: VoyageSettings, outbound: Outbound) -> Result<Self, Error> {
        let VoyageSettings { name, base_url, model, api_key, deadline_ms } = settings;
        let endpoint = Endpoint::new((name, model), &base_url, api_key, deadline_ms, outbound)?;
        Ok(Self::new(endpoint, Box::new(Voyage)))
    }
}

#[derive(Debug)]
struct Voyage;

impl Wire for Voyage {
    fn path(&self) -> &'static [&'static str] {
        &["rerank"]
    }

    fn body(&self, model: &str, request: &RerankRequest<'_>) -> Value {
        json!({
            "model": model, "query": request.query, "documents": request.documents, "top_k": request.top,
        })
    }
}
