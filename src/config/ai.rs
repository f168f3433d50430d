//! `[ai]`: models and where they are, and their keys from wherever they are kept.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::assistant::{AUTO, EXTRACTIVE, LOCAL};
use super::destination::Destination;
use super::key::KeyPlaces;
use super::price::{self, PriceSettings};
use super::settings::Finding;
use crate::base::Secret;

/// The models.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ai {
    /// Each at its place.
    pub provider: Vec<ProviderSettings>,
    /// The site's own prices.
    pub price: Vec<PriceSettings>,
}

/// What is spoken with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI itself.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Google,
    /// OpenAI's chat completions, on any server.
    #[default]
    #[serde(rename = "openai_compatible")]
    OpenAiCompatible,
}

/// Where Anthropic's key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderAuth {
    /// `Authorization: Bearer`.
    Bearer,
    /// `x-api-key`.
    XApiKey,
}

/// A model and where it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What the other settings call it.
    pub name: String,
    /// What is spoken there.
    #[serde(default)]
    pub kind: ProviderKind,
    /// Where it is: for OpenAI and compatible servers up to and including the version, for the others without it. The
    /// vendor's own address when it is left out.
    #[serde(default)]
    pub base_url: Option<Url>,
    /// As the server names it.
    pub model: String,
    /// Anthropic only: the `anthropic-version`.
    #[serde(default)]
    pub version: Option<String>,
    /// Anthropic only: where the key stands.
    #[serde(default)]
    pub auth: Option<ProviderAuth>,
    /// Google only: the version of the API, such as `v1beta`.
    #[serde(default)]
    pub api_version: Option<String>,
    /// Whether the model looks at pictures; the three vendors' do when it is left out.
    #[serde(default)]
    pub vision: Option<bool>,
    /// Whether the model is told a temperature; what its kind makes of it when it is left out.
    #[serde(default)]
    pub send_temperature: Option<bool>,
    /// How long to wait for the first sign of an answer, in milliseconds.
    #[serde(default)]
    pub first_token_ms: Option<u64>,
    /// How long to wait between two signs of life, in milliseconds.
    #[serde(default)]
    pub between_tokens_ms: Option<u64>,
    /// How long to wait for the whole answer, in milliseconds.
    #[serde(default)]
    pub whole_ms: Option<u64>,
    /// Its key, once [`super::load()`] has taken it in from wherever it is kept.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// The variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The file that holds the key and nothing else.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
}

impl ProviderSettings {
    /// What cannot go with its kind.
    fn mismatch(&self) -> Option<String> {
        let name = &self.name;
        if self.kind == ProviderKind::OpenAiCompatible && self.base_url.is_none() {
            return Some(format!("\"{name}\" needs a base_url, such as \"http://127.0.0.1:11434/v1\""));
        }
        if self.kind != ProviderKind::Anthropic && (self.version.is_some() || self.auth.is_some()) {
            return Some(format!("\"{name}\": version and auth are for kind = \"anthropic\""));
        }
        if self.kind != ProviderKind::Google && self.api_version.is_some() {
            return Some(format!("\"{name}\": api_version is for kind = \"google\""));
        }
        None
    }

    /// What the allow-list is asked about.
    pub(super) fn destination(&self) -> Option<Destination<'_>> {
        Some(Destination { table: "ai.provider", name: &self.name, url: self.address()? })
    }

    /// Whether the model looks at pictures.
    #[must_use]
    pub fn looks_at_images(&self) -> bool {
        let usually =
            matches!(self.kind, ProviderKind::OpenAi | ProviderKind::Anthropic | ProviderKind::Google);
        self.vision.unwrap_or(usually)
    }

    /// Takes in the key.
    fn find_key(&mut self, environment: &[(String, String)]) -> Result<(), String> {
        let what = format!("the key of \"{}\"", self.name);
        let places = KeyPlaces {
            what: &what,
            key: &mut self.api_key,
            variable: self.api_key_env.as_deref(),
            file: self.api_key_file.as_deref(),
        };
        places.find(environment)
    }
}

impl Ai {
    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut names = vec![EXTRACTIVE.to_owned(), AUTO.to_owned(), LOCAL.to_owned()];
        for provider in &mut self.provider {
            if let Err(reason) = provider.find_key(environment) {
                findings.push(("ai.provider", reason));
            }
            if let Some(reason) = provider.mismatch() {
                findings.push(("ai.provider", reason));
            }
            if provider.name.is_empty() || names.contains(&provider.name) {
                let reason = format!("\"{}\" cannot be a name: it is empty or taken", provider.name);
                findings.push(("ai.provider", reason));
            }
            names.push(provider.name.clone());
        }
        findings.extend(price::check(&self.price));
        findings
    }
}
