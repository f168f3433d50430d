//! A model on a server, whatever the vendor: deadlines, retries and what failures mean are the same for all.
//!
//! A request is tried again only while nothing of an answer has come, and only within the deadline for the first token;
//! the trying itself is `outbound`'s.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::super::{Answer, ChatRequest, Deadline, Error, Event};
use super::dialect::{Dialect, Manner, Probe};
use super::reader::{Reader, Source};
use super::refusal::Asked;
use super::transcript::{Step, Transcript};
use super::{Checked, Deadlines, EventStream, failure, sse};
use crate::base::Secret;
use crate::outbound::{self, Outbound, Request, StreamingAnswer};

/// Bytes of a whole stream: about sixteen of envelope for each byte of text that is kept.
const STREAM_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of an answer that comes at once: text takes at most six times its size in JSON.
const WHOLE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of what a trial brings back.
const PROBE_BYTES_MAX: u64 = 1024 * 1024;

/// What every server has.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) model: String,
    pub(super) api_key: Option<Secret>,
    pub(super) deadlines: Deadlines,
    pub(super) dialect: Arc<dyn Dialect>,
}

impl Server {
    pub(super) fn asked(&self) -> Asked<'_> {
        let key = self.api_key.as_ref().map(Secret::expose);
        Asked { provider: &self.name, model: &self.model, key }
    }

    pub(super) fn timed_out(&self, deadline: Deadline) -> Error {
        self.asked().timed_out(deadline)
    }

    /// What a failure beneath means here; `at_first` is whether it came before the answer began.
    pub(super) fn failure(&self, error: outbound::Error, at_first: bool) -> Error {
        self.asked().failure(error, at_first)
    }

    fn authorized(&self, request: Request) -> Result<Request, outbound::Error> {
        match &self.api_key {
            Some(key) if !key.is_empty() => self.dialect.authorize(request, key.expose()),
            _ => Ok(request),
        }
    }

    fn conversation(&self, chat: &ChatRequest, manner: Manner) -> Result<Request, Error> {
        if let Some(reason) = chat.images_misfit().or_else(|| self.dialect.images_misfit(chat)) {
            return Err(Error::ImagesUnfit { provider: self.name.clone(), reason });
        }
        let (first_token, whole) = (self.deadlines.first_token(), self.deadlines.whole());
        let limits = outbound::Limits {
            first_byte: if manner == Manner::Streaming { first_token } else { whole },
            // Decided here by tokens, not there by bytes: a keep-alive is not a sign of life.
            between_pieces: whole,
            whole,
            answer_bytes_max: if manner == Manner::Streaming { STREAM_BYTES_MAX } else { WHOLE_BYTES_MAX },
        };
        let request = self.dialect.conversation(chat, manner).and_then(|request| self.authorized(request));
        let request = request.map_err(|error| self.failure(error, true))?;
        Ok(failure::tried_again(request.on_behalf_of(chat.tenant.clone()).limits(limits), first_token))
    }
}

/// A model on a server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Remote {
    server: Arc<Server>,
    outbound: Outbound,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("name", &self.server.name)
            .field("model", &self.server.model)
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// Asks nothing of the server yet.
    pub(super) fn new(server: Server, outbound: Outbound) -> Result<Self, Error> {
        if server.name.is_empty() || server.model.is_empty() {
            let reason = "name and model may not be empty";
            return Err(Error::BadSettings { provider: server.name, reason });
        }
        Ok(Self { server: Arc::new(server), outbound })
    }

    /// The same server, asked with another key.
    pub(super) fn with_key(&self, key: Secret) -> Self {
        let server = Server {
            name: self.server.name.clone(),
            model: self.server.model.clone(),
            api_key: Some(key),
            deadlines: self.server.deadlines,
            dialect: Arc::clone(&self.server.dialect),
        };
        Self { server: Arc::new(server), outbound: self.outbound.clone() }
    }

    pub(super) fn name(&self) -> &str {
        &self.server.name
    }

    pub(super) fn model(&self) -> &str {
        &self.server.model
    }

    pub(super) fn stream(&self, chat: ChatRequest) -> EventStream {
        let remote = self.clone();
        let opening = async move { remote.open(&chat).await };
        stream::once(opening)
            .flat_map(|opened| match opened {
                Ok(reader) => reader.into_stream(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }

    async fn open(&self, chat: &ChatRequest) -> Result<Reader, Error> {
        let server = &self.server;
        let first_token_by = Instant::now() + server.deadlines.first_token();
        let request = server.conversation(chat, Manner::Streaming)?;
        let answer = timeout_at(first_token_by, self.outbound.send_streaming(request))
            .await
            .map_err(|_| server.timed_out(Deadline::FirstToken))?
            .map_err(|error| server.failure(error, true))?;
        let source = if is_json(&answer) {
            let body = timeout_at(first_token_by, collect(answer))
                .await
                .map_err(|_| server.timed_out(Deadline::FirstToken))?
                .map_err(|error| server.failure(error, false))?;
            Source::Whole(body)
        } else {
            Source::Events(sse::data(answer.body))
        };
        let transcript = Transcript::new(server.dialect.decoder(), chat.weight_bytes());
        Ok(Reader::new(Arc::clone(server), source, transcript, first_token_by))
    }

    pub(super) async fn complete(&self, chat: ChatRequest) -> Result<Answer, Error> {
        let server = &self.server;
        let request = server.conversation(&chat, Manner::Whole)?;
        let arrived = self.outbound.send(request).await.map_err(|error| server.failure(error, false))?;
        let mut transcript = Transcript::new(server.dialect.decoder(), chat.weight_bytes());
        let text = match transcript.whole(&arrived.body, &server.asked())? {
            Step::Text(text) => text,
            Step::Alive | Step::Skip | Step::End => String::new(),
        };
        match transcript.finish(true, &server.asked())? {
            Event::Finished { stop_reason, usage } => Ok(Answer { text, stop_reason, usage }),
            Event::Waiting { .. } | Event::Delta(_) => Err(server.asked().malformed("the answer has no end")),
        }
    }

    pub(super) async fn check(&self) -> Checked {
        let began = Instant::now();
        let outcome = self.probe().await;
        Checked { took: began.elapsed(), outcome }
    }

    async fn probe(&self) -> Result<(), Error> {
        let server = &self.server;
        let mut probes = server.dialect.probes().map_err(|error| server.failure(error, true))?.into_iter();
        let mut outcome = Err(server.asked().malformed("there is no trial for such a server"));
        while let Some(probe) = probes.next() {
            outcome = match self.try_out(probe).await {
                Err(outbound::Error::Status { status: 403, .. }) if probes.len() > 0 => continue,
                Err(error) => Err(server.failure(error, false)),
                Ok(true) => Ok(()),
                Ok(false) => Err(server.asked().malformed("the answer to a trial is not of this kind")),
            };
            break;
        }
        outcome
    }

    /// Whether the answer holds the proof.
    async fn try_out(&self, probe: Probe) -> Result<bool, outbound::Error> {
        let time = self.server.deadlines.first_token();
        let limits = outbound::Limits {
            first_byte: time,
            between_pieces: time,
            whole: time,
            answer_bytes_max: PROBE_BYTES_MAX,
        };
        let request = self.server.authorized(probe.request)?.limits(limits);
        let answer = self.outbound.send(request).await?;
        let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
        Ok(value.is_some_and(|value| value.pointer(probe.proof).is_some()))
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
