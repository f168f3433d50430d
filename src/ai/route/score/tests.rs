//! What the score promises.

use proptest::prelude::*;

use super::*;

fn score(text: &str) -> Score {
    Scorer::new().score(&Question { text, ..Question::default() })
}

fn raw(text: &str, name: FeatureName) -> f64 {
    score(text).features.into_iter().find(|feature| feature.name == name).unwrap().raw
}

#[test]
fn a_plain_question_is_low_and_a_long_dispute_is_high_in_every_language() {
    let pairs = [
        (
            "How do I reset my password?",
            "We have to decide between three plans: 45 agents, 30,000 conversations a month, a contract with six months' notice and an audit in March. Compare cost, risk and effort of the migration, explain on which assumptions it depends, and tell us what happens if we change our mind, because the works council objects. Also, which of your guarantees are part of the contract, and why was the incident of May not compensated?",
        ),
        (
            "Wie setze ich mein Passwort zurück?",
            "Wir müssen uns zwischen drei Tarifen entscheiden: 45 Leute, 30.000 Gespräche, ein Vertrag mit sechs Monaten Frist und im März eine Prüfung. Vergleichen Sie Kosten, Risiko und Aufwand der Migration, erklären Sie, wovon das abhängt, und was passiert, wenn wir es uns anders überlegen, weil der Betriebsrat nicht zustimmt. Außerdem: welche Zusagen stehen im Vertrag, und warum wurde der Ausfall im Mai nicht erstattet?",
        ),
        (
            "Jak zresetować hasło?",
            "Musimy wybrać między trzema planami: 45 osób, 30 000 rozmów, umowa z półrocznym wypowiedzeniem i audyt w marcu. Proszę porównać koszty, ryzyko i nakład pracy przy migracji, wyjaśnić, od czego to zależy, i co się stanie, jeśli zmienimy zdanie, ponieważ zarząd nie zgadza się na zmiany. Poza tym które gwarancje są częścią umowy i dlaczego awaria w maju nie została zrekompensowana?",
        ),
    ];
    for (plain, hard) in pairs {
        assert!(score(plain).value < 0.2, "{plain}: {:?}", score(plain));
        assert!(score(hard).value >= 0.7, "{hard}: {:?}", score(hard));
    }
}

#[test]
fn each_feature_measures_what_it_is_named_after() {
    assert!((raw("one two three", FeatureName::Length) - 3.0).abs() < f64::EPSILON);
    assert!((raw("パスワードを忘れました", FeatureName::Length)) > 5.0);
    assert!(
        (raw("I left because it broke, and nobody came", FeatureName::Clauses) - 3.0).abs() < f64::EPSILON
    );
    assert!((raw("Really?!? And you?", FeatureName::Questions) - 2.0).abs() < f64::EPSILON);
    assert!((raw("1. a\n2. b\n- c", FeatureName::Questions) - 3.0).abs() < f64::EPSILON);
    assert!((raw("why, and why?", FeatureName::Reasoning) - 1.0).abs() < f64::EPSILON);
    assert!(
        (raw("Ist das besser als das andere und warum?", FeatureName::Reasoning) - 2.0).abs() < f64::EPSILON
    );
    assert!(raw("```\nlet x = foo();\n```", FeatureName::Code) > 3.0);
    assert!((raw("5 apples, v2 and 2024-01-02", FeatureName::Numbers) - 5.0).abs() < f64::EPSILON);
    assert!(raw("it doesn't work", FeatureName::Ambiguity) > 0.5);
    assert!((raw("Коли прийде моє замовлення", FeatureName::Language) - 1.0).abs() < f64::EPSILON);
    assert!((raw("Wann kommt denn nun mein Paket an", FeatureName::Language)).abs() < f64::EPSILON);
}

#[test]
fn turns_count_as_given() {
    let scorer = Scorer::new();
    let at = |turns| scorer.score(&Question { text: "and now?", turns, images: 0 }).value;
    assert!(at(0) < at(10) && (at(10) - at(900)).abs() < 1e-9);
}

#[test]
fn an_accent_that_is_left_out_changes_nothing() {
    let (with, without) =
        ("Pourquoi la différence dépend-elle du réseau ?", "Pourquoi la difference depend-elle du reseau ?");
    assert!((score(with).value - score(without).value).abs() < 1e-9);
}

#[test]
fn what_lies_beyond_the_bound_is_not_looked_at() {
    // The bound falls into the middle of a letter.
    let head = format!("a{}", "é".repeat(TEXT_BYTES_MAX / 2));
    assert_eq!(score(&format!("{head} why why why why")), score(&format!("{head} ")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_text_has_a_score_that_is_the_sum_of_its_explanation(text in any::<String>(), turns in 0..2_000_usize) {
        let score = Scorer::new().score(&Question { text: &text, turns, images: 0 });
        prop_assert!((0.0..=1.0).contains(&score.value));
        let sum: f64 = score.features.iter().map(|feature| feature.contribution).sum();
        prop_assert!((sum.clamp(0.0, 1.0) - score.value).abs() < 1e-9);
        let names: Vec<_> = score.features.iter().map(|feature| feature.name).collect();
        prop_assert_eq!(names, FeatureName::ALL);
        prop_assert!(score.features.iter().all(|feature| feature.raw.is_finite() && !feature.reason.is_empty()));
    }

    #[test]
    fn odd_texts_do_no_harm(text in "(```|\\(1\\)|[?!.,;]|why|ł|ﷺ|\u{1f600}|\u{301}|한|--x|a_b|=| |\n){0,60}") {
        let score = score(&text);
        prop_assert!((0.0..=1.0).contains(&score.value));
    }
}
