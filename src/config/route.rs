//! `[routing]`: which model answers what.
//!
//! The shipped strategies stand in `appliance.toml` like every default. A site's own `[[routing.strategies]]` are added to
//! them, and one of the same name takes the place of the shipped one: so naming one's own does not lose `stable`,
//! `default` and `local`.

use serde::Deserialize;

use super::assistant::{EXTRACTIVE, LOCAL};
use super::host_address::is_this_machine;
use super::settings::Finding;
use super::{DEFAULTS, ProviderSettings};

/// What `zero_day` selects.
const STABLE: &str = "stable";
const KEY: &str = "routing.strategies";

/// How questions find their model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// The strategy in force.
    pub strategy: String,
    /// Whether `stable` is in force instead, whatever `strategy` says.
    pub zero_day: bool,
    /// Scores from here on, in [0, 1], go to the middle tier.
    pub middle_from: f64,
    /// Scores from here on, in [0, 1], go to the premium tier.
    pub premium_from: f64,
    /// Once checked: the site's own, then the shipped ones that it does not replace.
    pub strategies: Vec<StrategySettings>,
}

/// Who answers in each tier: the name of a provider, the name of a model, `local` or `extractive`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategySettings {
    /// What `strategy` calls it.
    pub name: String,
    /// For plain questions.
    pub economical: String,
    /// For those in between.
    pub middle: String,
    /// For the hard ones.
    pub premium: String,
    /// For questions with images.
    pub vision: String,
    /// Whether nothing may leave this machine, also when a model fails.
    #[serde(default)]
    pub local_only: bool,
}

impl StrategySettings {
    pub(super) fn targets(&self) -> [(&'static str, &str); 4] {
        [
            ("economical", &self.economical),
            ("middle", &self.middle),
            ("premium", &self.premium),
            ("vision", &self.vision),
        ]
    }

    /// What is wrong with one that the site wrote itself: each tier must lead somewhere, and stay here where it must.
    fn check(&self, providers: &[ProviderSettings]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (tier, target) in self.targets() {
            let mut named = providers.iter().filter(|one| one.name == target || one.model == target);
            let Some(provider) = named.next() else {
                if target != EXTRACTIVE && target != LOCAL {
                    let reason = format!(
                        "\"{}\" sends {tier} to \"{target}\", which is no [[ai.provider]]'s name or model, nor \"{LOCAL}\" or \"{EXTRACTIVE}\"",
                        self.name
                    );
                    findings.push((KEY, reason));
                }
                continue;
            };
            if self.local_only && !provider.is_here() {
                let reason = format!(
                    "\"{}\" has local_only and sends {tier} to \"{target}\", which is not on this machine",
                    self.name
                );
                findings.push((KEY, reason));
            }
        }
        findings
    }
}

impl ProviderSettings {
    /// Whether the model runs on this machine, so that asking it sends nothing over a network.
    #[must_use]
    pub fn is_here(&self) -> bool {
        let host = self.base_url.as_ref().and_then(url::Url::host);
        host.is_some_and(|host| is_this_machine(&host))
    }
}

/// The strategies of `appliance.toml`.
fn shipped() -> Result<Vec<StrategySettings>, String> {
    #[derive(Deserialize)]
    struct Section {
        strategies: Vec<StrategySettings>,
    }
    #[derive(Deserialize)]
    struct File {
        routing: Section,
    }
    let file: File = toml::from_str(DEFAULTS).map_err(|error| error.message().to_owned())?;
    Ok(file.routing.strategies)
}

impl Routing {
    /// The name of the strategy in force.
    #[must_use]
    pub fn in_force(&self) -> &str {
        if self.zero_day { STABLE } else { &self.strategy }
    }

    /// The strategy in force, where it sends pictures to a model that does not look at them.
    pub(super) fn blind(&self, providers: &[ProviderSettings]) -> Option<Finding> {
        let strategy = self.strategies.iter().find(|strategy| strategy.name == self.in_force())?;
        let target = &strategy.vision;
        let named = || providers.iter().filter(|one| one.name == *target || one.model == *target);
        let found =
            named().next().or_else(|| providers.iter().find(|one| *target == LOCAL && one.is_here()))?;
        (!found.looks_at_images()).then(|| {
            let reason = format!(
                "\"{}\" sends pictures to \"{}\", which does not look at them: set vision = true there if its model does, or name another one",
                strategy.name, found.name
            );
            (KEY, reason)
        })
    }

    /// Checks, and adds the shipped strategies that the site's own do not replace.
    pub(super) fn check(&mut self, providers: &[ProviderSettings]) -> Vec<Finding> {
        let shipped = match shipped() {
            Ok(shipped) => shipped,
            Err(reason) => return vec![(KEY, reason)],
        };
        let mut findings = self.check_thresholds();
        for (at, strategy) in self.strategies.iter().enumerate() {
            let before = self.strategies.iter().take(at).any(|other| other.name == strategy.name);
            if strategy.name.trim().is_empty() || before {
                findings.push((KEY, format!("\"{}\" cannot be a name: it is empty or taken", strategy.name)));
            }
            if !shipped.contains(strategy) {
                findings.extend(strategy.check(providers));
            }
        }
        for strategy in shipped {
            if !self.strategies.iter().any(|own| own.name == strategy.name) {
                self.strategies.push(strategy);
            }
        }
        if !self.strategies.iter().any(|strategy| strategy.name == self.strategy) {
            let names: Vec<_> = self.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
            let reason =
                format!("there is no strategy \"{}\"; there are {}", self.strategy, names.join(", "));
            findings.push(("routing.strategy", reason));
        }
        findings
    }

