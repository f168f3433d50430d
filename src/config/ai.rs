//! `[ai]`: model servers, and their keys from wherever they are kept.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::assistant::EXTRACTIVE;
use super::price::{self, PriceSettings};
use super::settings::Finding;
use crate::base::Secret;

/// The model servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ai {
    /// Each with its model.
    pub provider: Vec<ProviderSettings>,
    /// The site's own prices.
    pub price: Vec<PriceSettings>,
}

/// A server that speaks the protocol of OpenAI's chat completions, and a model on it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What the other settings call it.
    pub name: String,
    /// Up to and including the version.
    pub base_url: Url,
    /// As the server names it.
    pub model: String,
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

const KEY_BYTES_MAX: u64 = 16 << 10;

impl ProviderSettings {
    /// Takes in the key.
    fn find_key(&mut self, environment: &[(String, String)]) -> Result<(), String> {
        let places = usize::from(self.api_key.is_some())
            + usize::from(self.api_key_env.is_some())
            + usize::from(self.api_key_file.is_some());
        if places > 1 {
            return Err(format!("the key of \"{}\" is given more than once", self.name));
        }
        if let Some(name) = &self.api_key_env {
            let found = environment.iter().find(|(variable, _)| variable == name);
            let (_, key) = found.ok_or_else(|| format!("the variable {name} is not set"))?;
            self.api_key = Some(Secret::new(key.trim().to_owned()));
        }
        if let Some(path) = &self.api_key_file {
            self.api_key = Some(read_key(path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
        match &self.api_key {
            Some(key) if key.is_empty() => Err(format!("the key of \"{}\" is empty", self.name)),
            _ => Ok(()),
        }
    }
}

fn read_key(path: &std::path::Path) -> std::io::Result<Secret> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(KEY_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim().to_owned()))
}

impl Ai {
    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut names = vec![EXTRACTIVE.to_owned()];
        for provider in &mut self.provider {
            if let Err(reason) = provider.find_key(environment) {
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
