//! Matches a question with somebody who can answer it.

use std::sync::Arc;

use super::score::{Question, Scorer};
use super::strategy::{Configured, EXTRACTIVE, LOCAL, Strategy, Target};
use super::{Choice, Decision, RouteError, Thresholds, Tier};
use crate::ai::prices::{Price, PriceError, PriceTable};
use crate::config::{ProviderSettings, Routing};

/// Routes questions by one strategy. Cheap to clone, and the same for every question: nothing is learnt or remembered.
#[derive(Debug, Clone)]
pub struct Router {
    scorer: Arc<Scorer>,
    thresholds: Thresholds,
    strategy: Strategy,
    configured: Vec<Configured>,
}

impl Router {
    /// A router by the strategy in force.
    ///
    /// # Errors
    /// [`RouteError::StrategyUnknown`]; settings that were checked have none such.
    pub fn new(routing: &Routing, providers: &[ProviderSettings]) -> Result<Self, RouteError> {
        let configured = providers.iter().map(Configured::from).collect();
        Ok(Self {
            scorer: Arc::new(Scorer::new()),
            thresholds: Thresholds::from(routing),
            strategy: find(routing, routing.in_force())?,
            configured,
        })
    }

    /// With the model in this process, under its reserved name.
    #[must_use]
    pub fn with_local(mut self, model: &str) -> Self {
        self.configured.push(Configured { name: LOCAL.to_owned(), model: model.to_owned(), is_here: true });
        self
    }

    /// The same by another strategy of the settings.
    ///
    /// # Errors
    /// [`RouteError::StrategyUnknown`].
    pub fn by(&self, routing: &Routing, strategy: &str) -> Result<Self, RouteError> {
        Ok(Self { strategy: find(routing, strategy)?, ..self.clone() })
    }

    /// The name of the strategy.
    #[must_use]
    pub fn strategy(&self) -> &str {
        &self.strategy.name
    }

    /// What the strategy writes for a tier.
    #[must_use]
    pub fn named(&self, tier: Tier) -> &str {
        self.strategy.named(tier)
    }

    /// Where the tiers part.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Decides.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let score = self.scorer.score(question);
        let scored = self.thresholds.tier(score.value);
        let (tier, why) = match question.images {
            0 => (scored, self.thresholds.reason(score.value)),
            1 => (Tier::Vision, "there is an image".to_owned()),
            images => (Tier::Vision, format!("there are {images} images")),
        };
        let mut choices = self.choices(tier, scored).into_iter();
        // The list ends with the extractive answerer, so it has a first.
        let chosen = choices.next().unwrap_or_else(|| extractive(None));
        let reason = self.reason(tier, &why, &chosen);
        Decision {
            strategy: self.strategy.name.clone(),
            tier,
            score: score.value,
            named: self.strategy.named(tier).to_owned(),
            provider: chosen.provider,
            model: chosen.model,
            answering_tier: chosen.tier,
            reason,
            features: score.features,
            then: choices.collect(),
        }
    }

    /// What a tier's model costs by the strategy, whether a provider has it or not. Returns its name and its price: what
    /// is on this machine is free.
    ///
    /// # Errors
    /// [`PriceError::Unpriced`].
    pub fn price(&self, tier: Tier, table: &PriceTable) -> Result<(String, Price), PriceError> {
        let priced = |model: &str| table.of(model).map(|price| (model.to_owned(), price.clone()));
        match self.strategy.target(tier, &self.configured) {
            Target::Extractive => Ok((EXTRACTIVE.to_owned(), Price::free(EXTRACTIVE))),
            Target::Provider(one) if one.is_here => Ok((one.model.clone(), Price::free(&one.model))),
            Target::Provider(one) => priced(&one.model),
            Target::Missing => priced(self.strategy.named(tier)),
        }
    }

    /// Everybody who may answer, best first.
    fn choices(&self, tier: Tier, scored: Tier) -> Vec<Choice> {
        let vision = (tier == Tier::Vision).then_some(Tier::Vision);
        let mut choices: Vec<Choice> = Vec::new();
        for tier in vision.into_iter().chain(scored.and_next()) {
            let choice = match self.strategy.target(tier, &self.configured) {
                Target::Missing => continue,
                Target::Extractive => extractive(Some(tier)),
                Target::Provider(one) => {
                    Choice { provider: one.name.clone(), model: one.model.clone(), tier: Some(tier) }
                }
            };
            let is_last = choice.provider == EXTRACTIVE;
            if choices.iter().all(|other| other.provider != choice.provider) {
                choices.push(choice);
            }
            if is_last {
                return choices;
            }
        }
        choices.push(extractive(None));
        choices
    }

    fn reason(&self, tier: Tier, why: &str, chosen: &Choice) -> String {
        let named = self.strategy.named(tier);
        let missing = format!("{why}: {tier}; no provider of that name or model is configured for {named}");
        let who = if chosen.provider == EXTRACTIVE {
            "the documents are quoted".to_owned()
        } else {
            format!("{} answers, by the provider \"{}\"", chosen.model, chosen.provider)
        };
        match chosen.tier {
            Some(answering) if answering == tier && chosen.provider == EXTRACTIVE && named == LOCAL => {
                format!("{why}: {tier}; no provider is on this machine, so {who}")
            }
            Some(answering) if answering == tier => format!("{why}: {tier}; {who}"),
            Some(answering) => format!("{missing}, so the {answering} tier takes it: {who}"),
            None => format!("{missing}, nor for another tier, so {who}"),
        }
    }
}

fn extractive(tier: Option<Tier>) -> Choice {
    Choice { provider: EXTRACTIVE.to_owned(), model: EXTRACTIVE.to_owned(), tier }
}

fn find(routing: &Routing, name: &str) -> Result<Strategy, RouteError> {
    let found = routing.strategies.iter().find(|strategy| strategy.name == name);
    found.map(Strategy::from).ok_or_else(|| {
        let known: Vec<_> = routing.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
        RouteError::StrategyUnknown { name: name.to_owned(), known: known.join(", ") }
    })
}
