//! Settings that are sound each by itself and together have no effect: said, and no reason not to start.
//!
//! What is found here is what somebody wrote down and would wait for in vain. A default that does nothing beside another
//! setting is no finding.

use super::assistant::{AUTO, EXTRACTIVE, LOCAL};
use super::settings::Finding;
use super::{ProviderSettings, Retrieval, RetrievalStrategy, Routing, Server, Settings};

/// The shipped weights of [`Retrieval`] and the shipped strategy of [`Routing`]; a test holds them against `appliance.toml`.
const WEIGHTS: (f32, f32) = (0.7, 0.3);
const STRATEGY: &str = "default";
/// What stands between a model's name and the date of one of its versions.
const VERSION_SIGN: char = '-';

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let providers = &settings.ai.provider;
    let mut findings = match settings.assistant.provider.as_str() {
        name @ (EXTRACTIVE | LOCAL) => never_asked(name, providers),
        AUTO => {
            let quoted = always_quoted(&settings.routing, providers, has_local_model(settings));
            quoted.into_iter().collect()
        }
        name => only_one_asked(name, providers),
    };
    if settings.assistant.provider != AUTO {
        findings.extend(no_routing(&settings.routing, &settings.assistant.provider));
    }
    findings.extend(providers.iter().flat_map(deadlines));
    findings.extend(prices_of_nothing(settings));
    findings.extend(weights(&settings.retrieval));
    findings.extend(names(&settings.server));
    findings
}

fn quoted_list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn never_asked(name: &str, providers: &[ProviderSettings]) -> Vec<Finding> {
    if providers.is_empty() {
        return Vec::new();
    }
    let names = quoted_list(providers.iter().map(|one| one.name.as_str()));
    let reason = format!(
        "it is \"{name}\", so no [[ai.provider]] ({names}) is asked for an answer: write the name of one, or \"{AUTO}\""
    );
    vec![("assistant.provider", reason)]
}

fn only_one_asked(name: &str, providers: &[ProviderSettings]) -> Vec<Finding> {
    let others: Vec<&str> =
        providers.iter().map(|one| one.name.as_str()).filter(|other| *other != name).collect();
    if others.is_empty() {
        return Vec::new();
    }
    let others = quoted_list(others.into_iter());
    let reason = format!(
        "it is \"{name}\", so {others} is asked for no answer, also when \"{name}\" fails: \"{AUTO}\" lets [routing] choose among all"
    );
    vec![("assistant.provider", reason)]
}

/// The strategy in force leads to no model at all, though it means to.
fn always_quoted(
    routing: &Routing,
    providers: &[ProviderSettings],
    has_local_model: bool,
) -> Option<Finding> {
    let strategy = routing.strategies.iter().find(|one| one.name == routing.in_force())?;
    let targets = strategy.targets().map(|(_, target)| target);
    let leads = |target: &str| {
        let mut here = providers.iter().filter(|one| !strategy.local_only || one.is_here());
        here.any(|one| one.name == target || one.model == target || (target == LOCAL && one.is_here()))
    };
    let leads = |target: &str| leads(target) || (target == LOCAL && has_local_model);
    if targets.iter().any(|target| leads(target)) || targets.iter().all(|target| *target == EXTRACTIVE) {
        return None;
    }
    let key = if routing.zero_day { "routing.zero_day" } else { "routing.strategy" };
    let configured = if providers.is_empty() {
        "there is no [[ai.provider]]".to_owned()
    } else {
        let models = quoted_list(providers.iter().map(|one| one.model.as_str()));
        format!("the models of [[ai.provider]] are {models}")
    };
    let mut named = targets.to_vec();
    named.sort_unstable();
    named.dedup();
    let reason = format!(
        "the strategy \"{}\" names {}, and {configured}, so every answer is quoted from the documents: add such a model (\"{LOCAL}\" is also a GGUF file in the data directory), or name yours in a [[routing.strategies]]",
        strategy.name,
        quoted_list(named.into_iter())
    );
    Some((key, reason))
}

