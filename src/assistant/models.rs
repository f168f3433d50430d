//! The models that may answer: who is asked first and who next, what a call costs, and who is left alone for a while.
//!
//! Nothing here asks anybody; [`speak`](super::speak) does. Who failed again and again is remembered in memory only.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ai::prices::Price;
use crate::ai::route::{Choice, Decision, EXTRACTIVE, Question, Router};
use crate::ai::{Breaker, Provider};
use crate::budget::Budgets;

/// How a model is chosen.
#[derive(Debug, Clone)]
pub enum Choosing {
    /// None is asked: the documents are quoted.
    Quote,
    /// Always the one of this name.
    Always(String),
    /// By the complexity of the question.
    Route(Router),
}

/// A model that can be asked, and what it costs.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) price: Price,
    pub(super) breaker: Breaker,
    /// Passages that it is given, at most, where it reads slowly.
    pub(super) passages_max: Option<usize>,
}

/// The models that may answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Models {
    choosing: Choosing,
    by_name: Arc<HashMap<String, Model>>,
    pub(super) budgets: Budgets,
}

/// Who is asked for one answer.
#[derive(Debug)]
pub(super) struct Plan {
    /// Why, where the question was weighed.
    pub(super) decision: Option<Decision>,
    /// In order; when none of them answers, the documents are quoted.
    pub(super) choices: Vec<Choice>,
}

impl Models {
    /// Each of `models` with its price; what is spent on them is kept to by `budgets`.
    #[must_use]
    pub fn new(choosing: Choosing, models: Vec<(Arc<dyn Provider>, Price)>, budgets: Budgets) -> Self {
        let by_name = models.into_iter().map(|(provider, price)| {
            let name = provider.name().to_owned();
            (name, Model { provider, price, breaker: Breaker::default(), passages_max: None })
        });
        Self { choosing, by_name: Arc::new(by_name.collect()), budgets }
    }

    /// With the model in this process too, which costs nothing and is given at most `passages_max`.
    #[must_use]
    pub fn with_local(mut self, provider: Arc<dyn Provider>, passages_max: usize) -> Self {
        let (name, price) = (provider.name().to_owned(), Price::free(provider.model()));
        let model = Model { provider, price, breaker: Breaker::default(), passages_max: Some(passages_max) };
        let mut by_name = Arc::into_inner(self.by_name).unwrap_or_default();
        by_name.insert(name, model);
        self.by_name = Arc::new(by_name);
        self
    }

    /// The model that the settings call `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Model> {
        self.by_name.get(name)
    }

    /// Who is asked `text`, after `turns` messages in the conversation.
    pub(super) fn plan(&self, text: &str, turns: usize) -> Plan {
        match &self.choosing {
            Choosing::Quote => Plan { decision: None, choices: Vec::new() },
            Choosing::Always(name) => {
                let choice = self.get(name).map(|model| Choice {
                    provider: name.clone(),
                    model: model.provider.model().to_owned(),
                    tier: None,
                });
                Plan { decision: None, choices: choice.into_iter().collect() }
            }
            Choosing::Route(router) => {
                let decision = router.decide(&Question { text, turns, images: 0 });
                let first = Choice {
                    provider: decision.provider.clone(),
                    model: decision.model.clone(),
                    tier: decision.answering_tier,
                };
                let all = std::iter::once(first).chain(decision.then.iter().cloned());
                let choices = all.filter(|choice| choice.provider != EXTRACTIVE).collect();
                Plan { decision: Some(decision), choices }
            }
        }
    }
}
