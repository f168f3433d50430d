//! The models that may answer: who is asked first and who next, what a call costs, and who is left alone for a while.
//!
//! Nothing here asks anybody; [`speak`](super::speak) does. Who failed again and again is remembered in memory only: for all
//! tenants together that ask with the same key, and apart for each tenant that asks with its own. So a tenant whose key is
//! bad, or used too much, keeps nobody else from the provider.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::ai::keys::{self, Keyring, Whose};
use crate::ai::prices::Price;
use crate::ai::route::{Choice, Decision, EXTRACTIVE, Question, Router};
use crate::ai::{Breaker, Provider};
use crate::base::{TenantId, TokenHash};
use crate::budget::Budgets;
use crate::store::Keyspace;

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
    breaker: Arc<Breaker>,
    /// Passages that it is given, at most: the one that computes on this machine's processor reads slowly.
    pub(super) passages_max: usize,
}

/// A model as one tenant asks it.
#[derive(Debug)]
pub(super) struct Reached {
    /// With the key that is the tenant's to use.
    pub(super) provider: Arc<dyn Provider>,
    /// Of all who ask with that key.
    pub(super) breaker: Arc<Breaker>,
}

/// Whose calls a breaker of its own is for. With another key the tenant begins anew.
type OwnKey = (String, TenantId, TokenHash);

/// Breakers of tenants' own keys that are remembered; beyond that all are forgotten, as at a start.
const OWN_BREAKERS_MAX: usize = 4_096;

/// The models that may answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Models {
    choosing: Choosing,
    by_name: Arc<HashMap<String, Model>>,
    keyring: Keyring,
    own_breakers: Arc<Mutex<HashMap<OwnKey, Arc<Breaker>>>>,
    /// The names of those that look at pictures.
    seeing: Arc<HashSet<String>>,
    /// An answer whose visitor has left for so long is called off.
    pub(super) left_after: Duration,
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
    /// Each of `models` with its price, asked with the keys of `keyring` where it has some; what is spent on them is kept
    /// to by `budgets`.
    #[must_use]
    pub fn new(
        choosing: Choosing,
        models: Vec<(Arc<dyn Provider>, Price)>,
        keyring: Keyring,
        budgets: Budgets,
    ) -> Self {
        let by_name = models.into_iter().map(|(provider, price)| {
            let name = provider.name().to_owned();
            (name, Model { provider, price, breaker: Arc::default(), passages_max: usize::MAX })
        });
        let own_breakers = Arc::default();
        Self {
            choosing,
            by_name: Arc::new(by_name.collect()),
            keyring,
            own_breakers,
            seeing: Arc::default(),
            left_after: Duration::MAX,
            budgets,
        }
    }

    /// `model` as the tenant of the keyspace asks it.
    ///
    /// # Errors
    /// When the key that was kept for it cannot be used; then the model cannot be asked.
    pub(super) fn reach(&self, keyspace: &Keyspace, model: &Model) -> Result<Reached, keys::Error> {
        let shared = || Reached { provider: model.provider.clone(), breaker: model.breaker.clone() };
        let Some(found) = self.keyring.find(keyspace, model.provider.name())? else { return Ok(shared()) };
        let hash = TokenHash::of(found.key.expose());
        let Some(provider) = model.provider.with_key(found.key) else { return Ok(shared()) };
        let breaker = match found.whose {
            Whose::Appliance => model.breaker.clone(),
            Whose::Tenant(tenant) => self.own_breaker((model.provider.name().to_owned(), tenant, hash)),
        };
        Ok(Reached { provider, breaker })
    }

    fn own_breaker(&self, key: OwnKey) -> Arc<Breaker> {
        let mut breakers = self.own_breakers.lock();
        if breakers.len() >= OWN_BREAKERS_MAX && !breakers.contains_key(&key) {
            breakers.clear();
        }
        breakers.entry(key).or_default().clone()
    }

    /// With the model in this process too, which costs nothing and is given `passages_max` passages at most.
    #[must_use]
    pub fn with_local(mut self, provider: Arc<dyn Provider>, passages_max: usize) -> Self {
        let (name, price) = (provider.name().to_owned(), Price::free(provider.model()));
        let model = Model { provider, price, breaker: Arc::default(), passages_max };
        let mut by_name = Arc::into_inner(self.by_name).unwrap_or_default();
        by_name.insert(name, model);
        self.by_name = Arc::new(by_name);
        self
    }

    /// An answer whose visitor has left for `left_after` is called off; without, none is.
    #[must_use]
    pub fn calling_off_after(self, left_after: Duration) -> Self {
        Self { left_after, ..self }
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
