//! What routing promises, and what it saves on the questions that the weights were not fitted on.

use super::forecast::{Assumptions, Line, forecast};
use super::*;
use crate::ai::prices::PriceTable;
use crate::base::Micros;
use crate::config::{Loaded, Sources, load};

const QUESTIONS: &str = include_str!("../../../data/routing/questions.jsonl");
const HARD: &str = "1. Why? 2. Compare the contract with ours, explain the difference, and decide. 3. Which alternative do you recommend, and what happens if the migration fails, because the audit is in March and our lawyer asks who is liable? 4. Also, why was the incident not compensated although the contract, the agreement and the terms say so, and when will it be? We have asked four times since May, on 3, 9, 14 and 20 June, but nobody who may decide has called us, and the refund that was promised to us has not come either.";

fn settings(file: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("appliance.toml");
    std::fs::write(&path, file).unwrap();
    load(&Sources { file: Some(path), ..Sources::default() }).unwrap()
}

fn provider(name: &str, url: &str, model: &str) -> String {
    format!("[[ai.provider]]\nname = \"{name}\"\nbase_url = \"{url}\"\nmodel = \"{model}\"\n")
}

fn router(file: &str) -> Router {
    let settings = settings(file).settings;
    Router::new(&settings.routing, &settings.ai.provider).unwrap()
}

fn decide(router: &Router, text: &str, images: usize) -> Decision {
    router.decide(&Question { text, turns: 0, images })
}

const FAR: &str = "https://a.example/v1";
const HERE: &str = "http://127.0.0.1:1/v1";

#[test]
fn each_tier_goes_to_the_provider_that_has_its_model() {
    let file =
        provider("cheap", FAR, "gemini-1.5-flash-002") + &provider("dear", FAR, "claude-3-5-sonnet-20241022");
    let router = router(&file);
    let plain = decide(&router, "How do I reset my password?", 0);
    assert_eq!((plain.tier, plain.provider.as_str()), (Tier::Economical, "cheap"));
    assert_eq!(plain.model, "gemini-1.5-flash-002");
    let hard = decide(&router, HARD, 0);
    assert_eq!((hard.tier, hard.provider.as_str()), (Tier::Premium, "dear"), "{hard:?}");
    let then: Vec<_> = hard.then.iter().map(|choice| choice.provider.as_str()).collect();
    assert_eq!(then, ["cheap", "extractive"]);
}

#[test]
fn a_tier_that_is_not_configured_is_passed_over_for_the_next_with_the_reason() {
    let router = router(&provider("mini", FAR, "gpt-4o-mini"));
    let plain = decide(&router, "How do I reset my password?", 0);
    assert_eq!((plain.tier, plain.answering_tier), (Tier::Economical, Some(Tier::Middle)));
    assert_eq!(plain.named, "gemini-1.5-flash");
    assert!(
        plain.reason.contains("configured for gemini-1.5-flash, so the middle tier takes it"),
        "{}",
        plain.reason
    );
}

#[test]
fn with_no_provider_the_documents_are_quoted() {
    let plain = decide(&router(""), "How do I reset my password?", 0);
    assert_eq!((plain.provider.as_str(), plain.answering_tier), (EXTRACTIVE, None));
    assert!(plain.then.is_empty());
    assert!(plain.reason.ends_with("nor for another tier, so the documents are quoted"), "{}", plain.reason);
}

#[test]
fn an_image_comes_before_the_score() {
    let file = provider("eyes", FAR, "gemini-2.0-flash-exp") + &provider("mini", FAR, "gpt-4o-mini");
    let seen = decide(&router(&file), HARD, 1);
    assert_eq!((seen.tier, seen.provider.as_str()), (Tier::Vision, "eyes"));
    assert!(seen.reason.starts_with("there is an image"));
    let unseen = decide(&router(&file), HARD, 0);
    assert!(unseen.provider == "mini" && unseen.then.iter().all(|choice| choice.provider != "eyes"));
}