/// Whether a model lies in the data directory.
fn has_local_model(settings: &Settings) -> bool {
    let files = std::fs::read_dir(settings.store.data_dir.join("models"));
    let is_model = |file: std::fs::DirEntry| file.path().extension().is_some_and(|suffix| suffix == "gguf");
    files.is_ok_and(|mut files| files.any(|file| file.is_ok_and(is_model)))
}

fn no_routing(routing: &Routing, provider: &str) -> Vec<Finding> {
    let reason = |what: &str| {
        format!("{what} has no effect: assistant.provider is \"{provider}\", and only \"{AUTO}\" routes")
    };
    let mut findings = Vec::new();
    if routing.zero_day {
        findings.push(("routing.zero_day", reason("it")));
    }
    if routing.strategy != STRATEGY {
        findings.push(("routing.strategy", reason(&format!("\"{}\"", routing.strategy))));
    }
    findings
}

/// A wait that the one for the whole answer ends before.
fn deadlines(provider: &ProviderSettings) -> Vec<Finding> {
    let Some(whole) = provider.whole_ms else { return Vec::new() };
    let parts =
        [("first_token_ms", provider.first_token_ms), ("between_tokens_ms", provider.between_tokens_ms)];
    let longer =
        parts.into_iter().filter_map(|(key, wait)| wait.filter(|wait| *wait > whole).map(|wait| (key, wait)));
    longer
        .map(|(key, wait)| {
            let name = &provider.name;
            let reason = format!("\"{name}\": {key} is {wait}, and whole_ms ends the wait after {whole}");
            ("ai.provider", reason)
        })
        .collect()
}

/// Prices of models that nothing here asks or names; most often the name is written otherwise.
fn prices_of_nothing(settings: &Settings) -> Vec<Finding> {
    let models = settings.ai.provider.iter().map(|one| one.model.as_str());
    let named = settings.routing.strategies.iter().flat_map(|one| one.targets().map(|(_, target)| target));
    let known: Vec<&str> = models.chain(named).collect();
    let is_of = |model: &str, price: &str| {
        model.strip_prefix(price).is_some_and(|rest| rest.is_empty() || rest.starts_with(VERSION_SIGN))
    };
    let unused = settings.ai.price.iter().filter(|price| !known.iter().any(|one| is_of(one, &price.model)));
    unused
        .map(|price| {
            let reason = format!("no [[ai.provider]] and no strategy has the model \"{}\"", price.model);
            ("ai.price", reason)
        })
        .collect()
}

fn weights(retrieval: &Retrieval) -> Option<Finding> {
    let alone = match retrieval.strategy {
        RetrievalStrategy::Semantic => "semantic",
        RetrievalStrategy::Keyword => "keyword",
        RetrievalStrategy::Hybrid | RetrievalStrategy::Predecessor => return None,
    };
    let changed = [
        ("retrieval.semantic_weight", retrieval.semantic_weight, WEIGHTS.0),
        ("retrieval.keyword_weight", retrieval.keyword_weight, WEIGHTS.1),
    ]
    .into_iter()
    .find(|(_, weight, shipped)| (weight - shipped).abs() > f32::EPSILON)?;
    Some((
        changed.0,
        format!("it has no effect: retrieval.strategy is \"{alone}\", which reads one list alone"),
    ))
}

