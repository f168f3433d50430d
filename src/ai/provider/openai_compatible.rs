//! OpenAI itself, and any server that speaks its chat completions: Ollama, llama.cpp, vLLM and their like.
//!
//! A server is described by data; what it may get wrong is known in `openai_decode` and `refusal`.

use std::sync::Arc;

use serde::Deserialize;

use super::super::{ChatRequest, Error, Message};
use super::by_remote;
use super::dialect::{Base, Dialect, Manner, PROBE_TEXT, PURPOSE_CHAT, PURPOSE_CHECK, Probe};
use super::openai_decode::Completion;
use super::openai_wire::{Body, StreamOptions, Turn};
use super::remote::{Remote, Server};
use super::transcript::Decoder;
use super::{Deadlines, yes};
use crate::base::Secret;
use crate::outbound::{self, Outbound, Request};

/// Which field carries the limit of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitField {
    /// OpenAI today.
    MaxCompletionTokens,
    /// Older and many compatible servers, which ignore the other and would go on for ever.
    #[default]
    MaxTokens,
}

/// A server and a model on it.
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
    /// Which field carries the limit of tokens.
    #[serde(default)]
    pub token_limit_field: TokenLimitField,
    /// Whether to ask for the usage at the end of the stream. A few servers refuse the question.
    #[serde(default = "yes")]
    pub ask_usage: bool,
    /// Whether a wish for a temperature is passed on.
    #[serde(default = "yes")]
    pub send_temperature: bool,
    /// How long to wait.
    #[serde(default)]
    pub deadlines: Deadlines,
}

/// A model at OpenAI.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiSettings {
    /// What people call it.
    pub name: String,
    /// Up to and including the version.
    #[serde(default = "OpenAiSettings::base_url")]
    pub base_url: String,
    /// Such as `gpt-4o-mini`.
    pub model: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Whether a wish for a temperature is passed on. Models that reason first refuse any but their own.
    #[serde(default = "yes")]
    pub send_temperature: bool,
    /// How long to wait.
    #[serde(default)]
    pub deadlines: Deadlines,
}

impl OpenAiSettings {
    /// Where OpenAI is.
    #[must_use]
    pub fn base_url() -> String {
        "https://api.openai.com/v1".to_owned()
    }
}

by_remote! {
    /// A model on a server that speaks OpenAI's chat completions.
    OpenAiCompatible
}

by_remote! {
    /// A model at OpenAI.
    OpenAi
}

impl OpenAiCompatible {
    /// Checks the settings. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty or `base_url` is not an address.
    pub fn new(settings: OpenAiCompatibleSettings, outbound: Outbound) -> Result<Self, Error> {
        let dialect = ChatCompletions {
            base: Base::parse(&settings.base_url, &settings.name)?,
            model: settings.model.clone(),
            token_limit_field: settings.token_limit_field,
            ask_usage: settings.ask_usage,
            send_temperature: settings.send_temperature,
            models_can_be_looked_up: false,
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

impl OpenAi {
    /// Checks the settings. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty or `base_url` is not an address.
    pub fn new(settings: OpenAiSettings, outbound: Outbound) -> Result<Self, Error> {
        let dialect = ChatCompletions {
            base: Base::parse(&settings.base_url, &settings.name)?,
            model: settings.model.clone(),
            token_limit_field: TokenLimitField::MaxCompletionTokens,
            ask_usage: true,
            send_temperature: settings.send_temperature,
            models_can_be_looked_up: true,
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

#[derive(Debug)]
struct ChatCompletions {
    base: Base,
    model: String,
    token_limit_field: TokenLimitField,
    ask_usage: bool,
    send_temperature: bool,
    /// Whether `GET /models/{model}` tells a known model from an unknown one: at OpenAI, not everywhere.
    models_can_be_looked_up: bool,
}

impl ChatCompletions {
    fn post(
        &self,
        chat: &ChatRequest,
        manner: Manner,
        purpose: &'static str,
    ) -> Result<Request, outbound::Error> {
        let streaming = manner == Manner::Streaming;
        let limit = Some(chat.max_output_tokens);
        let modern_limit = self.token_limit_field == TokenLimitField::MaxCompletionTokens;
        let body = Body {
            model: &self.model,
            messages: Turn::all(chat),
            stream: streaming,
            stream_options: (streaming && self.ask_usage).then_some(StreamOptions { include_usage: true }),
            max_completion_tokens: limit.filter(|_| modern_limit),
            max_tokens: limit.filter(|_| !modern_limit),
            temperature: chat.temperature.filter(|_| self.send_temperature),
        };
        Request::post_json(self.base.join(["chat", "completions"]), purpose, &body)
    }
}

impl Dialect for ChatCompletions {
    fn conversation(&self, chat: &ChatRequest, manner: Manner) -> Result<Request, outbound::Error> {
        self.post(chat, manner, PURPOSE_CHAT)
    }

    fn probes(&self) -> Result<Vec<Probe>, outbound::Error> {
        let mut probes = Vec::new();
        if self.models_can_be_looked_up {
            let request = Request::get(self.base.join(["models", &self.model]), PURPOSE_CHECK);
            probes.push(Probe { request, proof: "/id" });
        }
        let chat = ChatRequest {
            messages: vec![Message::user(PROBE_TEXT)],
            max_output_tokens: 1,
            temperature: None,
            tenant: None,
        };
        let request = self.post(&chat, Manner::Whole, PURPOSE_CHECK)?;
        probes.push(Probe { request, proof: "/choices" });
        Ok(probes)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Completion::default())
    }
}
