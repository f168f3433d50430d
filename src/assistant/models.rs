//! The models that may answer: who is asked first and who next, what a call costs, and who is left alone for a while.
//!
//! Nothing here asks anybody; [`speak`](super::speak) does. Who failed again and again is remembered in memory only.

use std::collections::{HashMap, HashSet};
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
}

/// The models that may answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Models {
    choosing: Choosing,
    by_name: Arc<HashMap<String, Model>>,
    /// The names of those that look at pictures.
    seeing: Arc<HashSet<String>>,
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
            (provider.name().to_owned(), Model { provider, price, breaker: Breaker::default() })
        });
        Self { choosing, by_name: Arc::new(by_name.collect()), seeing: Arc::default(), budgets }
    }

    /// The models of these names look at pictures; without, none does.
    #[must_use]
    pub fn with_eyes(self, names: impl Iterator<Item = String>) -> Self {
        Self { seeing: Arc::new(names.filter(|name| self.by_name.contains_key(name)).collect()), ..self }
    }

    /// Whether a question with pictures comes to a model that looks at them.
    #[must_use]
    pub fn look_at_images(&self) -> bool {
        match &self.choosing {
            Choosing::Quote => false,
            Choosing::Always(name) => self.sees(name),
            Choosing::Route(router) => {
                let decision = router.decide(&Question { images: 1, ..Question::default() });
                self.sees(&decision.provider) || decision.then.iter().any(|next| self.sees(&next.provider))
            }
        }
    }

    /// Whether the model that the settings call `name` looks at pictures.
    pub(super) fn sees(&self, name: &str) -> bool {
        self.seeing.contains(name)
    }

    /// The model that the settings call `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Model> {
        self.by_name.get(name)
    }

    /// Who is asked `text`, after `turns` messages in the conversation, with so many pictures. Who looks at pictures is asked before
    /// who does not, where there are any.
    pub(super) fn plan(&self, text: &str, turns: usize, images: usize) -> Plan {
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
                let images = if self.look_at_images() { images } else { 0 };
                let decision = router.decide(&Question { text, turns, images });
                let first = Choice {
                    provider: decision.provider.clone(),
                    model: decision.model.clone(),
                    tier: decision.answering_tier,
                };
                let all = std::iter::once(first).chain(decision.then.iter().cloned());
                let mut choices: Vec<Choice> = all.filter(|choice| choice.provider != EXTRACTIVE).collect();
                if images > 0 {
                    choices.sort_by_key(|choice| !self.sees(&choice.provider));
                }
                Plan { decision: Some(decision), choices }
            }
        }
    }
}