#[test]
fn local_never_leaves_the_machine_also_as_the_last_resort() {
    let far = provider("mini", FAR, "gpt-4o-mini") + &provider("sonnet", FAR, "claude-3-5-sonnet");
    let strategy = "[routing]\nstrategy = \"local\"\n";
    let alone = router(&(strategy.to_owned() + &far));
    let with_model = router(&(strategy.to_owned() + &far + &provider("own", HERE, "smol")));
    for (text, images) in [("Hello?", 0), (HARD, 0), (HARD, 2)] {
        let quoted = decide(&alone, text, images);
        assert_eq!(quoted.provider, EXTRACTIVE);
        assert!(quoted.then.is_empty());
        let answered = decide(&with_model, text, images);
        assert_eq!(answered.provider, "own");
        assert!(answered.then.iter().all(|choice| choice.provider == EXTRACTIVE));
    }
    let table = PriceTable::new(&[]).unwrap();
    assert!(Tier::ALL.iter().all(|tier| with_model.price(*tier, &table).unwrap().1.is_free()));
}

#[test]
fn zero_day_selects_stable() {
    assert_eq!(decide(&router("[routing]\nzero_day = true\n"), "Hello?", 0).named, "gpt-4o-mini");
    assert_eq!(router("[routing]\nzero_day = true\n").strategy(), "stable");
}

#[test]
fn an_unknown_strategy_is_named_with_those_that_there_are() {
    let settings = settings("").settings;
    let router = Router::new(&settings.routing, &[]).unwrap();
    let error = router.by(&settings.routing, "x").unwrap_err();
    assert_eq!(
        error,
        RouteError::StrategyUnknown { name: "x".to_owned(), known: "default, stable, local".to_owned() }
    );
}

#[test]
fn a_decision_is_kept_and_read_again_whole() {
    let decision = decide(&router(&provider("mini", FAR, "gpt-4o-mini")), HARD, 0);
    let text = serde_json::to_string(&decision).unwrap();
    let again: Decision = serde_json::from_str(&text).unwrap();
    assert_eq!(again.reason, decision.reason);
    assert_eq!(again.then, decision.then);
    assert_eq!(again.features.len(), 9);
}

fn questions(split: &str) -> Vec<Line> {
    let lines = QUESTIONS.lines().map(|line| serde_json::from_str::<Line>(line).unwrap());
    lines.filter(|line| line.split.as_deref() == Some(split)).collect()
}

#[test]
fn the_questions_are_many_different_and_cut_in_two_halves() {
    let all: Vec<Line> = ["tune", "report"].into_iter().flat_map(questions).collect();
    assert!(all.len() >= 520 && all.len() == QUESTIONS.lines().count());
    assert!(all.len().abs_diff(2 * questions("report").len()) <= all.len() / 50);
    let texts: std::collections::HashSet<_> = all.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts.len(), all.len());
    assert!(all.iter().all(|line| line.tier.is_some()));
}

#[test]
fn on_the_half_that_was_not_tuned_on_the_split_and_the_savings_hold() {
    let settings = settings("").settings;
    let table = PriceTable::new(&[]).unwrap();
    let router = Router::new(&settings.routing, &[]).unwrap();
    let lines = questions("report");
    for (strategy, saved_min) in [("stable", 0.69), ("default", 0.77)] {
        let router = router.by(&settings.routing, strategy).unwrap();
        let forecast = forecast(&router, &lines, &table, &Assumptions::default()).unwrap();
        assert!(forecast.saved >= saved_min, "{forecast:?}");
        assert!(forecast.agreement.unwrap() >= 0.85, "{forecast:?}");
        let shares: Vec<f64> = forecast.parts.iter().map(|part| part.share).collect();
        for (share, wanted) in shares.iter().zip([0.70, 0.25, 0.05, 0.01]) {
            assert!((share - wanted).abs() <= 0.05, "{shares:?}");
        }
    }
    let local =
        forecast(&router.by(&settings.routing, "local").unwrap(), &lines, &table, &Assumptions::default());
    assert_eq!(local.unwrap().cost_micros, Micros::ZERO);
}

#[test]
fn a_model_without_a_price_is_said_and_not_counted_as_nothing() {
    let file = "[[routing.strategies]]\nname = \"ours\"\neconomical = \"odd\"\nmiddle = \"odd\"\npremium = \"odd\"\nvision = \"odd\"\n";
    let settings = settings(&(file.to_owned() + &provider("odd", FAR, "odd-model"))).settings;
    let router = Router::new(&settings.routing, &settings.ai.provider).unwrap();
    let router = router.by(&settings.routing, "ours").unwrap();
    let table = PriceTable::new(&settings.ai.price).unwrap();
    let error = forecast(&router, &questions("tune"), &table, &Assumptions::default()).unwrap_err();
    assert_eq!(error, crate::ai::prices::PriceError::Unpriced { model: "odd-model".to_owned() });
}
