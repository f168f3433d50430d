//! A model on a server, played: a bag of hashed words, that can be told to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::desk::model;
use crate::ai::embedding::{Embedded, Embedder, EmbeddingFailed, EmbeddingRequest};
use crate::ai::prices::Price;
use crate::ai::{self, Checked, Usage};
use crate::base::Micros;
use crate::budget::{Budget, Budgets, Limit};
use crate::config::PriceSettings;
use crate::knowledge::embedding::{Models, RemoteModel};

pub(super) const DIMENSIONS: usize = 64;
/// What one text costs, in micro-dollars.
pub(super) const TEXT_MICROS: u64 = 10;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// After so many more texts the server fails.
    FailsAfter(usize),
    /// It refuses the key.
    Refuses,
    /// It never answers.
    Hangs,
}

/// The server's side, kept by the test.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    trouble: Mutex<Trouble>,
    /// Texts that were embedded.
    pub(super) texts: AtomicUsize,
}

impl Server {
    pub(super) fn new(name: &str) -> Arc<Self> {
        let texts = AtomicUsize::new(0);
        Arc::new(Self { name: name.to_owned(), trouble: Mutex::new(Trouble::None), texts })
    }

    pub(super) fn has(&self, trouble: Trouble) {
        *self.trouble.lock() = trouble;
    }

    pub(super) fn texts(&self) -> usize {
        self.texts.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Bags(Arc<Server>, String);

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01_f32; DIMENSIONS];
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = blake3::hash(word.to_lowercase().as_bytes());
        vector[usize::from(hash.as_bytes()[0]) % DIMENSIONS] += 1.0;
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

impl Bags {
    async fn answer(&self, request: EmbeddingRequest<'_>) -> Result<Embedded, EmbeddingFailed> {
        let trouble = *self.0.trouble.lock();
        let provider = self.0.name.clone();
        let (most, error) = match trouble {
            Trouble::None => (usize::MAX, None),
            Trouble::FailsAfter(texts) => {
                let detail = "as it was told to".to_owned();
                (texts, Some(ai::Error::Failed { provider, retry_after: None, detail }))
            }
            Trouble::Refuses => (0, Some(ai::Error::CredentialRefused { provider, detail: "no".to_owned() })),
            Trouble::Hangs => std::future::pending().await,
        };
        let vectors: Vec<_> = request.texts.iter().take(most).map(|text| vector(text)).collect();
        self.0.texts.fetch_add(vectors.len(), Ordering::SeqCst);
        if let Trouble::FailsAfter(texts) = trouble {
            self.0.has(Trouble::FailsAfter(texts - vectors.len()));
        }
        let usage = Usage { input_tokens: vectors.len() as u64, ..Usage::default() };
        let whole = vectors.len() == request.texts.len();
        let done = Embedded { vectors, usage };
        match error.filter(|_| !whole) {
            Some(error) => Err(EmbeddingFailed { done: Box::new(done), error }),
            None => Ok(done),
        }
    }
}

impl Embedder for Bags {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn model(&self) -> &str {
        "bags-1"
    }

    fn model_id(&self) -> &str {
        &self.1
    }

    fn dimensions(&self) -> Option<usize> {
        None
    }

    fn embed<'a>(
        &'a self,
        request: EmbeddingRequest<'a>,
    ) -> BoxFuture<'a, Result<Embedded, EmbeddingFailed>> {
        self.answer(request).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Checked> {
        std::future::ready(Checked { took: Duration::ZERO, outcome: Ok(()) }).boxed()
    }
}

/// The bundled model and `server`, which costs [`TEXT_MICROS`] a text and is chosen; a day costs at most `day_micros`.
pub(super) fn models(server: &Arc<Server>, day_micros: u64) -> (Models, Budgets) {
    let price = Price::new(PriceSettings {
        model: "bags-1".to_owned(),
        input_micros: TEXT_MICROS * 1_000_000,
        cached_input_micros: None,
        output_micros: 0,
        image_tokens_max: None,
        search_micros: None,
    });
    let budget = Budget { day_limit: Limit::Micros(Micros(day_micros)), ..Budget::default() };
    let budgets = Budgets::new(budget);
    let embedder = Arc::new(Bags(server.clone(), format!("test:{}", server.name)));
    let remote = RemoteModel::new(embedder, price, 2, Duration::from_millis(50));
    (Models::new(model(), vec![remote], &server.name, budgets.clone()), budgets)
}
