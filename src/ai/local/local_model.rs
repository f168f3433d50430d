//! The model in this process, as a provider like any other.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::{mpsc, watch};

use super::super::provider::PROBE_TEXT;
use super::super::{Answer, ChatRequest, Checked, Error, Event, EventStream, Message, Provider};
use super::engine::{Engine, Residence, Shared};
use super::settings::LocalSettings;
use crate::base::Clock;

/// The model in this process. It is loaded when it is first asked.
#[derive(Debug)]
pub struct LocalModel {
    name: String,
    model: String,
    engine: Engine,
}

impl LocalModel {
    /// Asks nothing of the file yet.
    #[must_use]
    pub fn new(settings: LocalSettings, clock: Arc<dyn Clock>) -> Self {
        let model = settings.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { name: settings.name.clone(), model, engine: Engine::new(settings, clock) }
    }

    /// Where the model is, now and from then on.
    pub fn residence(&self) -> watch::Receiver<Residence> {
        self.engine.residence()
    }

    fn answers(&self, chat: ChatRequest) -> Result<Answers, Error> {
        if chat.has_images() {
            let reason = "it has no eyes";
            return Err(Error::ImagesUnfit { provider: self.name.clone(), reason });
        }
        let shared = self.engine.0.clone();
        Ok(Answers { events: Some(self.engine.ask(chat)?), name: self.name.clone(), shared })
    }
}

/// What comes back. Dropping it leaves the line, or ends the answer at the next token.
struct Answers {
    /// Nothing once the end has come.
    events: Option<mpsc::Receiver<Result<Event, Error>>>,
    name: String,
    shared: Arc<Shared>,
}

impl Drop for Answers {
    fn drop(&mut self) {
        if let Some(events) = self.events.take() {
            drop(events);
            self.shared.tidy();
        }
    }
}

impl Answers {
    async fn next(&mut self) -> Option<Result<Event, Error>> {
        let event = self.events.as_mut()?.recv().await;
        let event = event.unwrap_or_else(|| Err(Error::Interrupted { provider: self.name.clone() }));
        if !matches!(event, Ok(Event::Delta(_) | Event::Waiting { .. })) {
            self.events = None;
        }
        Some(event)
    }
}

impl Provider for LocalModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn stream(&self, request: ChatRequest) -> EventStream {
        let answers = match self.answers(request) {
            Ok(answers) => answers,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        // An answer in which nothing is said is none.
        let told = (answers, false);
        stream::unfold(told, |(mut answers, said)| async move {
            let event = answers.next().await?;
            let said = said || matches!(event, Ok(Event::Delta(_)));
            let event = match event {
                Ok(Event::Finished { usage, .. }) if !said => {
                    Err(Error::EmptyAnswer { provider: answers.name.clone(), usage: Some(Box::new(usage)) })
                }
                other => other,
            };
            Some((event, (answers, said)))
        })
        .boxed()
    }

    fn complete(&self, request: ChatRequest) -> BoxFuture<'_, Result<Answer, Error>> {
        let mut events = self.stream(request);
        Box::pin(async move {
            let mut text = String::new();
            while let Some(event) = events.next().await {
                match event? {
                    Event::Waiting { .. } => {}
                    Event::Delta(piece) => text.push_str(&piece),
                    Event::Finished { stop_reason, usage } => return Ok(Answer { text, stop_reason, usage }),
                }
            }
            Err(Error::Interrupted { provider: self.name.clone() })
        })
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        Box::pin(async move {
            let begun = Instant::now();
            let request = ChatRequest {
                messages: vec![Message::user(PROBE_TEXT)],
                max_output_tokens: 1,
                temperature: None,
                tenant: None,
            };
            let outcome = match self.complete(request).await {
                // It has loaded, read and written: whether a single token shows is another matter.
                Ok(_) | Err(Error::EmptyAnswer { .. }) => Ok(()),
                Err(error) => Err(error),
            };
            Checked { took: begun.elapsed(), outcome }
        })
    }
}
