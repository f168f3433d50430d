//! An embedder on a server, whatever the vendor: batches, checks and what was spent are the same for all.

use std::fmt;
use std::sync::OnceLock;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::time::Instant;

use super::super::provider::{Checked, Endpoint, PROBE_TEXT, PURPOSE_CHECK, Question};
use super::super::{Error, Usage};
use super::decode::{self, DIMENSIONS_MAX, Told};
use super::{Batches, Embedded, Embedder, EmbeddingFailed, EmbeddingRequest, InputType};

/// What the egress ledger is told.
const PURPOSE_EMBED: &str = "ai.embed";
/// Bytes of an answer: what it has whatever is in it, and what each vector may take where it comes as numbers in text.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;
const NUMBER_BYTES_MAX: usize = 26;
/// Bytes of any answer. Fewer than the largest batch of the largest vectors could have if the server ignored the wish for base64.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What tells one vendor's embeddings from another's: the names in the request.
pub(super) trait Wire: fmt::Debug + Send + Sync + 'static {
    /// The body that asks for the vectors of these texts.
    fn body(&self, model: &str, texts: &[&str], input_type: InputType) -> Value;

    /// Bytes that `body` puts before each text.
    fn prefix_bytes(&self, _input_type: InputType) -> usize {
        0
    }
}

/// An embedder on a server.
#[derive(Debug)]
pub struct RemoteEmbedder {
    endpoint: Endpoint,
    wire: Box<dyn Wire>,
    model_id: String,
    batches: Batches,
    /// From the settings or from the first good answer; later ones must agree.
    dimensions: OnceLock<usize>,
}

impl RemoteEmbedder {
    /// `model_id` names everything that the vectors of passages depend on.
    pub(super) fn new(
        endpoint: Endpoint,
        wire: Box<dyn Wire>,
        model_id: String,
        batches: Batches,
        dimensions: Option<usize>,
    ) -> Result<Self, Error> {
        let refuse = |reason| Error::BadSettings { provider: endpoint.name().to_owned(), reason };
        if let Some(reason) = batches.misfit() {
            return Err(refuse(reason));
        }
        if dimensions.is_some_and(|wanted| !(1..=DIMENSIONS_MAX).contains(&wanted)) {
            return Err(refuse("dimensions is from 1 to 8192"));
        }
        let dimensions = dimensions.map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { endpoint, wire, model_id, batches, dimensions })
    }

    /// What cannot be sent as it is.
    fn unfit(&self, request: &EmbeddingRequest<'_>) -> Option<Error> {
        let provider = self.endpoint.name().to_owned();
        let prefix_bytes = self.wire.prefix_bytes(request.input_type);
        request.texts.iter().enumerate().find_map(|(index, text)| {
            let provider = provider.clone();
            if text.trim().is_empty() {
                return Some(Error::RequestRefused { provider, detail: format!("text {index} is empty") });
            }
            let (bytes, bytes_max) = (text.len().saturating_add(prefix_bytes), self.batches.bytes_max);
            let detail = format!("text {index} has {bytes} bytes, a batch {bytes_max}");
            (bytes > bytes_max).then_some(Error::ContextTooLong { provider, detail })
        })
    }

    async fn embed_all(
        &self,
        request: EmbeddingRequest<'_>,
        purpose: &'static str,
    ) -> Result<Embedded, EmbeddingFailed> {
        let mut done = Embedded::default();
        if let Some(error) = self.unfit(&request) {
            return Err(EmbeddingFailed { done: Box::new(done), error });
        }
        let prefix_bytes = self.wire.prefix_bytes(request.input_type);
        for batch in self.batches.cut(request.texts, prefix_bytes) {
            let told = match self.ask(batch, &request, purpose).await {
                Ok(told) => told,
                Err(error) => return Err(EmbeddingFailed { done: Box::new(done), error }),
            };
            let input_bytes = batch.iter().map(|text| text.len() + prefix_bytes).sum();
            add(&mut done.usage, told.tokens, input_bytes);
            match told.vectors.and_then(|vectors| self.of_one_size(vectors)) {
                Ok(vectors) => done.vectors.extend(vectors),
                Err(detail) => {
                    let error = self.endpoint.asked().malformed(&detail);
                    return Err(EmbeddingFailed { done: Box::new(done), error });
                }
            }
        }
        Ok(done)
    }

    async fn ask(
        &self,
        texts: &[&str],
        request: &EmbeddingRequest<'_>,
        purpose: &'static str,
    ) -> Result<Told, Error> {
        let numbers = texts.len() * self.dimensions.get().unwrap_or(&DIMENSIONS_MAX);
        let answer_bytes_max = (ENVELOPE_BYTES_MAX + numbers * NUMBER_BYTES_MAX).min(ANSWER_BYTES_MAX);
        let question = Question {
            path: &["embeddings"],
            purpose,
            tenant: request.tenant.clone(),
            body: &self.wire.body(self.endpoint.model(), texts, request.input_type),
            answer_bytes_max: answer_bytes_max as u64,
        };
        let asked = self.endpoint.asked();
        let answer = self.endpoint.ask(question).await.map_err(|error| asked.failure(error, false))?;
        decode::read(&answer, texts.len(), self.dimensions.get().copied(), &asked)
    }

    /// Two first answers may come at the same time: the later of them must agree with the earlier.
    fn of_one_size(&self, vectors: Vec<Vec<f32>>) -> Result<Vec<Vec<f32>>, String> {
        let Some(size) = vectors.first().map(Vec::len) else { return Ok(vectors) };
        let wanted = *self.dimensions.get_or_init(|| size);
        if size == wanted {
            Ok(vectors)
        } else {
            Err(format!("a vector of {size} numbers where {wanted} are wanted"))
        }
    }
}

/// Adds what a batch took: what the server told, or a guess.
fn add(usage: &mut Usage, tokens: Option<u64>, input_bytes: usize) {
    let batch = tokens.map_or_else(
        || Usage::estimate(input_bytes, 0),
        |input_tokens| Usage { input_tokens, ..Usage::default() },
    );
    usage.input_tokens = usage.input_tokens.saturating_add(batch.input_tokens);
    usage.estimated |= batch.estimated;
}

impl Embedder for RemoteEmbedder {
    fn name(&self) -> &str {
        self.endpoint.name()
    }

    fn model(&self) -> &str {
        self.endpoint.model()
    }

    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn dimensions(&self) -> Option<usize> {
        self.dimensions.get().copied()
    }

    fn embed<'a>(
        &'a self,
        request: EmbeddingRequest<'a>,
    ) -> BoxFuture<'a, Result<Embedded, EmbeddingFailed>> {
        Box::pin(self.embed_all(request, PURPOSE_EMBED))
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        Box::pin(async {
            let began = Instant::now();
            let request =
                EmbeddingRequest { texts: &[PROBE_TEXT], input_type: InputType::Query, tenant: None };
            let outcome = self.embed_all(request, PURPOSE_CHECK).await;
            Checked { took: began.elapsed(), outcome: outcome.map(drop).map_err(Error::from) }
        })
    }
}