    fn check_thresholds(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let thresholds =
            [("routing.middle_from", self.middle_from), ("routing.premium_from", self.premium_from)];
        for (key, threshold) in thresholds {
            if !(0.0..=1.0).contains(&threshold) {
                findings.push((key, format!("{threshold} is not between 0 and 1")));
            }
        }
        if self.middle_from > self.premium_from {
            let reason = format!("{} is above routing.premium_from, {}", self.middle_from, self.premium_from);
            findings.push(("routing.middle_from", reason));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::read;

    fn strategy(name: &str, target: &str, more: &str) -> String {
        format!(
            "[[routing.strategies]]\nname = \"{name}\"\neconomical = \"{target}\"\nmiddle = \"extractive\"\npremium = \"extractive\"\nvision = \"local\"\n{more}\n"
        )
    }

    fn provider(name: &str, url: &str, model: &str) -> String {
        format!("[[ai.provider]]\nname = \"{name}\"\nbase_url = \"{url}\"\nmodel = \"{model}\"\n")
    }

    #[test]
    fn the_shipped_strategies_are_there_and_zero_day_selects_the_stable_one() {
        let routing = read("").unwrap().settings.routing;
        let names: Vec<_> = routing.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
        assert_eq!(names, ["default", "stable", "local"]);
        assert_eq!(routing.in_force(), "default");
        let local = routing.strategies.iter().filter(|strategy| strategy.local_only);
        assert_eq!(local.map(|strategy| strategy.name.as_str()).collect::<Vec<_>>(), ["local"]);
        assert_eq!(read("[routing]\nzero_day = true\n").unwrap().settings.routing.in_force(), "stable");
    }

    #[test]
    fn a_sites_own_strategy_is_added_and_one_of_the_same_name_replaces() {
        let file = strategy("ours", "mini", "")
            + &strategy("stable", "gpt-x", "")
            + &provider("mini", "https://a.example/v1", "gpt-x");
        let routing = read(&file).unwrap().settings.routing;
        let names: Vec<_> = routing.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
        assert_eq!(names, ["ours", "stable", "default", "local"]);
        assert_eq!(routing.strategies[1].economical, "gpt-x");
    }

    #[test]
    fn a_strategy_that_sends_pictures_to_a_model_without_eyes_is_told() {
        let file = |sees: &str| {
            format!(
                "[assistant]\nprovider = \"auto\"\n[routing]\nstrategy = \"ours\"\n{}{}{sees}\n[[outbound.allow]]\naddress = \"127.0.0.1:1\"\nplain_http = true\nprivate = true\n",
                strategy("ours", "m", ""),
                provider("here", "http://127.0.0.1:1/v1", "m"),
            )
        };
        let notices = |sees| read(&file(sees)).unwrap().settings.notices();
        let told = notices("");
        assert!(
            told.iter().any(|(_, reason)| reason.contains("\"ours\" sends pictures to \"here\"")),
            "{told:?}"
        );
        assert!(notices("vision = true").iter().all(|(_, reason)| !reason.contains("pictures")));
    }

    #[test]
    fn a_tier_that_leads_nowhere_is_said() {
        let found = read(&strategy("ours", "gtp-4o", "")).unwrap_err();
        assert_eq!(
            found,
            [
                "routing.strategies: \"ours\" sends economical to \"gtp-4o\", which is no [[ai.provider]]'s name or model, nor \"local\" or \"extractive\""
            ]
        );
    }

    #[test]
    fn a_local_strategy_may_name_only_what_is_on_this_machine() {
        let far = strategy("ours", "m", "local_only = true") + &provider("a", "https://a.example/v1", "m");
        assert!(read(&far).unwrap_err()[0].contains("not on this machine"));
        for url in ["http://127.0.0.1:1/v1", "http://[::1]:1/v1", "http://localhost:1/v1"] {
            assert!(read(&(strategy("ours", "m", "local_only = true") + &provider("a", url, "m"))).is_ok());
        }
    }

    #[test]
    fn names_and_thresholds_that_make_no_sense_are_said() {
        let found =
            read("[routing]\nstrategy = \"stabel\"\nmiddle_from = 0.8\npremium_from = 1.7\n").unwrap_err();
        assert_eq!(
            found,
            [
                "routing.premium_from: 1.7 is not between 0 and 1",
                "routing.strategy: there is no strategy \"stabel\"; there are default, stable, local",
            ]
        );
        let found = read("[routing]\nmiddle_from = 0.8\n").unwrap_err();
        assert_eq!(found, ["routing.middle_from: 0.8 is above routing.premium_from, 0.7"]);
        let twice = strategy("ours", "local", "") + &strategy("ours", "local", "");
        assert!(read(&twice).unwrap_err()[0].contains("empty or taken"));
    }
}