fn names(server: &Server) -> Option<Finding> {
    let is_idle = server.certificate_file.is_some() && !server.names.is_empty();
    let reason = "it has no effect: they go into the appliance's own certificate, and server.certificate_file is used instead";
    is_idle.then(|| ("server.names", reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::read;

    fn found(file: &str) -> Vec<String> {
        let settings = read(file).unwrap().settings;
        findings(&settings).into_iter().map(|(key, reason)| format!("{key}: {reason}")).collect()
    }

    fn provider(name: &str, model: &str) -> String {
        format!(
            "[[ai.provider]]\nname = \"{name}\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"{model}\"\n"
        )
    }

    #[test]
    fn the_defaults_have_no_finding_and_are_what_they_are_taken_for() {
        let settings = read("").unwrap().settings;
        assert_eq!(findings(&settings), []);
        assert_eq!((settings.retrieval.semantic_weight, settings.retrieval.keyword_weight), WEIGHTS);
        assert_eq!(settings.routing.strategy, STRATEGY);
    }

    #[test]
    fn a_strategy_that_leads_to_no_model_is_said_and_one_that_leads_to_any_is_not() {
        let auto = "[assistant]\nprovider = \"auto\"\n";
        let said = found(&(auto.to_owned() + &provider("mini", "gpt-5-mini")));
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("routing.strategy: the strategy \"default\" names"), "{said:?}");
        assert!(said[0].contains("the models of [[ai.provider]] are \"gpt-5-mini\""), "{said:?}");
        assert!(said[0].contains("every answer is quoted"), "{said:?}");
        let none = found(auto);
        assert!(none[0].contains("there is no [[ai.provider]]"), "{none:?}");
        let stable =
            found(&format!("{auto}[routing]\nzero_day = true\n{}", provider("a", "gemini-1.5-flash")));
        assert!(stable[0].starts_with("routing.zero_day: the strategy \"stable\""), "{stable:?}");
        let local = format!("{auto}[routing]\nstrategy = \"local\"\n");
        for sound in [
            auto.to_owned() + &provider("mini", "gpt-4o-mini"),
            local.clone() + &provider("mini", "llama3.2"),
        ] {
            assert_eq!(found(&sound), Vec::<String>::new(), "{sound}");
        }
        assert_eq!(found(&local).len(), 1, "nothing is on this machine");
    }

    #[test]
    fn models_that_are_never_asked_and_routing_that_never_routes_are_said() {
        let both = provider("a", "m-1") + &provider("b", "m-2");
        let said = found(&both);
        assert!(
            said[0].starts_with("assistant.provider: it is \"local\", so no [[ai.provider]] (\"a\", \"b\")")
        );
        let said = found(&format!("[assistant]\nprovider = \"a\"\n{both}"));
        assert!(said[0].contains("so \"b\" is asked for no answer"), "{said:?}");
        let said = found("[routing]\nstrategy = \"stable\"\nzero_day = true\n");
        let keys: Vec<_> = said.iter().map(|one| one.split(':').next().unwrap()).collect();
        assert_eq!(keys, ["routing.zero_day", "routing.strategy"]);
    }

    #[test]
    fn waits_prices_weights_and_names_without_effect_are_said() {
        let file = "[assistant]\nprovider = \"a\"\n[server]\nnames = [\"desk\"]\ncertificate_file = \"c\"\nprivate_key_file = \"k\"\n[retrieval]\nstrategy = \"keyword\"\nkeyword_weight = 0.9\n"
            .to_owned()
            + &provider("a", "m-2026-01-01")
            + "first_token_ms = 9000\nbetween_tokens_ms = 10\nwhole_ms = 5000\n"
            + "[[ai.price]]\nmodel = \"m\"\ninput_micros = 1\noutput_micros = 1\n[[ai.price]]\nmodel = \"n\"\ninput_micros = 1\noutput_micros = 1\n";
        assert_eq!(
            found(&file),
            [
                "ai.provider: \"a\": first_token_ms is 9000, and whole_ms ends the wait after 5000",
                "ai.price: no [[ai.provider]] and no strategy has the model \"n\"",
                "retrieval.keyword_weight: it has no effect: retrieval.strategy is \"keyword\", which reads one list alone",
                "server.names: it has no effect: they go into the appliance's own certificate, and server.certificate_file is used instead",
            ]
        );
    }
}
