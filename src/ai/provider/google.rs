//! Google's Gemini models: `generateContent` and `streamGenerateContent`.

use std::sync::Arc;

use reqwest::header::HeaderName;
use serde::Deserialize;
use url::Url;

use super::super::{ChatRequest, Error, ImageType};
use super::by_remote;
use super::dialect::{Base, Dialect, Manner, PURPOSE_CHAT, PURPOSE_CHECK, Probe};
use super::google_decode::Content;
use super::google_wire::{Body, Count};
use super::remote::{Remote, Server};
use super::transcript::Decoder;
use super::{Deadlines, yes};
use crate::base::Secret;
use crate::outbound::{self, Outbound, Request};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");

/// A model at Google.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoogleSettings {
    /// What people call it.
    pub name: String,
    /// Without the version.
    #[serde(default = "GoogleSettings::base_url")]
    pub base_url: String,
    /// As the vendor names it; a name with a slash, such as `tunedModels/desk`, is taken as it is.
    pub model: String,
    /// Sent as `x-goog-api-key`.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// The version of the API. The vendor's description of `v1` knows no system instruction.
    #[serde(default = "GoogleSettings::api_version")]
    pub api_version: String,
    /// Whether a wish for a temperature is passed on.
    #[serde(default = "yes")]
    pub send_temperature: bool,
    /// How long to wait.
    #[serde(default)]
    pub deadlines: Deadlines,
}

impl GoogleSettings {
    /// Where Google's models are.
    #[must_use]
    pub fn base_url() -> String {
        "https://generativelanguage.googleapis.com".to_owned()
    }

    /// The version of the API that this was written after.
    #[must_use]
    pub fn api_version() -> String {
        "v1beta".to_owned()
    }
}

by_remote! {
    /// A model at Google.
    Google
}

impl Google {
    /// Checks the settings. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty, `base_url` is not an address, or `api_version` is empty.
    pub fn new(settings: GoogleSettings, outbound: Outbound) -> Result<Self, Error> {
        if settings.api_version.is_empty() {
            let reason = "api_version is not a version such as v1beta";
            return Err(Error::BadSettings { provider: settings.name, reason });
        }
        let dialect = Gemini {
            base: Base::parse(&settings.base_url, &settings.name)?,
            model: settings.model.clone(),
            api_version: settings.api_version,
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

#[derive(Debug)]
struct Gemini {
    base: Base,
    model: String,
    api_version: String,
    send_temperature: bool,
}

impl Gemini {
    fn url(&self, method: &str) -> Url {
        let (collection, model) = self.model.split_once('/').unwrap_or(("models", &self.model));
        self.base.join([&self.api_version, collection, &format!("{model}:{method}")])
    }
}

impl Dialect for Gemini {
    fn conversation(&self, chat: &ChatRequest, manner: Manner) -> Result<Request, outbound::Error> {
        let url = match manner {
            Manner::Whole => self.url("generateContent"),
            Manner::Streaming => {
                let mut url = self.url("streamGenerateContent");
                // Otherwise it is one array, as long as the answer.
                url.set_query(Some("alt=sse"));
                url
            }
        };
        let temperature = chat.temperature.filter(|_| self.send_temperature);
        Request::post_json(url, PURPOSE_CHAT, &Body::new(chat, temperature))
    }

    fn authorize(&self, request: Request, key: &str) -> Result<Request, outbound::Error> {
        request.secret_header(KEY_HEADER, key)
    }

    /// Counting tokens is free, and refused to a bad key and for an unknown model.
    fn probes(&self) -> Result<Vec<Probe>, outbound::Error> {
        let request = Request::post_json(self.url("countTokens"), PURPOSE_CHECK, &Count::new())?;
        Ok(vec![Probe { request, proof: "/totalTokens" }])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Content)
    }

    fn images_misfit(&self, chat: &ChatRequest) -> Option<&'static str> {
        let mut images = chat.images();
        images.any(|image| image.media_type == ImageType::Gif).then_some("Google's models do not read GIF")
    }
}
