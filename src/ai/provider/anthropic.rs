//! Anthropic's messages.
//!
//! The version of the API is a header, and with the version of 2026-10-21 the key moved from a header of its own into the
//! usual one. Both are settings, because gateways and older accounts may still want the old pair.

use std::sync::Arc;

use reqwest::header::HeaderName;
use serde::Deserialize;

use super::super::{ChatRequest, Error};
use super::Deadlines;
use super::anthropic_decode::Messages;
use super::anthropic_wire::{Body, Count, Turn};
use super::by_remote;
use super::dialect::{Base, Dialect, Manner, PURPOSE_CHAT, PURPOSE_CHECK, Probe};
use super::remote::{Remote, Server};
use super::transcript::Decoder;
use super::turns::turns;
use crate::base::Secret;
use crate::outbound::{self, Outbound, Request};

const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");
const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// More is refused.
const TEMPERATURE_MAX: f32 = 1.0;

/// Where the key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnthropicAuth {
    /// `Authorization: Bearer`, as the vendor's client sends it since 2026-10-21.
    #[default]
    Bearer,
    /// `x-api-key`, as before.
    XApiKey,
}

/// A model at Anthropic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnthropicSettings {
    /// What people call it.
    pub name: String,
    /// Without the `/v1`.
    #[serde(default = "AnthropicSettings::base_url")]
    pub base_url: String,
    /// As the vendor names it.
    pub model: String,
    /// Sent as `auth` says.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// The `anthropic-version`.
    #[serde(default = "AnthropicSettings::version")]
    pub version: String,
    /// Where the key stands.
    #[serde(default)]
    pub auth: AnthropicAuth,
    /// Whether a wish for a temperature is passed on. Current models take none, so it is not unless this says so.
    #[serde(default)]
    pub send_temperature: bool,
    /// How long to wait.
    #[serde(default)]
    pub deadlines: Deadlines,
}

impl AnthropicSettings {
    /// Where Anthropic is.
    #[must_use]
    pub fn base_url() -> String {
        "https://api.anthropic.com".to_owned()
    }

    /// The version of the API that this was written after.
    #[must_use]
    pub fn version() -> String {
        "2026-10-21".to_owned()
    }
}

by_remote! {
    /// A model at Anthropic.
    Anthropic
}

impl Anthropic {
    /// Checks the settings. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or `version` is no header's value.
    pub fn new(settings: AnthropicSettings, outbound: Outbound) -> Result<Self, Error> {
        let is_version = |version: &str| version.chars().all(|c| c.is_ascii_graphic()) && !version.is_empty();
        if !is_version(&settings.version) {
            let reason = "version is not a date such as 2026-10-21";
            return Err(Error::BadSettings { provider: settings.name, reason });
        }
        let dialect = Dated {
            base: Base::parse(&settings.base_url, &settings.name)?,
            model: settings.model.clone(),
            version: settings.version,
            auth: settings.auth,
            send_temperature: settings.send_temperature,
        };
        let server = Server {
            name: settings.name,
            model: settings.model,
            api_key: settings.api_key,
            deadlines: settings.deadlines,
            dialect: Arc::new(dialect),
        };
        Remote::new(server, outbound).map(Self)
    }
}

/// The messages API of a date.
#[derive(Debug)]
struct Dated {
    base: Base,
    model: String,
    version: String,
    auth: AnthropicAuth,
    send_temperature: bool,
}

impl Dialect for Dated {
    fn conversation(&self, chat: &ChatRequest, manner: Manner) -> Result<Request, outbound::Error> {
        let (system, turns) = turns(chat);
        let body = Body {
            model: &self.model,
            max_tokens: chat.max_output_tokens.max(1),
            system: Some(system).filter(|system| !system.is_empty()),
            messages: turns.iter().map(Turn::new).collect(),
            stream: manner == Manner::Streaming,
            temperature: chat
                .temperature
                .filter(|_| self.send_temperature)
                .map(|wish| wish.min(TEMPERATURE_MAX)),
        };
        Request::post_json(self.base.join(["v1", "messages"]), PURPOSE_CHAT, &body)?
            .header(VERSION_HEADER, &self.version)
    }

    fn authorize(&self, request: Request, key: &str) -> Result<Request, outbound::Error> {
        match self.auth {
            AnthropicAuth::Bearer => request.bearer(key),
            AnthropicAuth::XApiKey => request.secret_header(KEY_HEADER, key),
        }
    }

    /// Counting tokens is free, and refused to a bad key and for an unknown model.
    fn probes(&self) -> Result<Vec<Probe>, outbound::Error> {
        let url = self.base.join(["v1", "messages", "count_tokens"]);
        let request = Request::post_json(url, PURPOSE_CHECK, &Count::new(&self.model))?
            .header(VERSION_HEADER, &self.version)?;
        Ok(vec![Probe { request, proof: "/input_tokens" }])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Messages::default())
    }
}
