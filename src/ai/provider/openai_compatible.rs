//! Any server that speaks OpenAI's chat completions: OpenAI itself, Ollama, llama.cpp, vLLM and their like.
//!
//! A server is described by data; what it may get wrong is known here and in `openai_decode`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::super::{ChatRequest, Deadline, Error, Event};
use super::openai_decode::{Decoder, Step};
use super::openai_wire::{Asked, Body, Refusal};
use super::{Deadlines, EventStream, Provider, sse};
use crate::base::Secret;
use crate::outbound::{self, Outbound, Phase, Request, StreamingAnswer};

/// What the egress ledger is told.
const PURPOSE: &str = "ai.chat";
const RETRIES_MAX: u32 = 2;
/// Bytes of a whole stream: about sixteen of envelope for each byte of text that is kept.
const STREAM_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long an answer that is whole waits for its usage.
const USAGE_GRACE: Duration = Duration::from_secs(2);

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
    /// How long to wait.
    #[serde(default)]
    pub deadlines: Deadlines,
}

fn yes() -> bool {
    true
}

/// The provider.
#[derive(Clone)]
pub struct OpenAiCompatible {
    server: Arc<Server>,
    outbound: Outbound,
}

struct Server {
    settings: OpenAiCompatibleSettings,
    endpoint: Url,
}

impl fmt::Debug for OpenAiCompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiCompatible")
            .field("name", &self.server.settings.name)
            .field("model", &self.server.settings.model)
            .finish_non_exhaustive()
    }
}

impl OpenAiCompatible {
    /// Checks the settings. Asks nothing of the server yet.
    ///
    /// # Errors
    /// [`Error::BadSettings`] if a name is empty or `base_url` is not an address.
    pub fn new(settings: OpenAiCompatibleSettings, outbound: Outbound) -> Result<Self, Error> {
        let refuse = |reason| Error::BadSettings { provider: settings.name.clone(), reason };
        if settings.name.is_empty() || settings.model.is_empty() {
            return Err(refuse("name and model may not be empty"));
        }
        let base = settings.base_url.trim_end_matches('/');
        let endpoint = Url::parse(&format!("{base}/chat/completions"))
            .map_err(|_| refuse("base_url is not an address such as http://127.0.0.1:11434/v1"))?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.query().is_some() {
            return Err(refuse("base_url is not an http address without a query"));
        }
        Ok(Self { server: Arc::new(Server { settings, endpoint }), outbound })
    }
}

impl Provider for OpenAiCompatible {
    fn name(&self) -> &str {
        &self.server.settings.name
    }

    fn model(&self) -> &str {
        &self.server.settings.model
    }

