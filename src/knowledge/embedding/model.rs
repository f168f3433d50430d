//! The models that can be asked.

use std::sync::Arc;
use std::time::Duration;

use crate::ai::Breaker;
use crate::ai::embedding::Embedder;
use crate::ai::prices::Price;
use crate::budget::{Budget, Budgets};
use crate::search::embedder::MiniLm;

/// A model on a server, and what it costs.
#[derive(Debug)]
pub struct RemoteModel {
    pub(super) embedder: Arc<dyn Embedder>,
    pub(super) price: Price,
    /// Texts that are sent and committed at a time.
    pub(super) texts_max: usize,
    /// How long a question may wait for its vector.
    pub(super) question_deadline: Duration,
    /// Failures of questions only: a bulk of documents that a server slows down must not take the questions with it.
    pub(super) questions: Breaker,
    pub(super) passages: Breaker,
}

impl RemoteModel {
    /// `texts_max` texts are committed at a time; a question waits `question_deadline` for its vector.
    #[must_use]
    pub fn new(
        embedder: Arc<dyn Embedder>,
        price: Price,
        texts_max: usize,
        question_deadline: Duration,
    ) -> Self {
        Self {
            embedder,
            price,
            texts_max: texts_max.max(1),
            question_deadline,
            questions: Breaker::default(),
            passages: Breaker::default(),
        }
    }
}

/// A model that turns texts into vectors.
#[derive(Clone)]
pub enum Model {
    /// Inside this process.
    Bundled(Arc<MiniLm>),
    /// On a server.
    Remote(Arc<RemoteModel>),
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({})", self.id())
    }
}

impl Model {
    /// Whose vectors its vectors can be compared with: those of the same id, and no others.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Bundled(model) => model.model_id(),
            Self::Remote(model) => model.embedder.model_id(),
        }
    }
}

/// All models that the settings describe, and which of them is to serve. Cheap to clone.
#[derive(Clone)]
pub struct Models {
    bundled: Arc<MiniLm>,
    /// The chosen one first.
    all: Arc<[Model]>,
    pub(super) budgets: Budgets,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Models").field(&self.all).finish()
    }
}

impl Models {
    /// The bundled model and those on servers; `chosen` is the name of the one that is to serve, the bundled one where none of them
    /// has it. What is spent on them is kept to by `budgets`.
    #[must_use]
    pub fn new(bundled: Arc<MiniLm>, remote: Vec<RemoteModel>, chosen: &str, budgets: Budgets) -> Self {
        let (first, others): (Vec<_>, Vec<_>) =
            remote.into_iter().map(Arc::new).partition(|one| one.embedder.name() == chosen);
        let remote = |models: Vec<Arc<RemoteModel>>| models.into_iter().map(Model::Remote);
        let all = remote(first).chain([Model::Bundled(bundled.clone())]).chain(remote(others)).collect();
        Self { bundled, all, budgets }
    }

    /// The model that is compiled in, which also counts tokens and compares sentences whichever model serves.
    pub(in crate::knowledge) fn bundled(&self) -> &Arc<MiniLm> {
        &self.bundled
    }

    /// The id of the model that is to serve.
    pub(in crate::knowledge) fn wanted(&self) -> &str {
        self.all.first().map_or_else(|| self.bundled.model_id(), Model::id)
    }

    /// The model of this id, if it can be asked.
    pub(in crate::knowledge) fn of(&self, id: &str) -> Option<&Model> {
        self.all.iter().find(|model| model.id() == id)
    }
}

impl From<Arc<MiniLm>> for Models {
    fn from(bundled: Arc<MiniLm>) -> Self {
        Self::new(bundled, Vec::new(), "", Budgets::new(Budget::default()))
    }
}
