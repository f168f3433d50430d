//! An answer that is arriving, under its deadlines.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::super::{Deadline, Error, Event};
use super::remote::Server;
use super::transcript::{Step, Transcript};
use super::{EventStream, sse};
use crate::outbound;

/// How long an answer that is whole waits for its usage.
const USAGE_GRACE: Duration = Duration::from_secs(2);
/// How long an answer that has said its end waits for the end of the stream. One that is left before counts as cancelled in the
/// egress ledger, and its connection serves no other request.
const END_GRACE: Duration = Duration::from_secs(1);
/// Events after the end that are passed over in that time.
const AFTER_END_MAX: usize = 16;

/// Where the answer comes from.
pub(super) enum Source {
    Events(BoxStream<'static, Result<String, sse::Failure<outbound::Error>>>),
    /// From a server that does not stream although it was asked to.
    Whole(Bytes),
    Over,
}

/// An answer that is arriving.
pub(super) struct Reader {
    server: Arc<Server>,
    source: Source,
    transcript: Transcript,
    /// When the next sign of life is due, and which deadline that is.
    due: (Instant, Deadline),
}

impl Reader {
    pub(super) fn new(
        server: Arc<Server>,
        source: Source,
        transcript: Transcript,
        first_token_by: Instant,
    ) -> Self {
        Self { server, source, transcript, due: (first_token_by, Deadline::FirstToken) }
    }

    pub(super) fn into_stream(self) -> EventStream {
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
                Source::Over => return self.finish(true),
                Source::Whole(body) => {
                    let step = self.transcript.whole(body, &self.server.asked());
                    // The text is in one piece; the second time round there is only the end to tell.
                    self.source = Source::Events(stream::iter([Ok("[DONE]".to_owned())]).boxed());
                    step
                }
                Source::Events(events) => match timeout_at(self.due.0, events.next()).await {
                    Ok(None) => return self.finish(false),
                    // The text is whole; what fails now takes only the usage with it.
                    Err(_) | Ok(Some(Err(_))) if self.transcript.is_whole() => return self.finish(false),
                    Err(_) => return Err(self.server.timed_out(self.due.1)),
                    Ok(Some(Err(failure))) => return Err(self.failure(failure)),
                    Ok(Some(Ok(data))) => self.transcript.step(&data, &self.server.asked()),
                },
            };
            match step {
                Ok(Step::End) => {
                    self.run_out().await;
                    return self.finish(true);
                }
                Ok(Step::Text(text)) => {
                    self.is_alive();
                    return Ok(Event::Delta(text));
                }
                Ok(Step::Alive) => self.is_alive(),
                Ok(Step::Skip) => {}
                Err(_) if self.transcript.is_whole() => return self.finish(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads on to the end of the stream. What comes is no part of the answer, and what fails no harm to it.
    async fn run_out(&mut self) {
        let Source::Events(events) = &mut self.source else { return };
        let until = Instant::now() + END_GRACE;
        for _ in 0..AFTER_END_MAX {
            if !matches!(timeout_at(until, events.next()).await, Ok(Some(Ok(_)))) {
                return;
            }
        }
    }

    fn is_alive(&mut self) {
        let time =
            if self.transcript.is_whole() { USAGE_GRACE } else { self.server.deadlines.between_tokens() };
        self.due = (Instant::now() + time, Deadline::BetweenTokens);
    }

    fn finish(&self, said_so: bool) -> Result<Event, Error> {
        self.transcript.finish(said_so, &self.server.asked())
    }

    fn failure(&self, failure: sse::Failure<outbound::Error>) -> Error {
        match failure {
            sse::Failure::Source(error) => self.server.failure(error, false),
            sse::Failure::Malformed(reason) => self.server.asked().malformed(reason),
        }
    }
}
