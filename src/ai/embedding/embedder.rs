//! What every embedder can be asked, and what it answers.

use std::fmt;

use futures_util::future::BoxFuture;

use super::super::provider::Checked;
use super::super::{Error, Usage};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputType {
    /// What somebody looks for.
    Query,
    /// What may be found.
    Passage,
}

/// What is to be embedded.
#[derive(Debug, Clone)]
pub struct EmbeddingRequest<'a> {
    /// None of them blank.
    pub texts: &'a [&'a str],
    /// What they are.
    pub input_type: InputType,
    /// On whose behalf, for the egress ledger.
    pub tenant: Option<String>,
}

/// Vectors, and what they took.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedded {
    /// One of length 1 for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// Of all requests together; nothing is ever written.
    pub usage: Usage,
}

/// A call that stopped halfway.
#[derive(Debug, thiserror::Error)]
#[error("{} of the texts were embedded", done.vectors.len())]
pub struct EmbeddingFailed {
    /// The vectors of the texts before the one at which it stopped, and everything that is known to be spent.
    pub done: Box<Embedded>,
    /// Why it stopped.
    #[source]
    pub error: Error,
}

impl From<EmbeddingFailed> for Error {
    fn from(failed: EmbeddingFailed) -> Self {
        failed.error
    }
}

/// A model that turns texts into vectors.
pub trait Embedder: fmt::Debug + Send + Sync + 'static {
    /// What the settings call it.
    fn name(&self) -> &str;

    /// The model, as the provider names it: what the price list is asked for.
    fn model(&self) -> &str;

    /// Whose vectors its vectors can be compared with: those of the same id, and no others.
    fn model_id(&self) -> &str;

    /// Numbers of a vector, where the settings say or the first answer has told.
    fn dimensions(&self) -> Option<usize>;

    /// Embeds. Asks nobody where there are no texts. Dropping the future cancels the request under way.
    fn embed<'a>(&'a self, request: EmbeddingRequest<'a>)
    -> BoxFuture<'a, Result<Embedded, EmbeddingFailed>>;

    /// Tries out the address, the key and the model with the shortest of texts.
    fn check(&self) -> BoxFuture<'_, Checked>;
}