    fn stream(&self, request: ChatRequest) -> EventStream {
        let (server, outbound) = (Arc::clone(&self.server), self.outbound.clone());
        let opening = async move { Reader::open(server, &outbound, &request).await };
        stream::once(opening)
            .flat_map(|opened| match opened {
                Ok(reader) => reader.into_stream(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }
}

impl Server {
    fn asked(&self) -> Asked<'_> {
        let settings = &self.settings;
        let key = settings.api_key.as_ref().map(Secret::expose);
        Asked { provider: &settings.name, model: &settings.model, key }
    }

    fn request(&self, chat: &ChatRequest) -> Result<Request, outbound::Error> {
        let settings = &self.settings;
        let modern_limit = settings.token_limit_field == TokenLimitField::MaxCompletionTokens;
        let body = Body::new(&settings.model, chat, modern_limit, settings.ask_usage);
        let deadlines = &settings.deadlines;
        let limits = outbound::Limits {
            first_byte: deadlines.first_token(),
            // Decided here by tokens, not there by bytes: a keep-alive is not a sign of life.
            between_pieces: deadlines.whole(),
            whole: deadlines.whole(),
            answer_bytes_max: STREAM_BYTES_MAX,
        };
        let request = Request::post_json(self.endpoint.clone(), PURPOSE, &body)?
            .on_behalf_of(chat.tenant.clone())
            .limits(limits)
            .retries(RETRIES_MAX)
            .unless(|_, body| Refusal::read(body).is_credit());
        match &settings.api_key {
            Some(key) if !key.is_empty() => request.bearer(key.expose()),
            _ => Ok(request),
        }
    }

    fn timed_out(&self, deadline: Deadline) -> Error {
        Error::TimedOut { provider: self.settings.name.clone(), deadline }
    }

    /// What a failure beneath means here; `at_first` is whether it came before the answer began.
    fn failure(&self, error: outbound::Error, at_first: bool) -> Error {
        match error {
            outbound::Error::Status { status, retry_after, body, .. } => {
                self.asked().error(Some(status), &Refusal::read(&body), retry_after)
            }
            outbound::Error::TimedOut { phase: Phase::Whole, .. } => self.timed_out(Deadline::Whole),
            outbound::Error::TimedOut { phase: Phase::FirstByte, .. } => self.timed_out(Deadline::FirstToken),
            outbound::Error::TimedOut { phase: Phase::NextPiece, .. } => {
                self.timed_out(Deadline::BetweenTokens)
            }
            outbound::Error::Broken { .. } if !at_first => {
                Error::Interrupted { provider: self.settings.name.clone() }
            }
            source => Error::Outbound { provider: self.settings.name.clone(), source },
        }
    }
}

enum Source {
    Events(BoxStream<'static, Result<String, sse::Failure<outbound::Error>>>),
    /// From a server that does not stream although it was asked to.
    Whole(Bytes),
    Over,
}

/// An answer that is arriving.
struct Reader {
    server: Arc<Server>,
    source: Source,
    decoder: Decoder,
    /// When the next sign of life is due, and which deadline that is.
    due: (Instant, Deadline),
}

impl Reader {
    async fn open(server: Arc<Server>, outbound: &Outbound, chat: &ChatRequest) -> Result<Self, Error> {
        let first_token_by = Instant::now() + server.settings.deadlines.first_token();
        let request = server.request(chat).map_err(|error| server.failure(error, true))?;
        let answer = timeout_at(first_token_by, outbound.send_streaming(request))
            .await
            .map_err(|_| server.timed_out(Deadline::FirstToken))?
            .map_err(|error| server.failure(error, true))?;
        let source = if is_json(&answer) {
            let collecting = collect(answer);
            let body = timeout_at(first_token_by, collecting)
                .await
                .map_err(|_| server.timed_out(Deadline::FirstToken))?
                .map_err(|error| server.failure(error, false))?;
            Source::Whole(body)
        } else {
            Source::Events(sse::data(answer.body))
        };
        let decoder = Decoder::new(chat.text_bytes());
        Ok(Self { server, source, decoder, due: (first_token_by, Deadline::FirstToken) })
    }

    fn into_stream(self) -> EventStream {
        stream::unfold(self, |mut reader| async {
            if matches!(reader.source, Source::Over) {
                return None;
            }
            let next = reader.next().await;
            if !matches!(next, Ok(Event::Delta(_))) {
                reader.source = Source::Over;
            }
            Some((next, reader))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            let step = match &mut self.source {
                Source::Over => return self.decoder.finish(true, &self.server.asked()),
                Source::Whole(body) => {
                    let step = self.decoder.whole(body, &self.server.asked());
                    // The text is in one piece; the second time round there is only the end to tell.
                    self.source = Source::Events(stream::iter([Ok("[DONE]".to_owned())]).boxed());
                    step
                }
                Source::Events(events) => match timeout_at(self.due.0, events.next()).await {
                    Ok(None) => return self.finish(false),
                    // The text is whole; what fails now takes only the usage with it.
                    Err(_) | Ok(Some(Err(_))) if self.decoder.is_whole() => return self.finish(false),
                    Err(_) => return Err(self.server.timed_out(self.due.1)),
                    Ok(Some(Err(failure))) => return Err(self.failure(failure)),
                    Ok(Some(Ok(data))) => self.decoder.step(&data, &self.server.asked()),
                },
            };
            match step {
                Ok(Step::End) => return self.finish(true),
                Ok(Step::Text(text)) => {
                    self.is_alive();
                    return Ok(Event::Delta(text));
                }
                Ok(Step::Alive) => self.is_alive(),
                Err(_) if self.decoder.is_whole() => return self.finish(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn is_alive(&mut self) {
        let now = Instant::now();
        self.due = if self.decoder.is_whole() {
            (now + USAGE_GRACE, Deadline::BetweenTokens)
        } else {
            (now + self.server.settings.deadlines.between_tokens(), Deadline::BetweenTokens)
        };
    }

    fn finish(&self, said_so: bool) -> Result<Event, Error> {
        self.decoder.finish(said_so, &self.server.asked())
    }

    fn failure(&self, failure: sse::Failure<outbound::Error>) -> Error {
        match failure {
            sse::Failure::Source(error) => self.server.failure(error, false),
            sse::Failure::Malformed(reason) => {
                Error::Malformed { provider: self.server.settings.name.clone(), detail: reason.into() }
            }
        }
    }
}

fn is_json(answer: &StreamingAnswer) -> bool {
    let media_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| media_type.trim_start().starts_with("application/json"))
}

async fn collect(answer: StreamingAnswer) -> Result<Bytes, outbound::Error> {
    let mut body = answer.body;
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(&piece?);
    }
    Ok(whole.into())
}
