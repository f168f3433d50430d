//! Any server with a `/rerank`: Jina, vLLM, llama.cpp, infinity, text-embeddings-inference.
//!
//! The first four agree on `documents` and `top_n`; the last wants `texts`, ranks them all, and refuses long ones unless it is
//! told to cut them. No field is sent that only one of them knows, since some refuse what they do not know.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::provider::Endpoint;
use super::RerankRequest;
use super::remote::{RemoteReranker, Wire};
use crate::base::Secret;
use crate::outbound::Outbound;

/// How long a visitor may wait for a better order.
pub(super) fn deadline_ms() -> u64 {
    5_000
}

/// Which field carries the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentsField {
    /// Jina, vLLM, llama.cpp, infinity.
    #[default]
    Documents,
    /// text-embeddings-inference.
    Texts,
}

/// A server with a `/rerank`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// What people call it.
    pub name: String,
    /// Up to `/rerank` and without it, such as `https://api.jina.ai/v1` or `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// As the server names it; not sent when not given, for servers that have only one.
    #[serde(default)]
    pub model: Option<String>,
    /// Sent as a bearer token; no header without it.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Which field carries the documents.
    #[serde(default)]
    pub documents_field: DocumentsField,
    /// For the request, retries included, in milliseconds. A visitor waits meanwhile.
    #[serde(default = "deadline_ms")]
    pub deadline_ms: u64,
}

impl RemoteReranker {
    /// A model on a server with a `/rerank`; it is called `default` where the settings give it no name. Asks nothing of the
    /// server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or the deadline is 0.
    pub fn http(settings: HttpSettings, outbound: Outbound) -> Result<Self, Error> {
        let HttpSettings { name, base_url, model, api_key, documents_field, deadline_ms } = settings;
        let wire = Http { documents_field, has_model: model.is_some() };
        let model = model.unwrap_or_else(|| "default".to_owned());
        let endpoint = Endpoint::new((name, model), &base_url, api_key, deadline_ms, outbound)?;
        Ok(Self::new(endpoint, Box::new(wire)))
    }
}

#[derive(Debug)]
struct Http {
    documents_field: DocumentsField,
    has_model: bool,
}

impl Wire for Http {
    fn path(&self) -> &'static [&'static str] {
        &["rerank"]
    }

    fn body(&self, model: &str, request: &RerankRequest<'_>) -> Value {
        let mut body = match self.documents_field {
            DocumentsField::Documents => {
                json!({"query": request.query, "documents": request.documents, "top_n": request.top})
            }
            DocumentsField::Texts => {
                json!({"query": request.query, "texts": request.documents, "truncate": true})
            }
        };
        if self.has_model
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("model".to_owned(), model.into());
        }
        body
    }
}
