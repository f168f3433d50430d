//! Voyage's embeddings. Written after the vendor's API description 1.1.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::provider::Endpoint;
use super::remote::{RemoteEmbedder, Wire};
use super::{Batches, InputType};
use crate::base::Secret;
use crate::outbound::Outbound;

/// An embedding model at Voyage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoyageSettings {
    /// What people call it.
    pub name: String,
    /// Up to and including the version.
    #[serde(default = "VoyageSettings::base_url")]
    pub base_url: String,
    /// Such as `voyage-3.5`.
    pub model: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Numbers of a vector; the model's own choice when not given.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// What one request may hold.
    #[serde(default)]
    pub batches: Batches,
    /// For one request, retries included, in milliseconds.
    #[serde(default = "VoyageSettings::deadline_ms")]
    pub deadline_ms: u64,
}

impl VoyageSettings {
    /// Where Voyage is.
    #[must_use]
    pub fn base_url() -> String {
        "https://api.voyageai.com/v1".to_owned()
    }

    /// How long a request may take: long enough for one pause that the server asks for.
    #[must_use]
    pub fn deadline_ms() -> u64 {
        30_000
    }
}

impl RemoteEmbedder {
    /// A model at Voyage. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or a number is out of its range.
    pub fn voyage(settings: VoyageSettings, outbound: Outbound) -> Result<Self, Error> {
        let VoyageSettings { name, base_url, model, api_key, dimensions, batches, deadline_ms } = settings;
        let size = dimensions.map(|size| format!("@{size}")).unwrap_or_default();
        let model_id = format!("voyage:{model}{size}");
        let endpoint = Endpoint::new((name, model), &base_url, api_key, deadline_ms, outbound)?;
        Self::new(endpoint, Box::new(Voyage { dimensions }), model_id, batches, dimensions)
    }
}

#[derive(Debug)]
struct Voyage {
    dimensions: Option<usize>,
}

impl Wire for Voyage {
    fn body(&self, model: &str, texts: &[&str], input_type: InputType) -> Value {
        let input_type = match input_type {
            InputType::Query => "query",
            InputType::Passage => "document",
        };
        let mut body =
            json!({"model": model, "input": texts, "input_type": input_type, "encoding_format": "base64"});
        if let Some(dimensions) = self.dimensions
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("output_dimension".to_owned(), dimensions.into());
        }
        body
    }
}
