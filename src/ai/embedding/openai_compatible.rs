//! The embeddings of OpenAI, and of any server that speaks like it: Ollama, llama.cpp, vLLM, text-embeddings-inference.
//! Written after OpenAI's API description 2.3.0.
//!
//! That protocol knows no questions and passages. Models that were trained to tell them apart want a few words before the
//! text, such as `query: ` and `passage: `: those are settings.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::provider::Endpoint;
use super::remote::{RemoteEmbedder, Wire};
use super::{Batches, InputType};
use crate::base::Secret;
use crate::outbound::Outbound;

/// An embedding model on a server that speaks like OpenAI's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiCompatibleSettings {
    /// What people call it, such as `ollama`.
    pub name: String,
    /// Up to and including the version, such as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// As the server names it.
    pub model: String,
    /// Sent as a bearer token; no header without it.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Numbers of a vector, for models that let one choose; not asked for when not given, since other models refuse it.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// Put before every question.
    #[serde(default)]
    pub query_prefix: String,
    /// Put before every passage.
    #[serde(default)]
    pub passage_prefix: String,
    /// What one request may hold.
    #[serde(default)]
    pub batches: Batches,
    /// For one request, retries included, in milliseconds. A model on a processor is slow with a full batch.
    #[serde(default = "OpenAiCompatibleSettings::deadline_ms")]
    pub deadline_ms: u64,
}

impl OpenAiCompatibleSettings {
    /// How long a request may take.
    #[must_use]
    pub fn deadline_ms() -> u64 {
        60_000
    }
}

impl RemoteEmbedder {
    /// A model on a server that speaks like OpenAI's. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or a number is out of its range.
    pub fn openai_compatible(settings: OpenAiCompatibleSettings, outbound: Outbound) -> Result<Self, Error> {
        let OpenAiCompatibleSettings { name, base_url, model, api_key, dimensions, batches, .. } = settings;
        let size = dimensions.map(|size| format!("@{size}")).unwrap_or_default();
        // What is put before a question changes no vector that is stored.
        let prefix = Some(&settings.passage_prefix).filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map(|prefix| format!("+{prefix}")).unwrap_or_default();
        let model_id = format!("openai:{model}{size}{prefix}");
        let wire = OpenAi {
            dimensions,
            query_prefix: settings.query_prefix,
            passage_prefix: settings.passage_prefix,
        };
        let endpoint = Endpoint::new((name, model), &base_url, api_key, settings.deadline_ms, outbound)?;
        Self::new(endpoint, Box::new(wire), model_id, batches, dimensions)
    }
}

#[derive(Debug)]
struct OpenAi {
    dimensions: Option<usize>,
    query_prefix: String,
    passage_prefix: String,
}

impl OpenAi {
    fn prefix(&self, input_type: InputType) -> &str {
        match input_type {
            InputType::Query => &self.query_prefix,
            InputType::Passage => &self.passage_prefix,
        }
    }
}

impl Wire for OpenAi {
    fn body(&self, model: &str, texts: &[&str], input_type: InputType) -> Value {
        let prefix = self.prefix(input_type);
        let input = if prefix.is_empty() {
            json!(texts)
        } else {
            texts.iter().map(|text| format!("{prefix}{text}")).collect()
        };
        let mut body = json!({"model": model, "input": input, "encoding_format": "base64"});
        if let Some(dimensions) = self.dimensions
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("dimensions".to_owned(), dimensions.into());
        }
        body
    }

    fn prefix_bytes(&self, input_type: InputType) -> usize {
        self.prefix(input_type).len()
    }
}
