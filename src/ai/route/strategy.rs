//! A strategy: who answers in each tier, by name, and who of those is there.

use super::tier::Tier;
use crate::ai::prices::is_version_of;
use crate::config::{ProviderSettings, StrategySettings};

/// The answerer that quotes the documents: always there, sends nothing, costs nothing.
pub const EXTRACTIVE: &str = "extractive";
/// In a strategy: the first provider on this machine, or the extractive answerer.
pub const LOCAL: &str = "local";

/// A provider that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// What the settings call it.
    pub name: String,
    /// As the provider names it.
    pub model: String,
    /// Whether it runs on this machine: asking it sends nothing over a network and costs nothing.
    pub is_here: bool,
}

impl From<&ProviderSettings> for Configured {
    fn from(provider: &ProviderSettings) -> Self {
        Self { name: provider.name.clone(), model: provider.model.clone(), is_here: provider.is_here() }
    }
}

/// Who a tier leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// One that can be asked.
    Provider(&'a Configured),
    /// The documents are quoted.
    Extractive,
    /// Nobody of that name or with that model is configured.
    Missing,
}

/// Who answers in each tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strategy {
    pub(super) name: String,
    tiers: [String; 4],
    local_only: bool,
}

impl From<&StrategySettings> for Strategy {
    fn from(settings: &StrategySettings) -> Self {
        Self {
            name: settings.name.clone(),
            tiers: [&settings.economical, &settings.middle, &settings.premium, &settings.vision]
                .map(String::clone),
            local_only: settings.local_only,
        }
    }
}

impl Strategy {
    /// What the strategy writes for a tier.
    pub(super) fn named(&self, tier: Tier) -> &str {
        let [economical, middle, premium, vision] = &self.tiers;
        match tier {
            Tier::Economical => economical,
            Tier::Middle => middle,
            Tier::Premium => premium,
            Tier::Vision => vision,
        }
    }

    /// Who that is: a provider of that name, else the first with that model or a version of it, else what the two
    /// reserved words stand for.
    pub(super) fn target<'a>(&self, tier: Tier, configured: &'a [Configured]) -> Target<'a> {
        let named = self.named(tier);
        let allowed = || configured.iter().filter(|one| one.is_here || !self.local_only);
        let found = allowed()
            .find(|one| one.name == named)
            .or_else(|| allowed().find(|one| one.model == named))
            .or_else(|| allowed().find(|one| is_version_of(&one.model, named)));
        match (found, named) {
            (Some(provider), _) => Target::Provider(provider),
            (None, EXTRACTIVE) => Target::Extractive,
            (None, LOCAL) => match configured.iter().find(|one| one.is_here) {
                Some(provider) => Target::Provider(provider),
                None => Target::Extractive,
            },
            (None, _) => Target::Missing,
        }
    }
}
