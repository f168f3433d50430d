//! What the layers promise.

use super::*;

fn sources(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str, &str)],
) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("appliance.toml");
    std::fs::write(&path, file).unwrap();
    let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let flag = |(flag, key, text): &(&str, &str, &str)| FlagValue {
        flag: (*flag).to_owned(),
        key: (*key).to_owned(),
        text: (*text).to_owned(),
    };
    let environment = environment.iter().map(pair).collect();
    let flags = flags.iter().map(flag).collect();
    (folder, Sources { file: Some(path), usual_files: Vec::new(), environment, flags })
}

fn problems(file: &str, environment: &[(&str, &str)]) -> Vec<(String, String)> {
    let (_folder, sources) = sources(file, environment, &[]);
    match load(&sources).unwrap_err() {
        Error::Wrong(problems) => problems
            .into_iter()
            .map(|problem| {
                let place = problem.origin.to_string();
                let place = place.rsplit('/').next().unwrap().to_owned();
                (place, format!("{}: {}", problem.key, problem.reason))
            })
            .collect(),
        other @ Error::Unreadable { .. } => panic!("{other}"),
    }
}

/// The settings of a file, or what is wrong with it.
pub(super) fn read(file: &str) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("appliance.toml");
    std::fs::write(&path, file).unwrap();
    load(&Sources { file: Some(path), ..Sources::default() }).map_err(|error| match error {
        Error::Wrong(problems) => {
            problems.into_iter().map(|problem| format!("{}: {}", problem.key, problem.reason)).collect()
        }
        other @ Error::Unreadable { .. } => panic!("{other}"),
    })
}

#[test]
fn the_defaults_are_complete_and_make_sense() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(loaded.settings.server.https_listen.port(), 8443);
    assert_eq!(loaded.settings.server.public_address(8443), "https://localhost:8443");
    assert_eq!(loaded.settings.assistant.provider, "local");
    assert!(loaded.values.iter().all(|setting| setting.origin == Origin::Default));
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let file = "[server]\nhttps_listen = \"127.0.0.1:1\"\nnames = [\"a\"]\n\n[store]\nidle_close_s = 7\n[retrieval]\nsemantic_weight = 1\n";
    let environment = [
        ("FRONTDESK_SERVER__HTTPS_LISTEN", "127.0.0.1:2"),
        ("FRONTDESK_SERVER__NAMES", "desk.lan, 10.0.0.9"),
        ("FRONTDESK_OUTBOUND__AIR_GAPPED", "true"),
        ("PATH", "/bin"),
    ];
    let (_folder, sources) =
        sources(file, &environment, &[("--listen", "server.https_listen", "127.0.0.1:3")]);
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.settings.server.https_listen.port(), 3);
    assert_eq!(loaded.settings.server.names, ["desk.lan", "10.0.0.9"]);
    assert_eq!(loaded.settings.store.idle_close_s, 7);
    assert!(loaded.settings.outbound.air_gapped);
    let origin = |key: &str| {
        loaded.values.iter().find(|setting| setting.key == key).map(|setting| setting.origin.clone()).unwrap()
    };
    assert_eq!(origin("server.https_listen"), Origin::Flag { name: "--listen".into() });
    assert_eq!(origin("server.names"), Origin::Environment { name: "FRONTDESK_SERVER__NAMES".into() });
    assert!(matches!(origin("store.idle_close_s"), Origin::File { line: 6, .. }));
    assert_eq!(origin("log.level"), Origin::Default);
}

#[test]
fn everything_that_is_wrong_is_named_with_its_place() {
    let file = "stray = 1\n";
    assert_eq!(
        problems(file, &[]),
        [(
            "appliance.toml:1".into(),
            "stray: settings belong to a section; write them below its [name]".into()
        )]
    );
    let file = "[server]\nhttps_listn = 1\ndata_dir = \"x\"\n[store]\nidle_close_s = \"7\"\n";
    let found = problems(file, &[("FRONTDESK_LOG_LEVEL", "info"), ("FRONTDESK_STORE__IDLE_CLOSE_S", "soon")]);
    assert_eq!(
        found,
        [
            (
                "appliance.toml:3".into(),
                "server.data_dir: there is no such setting; did you mean store.data_dir?".into()
            ),
            ("appliance.toml:2".into(), "server.https_listn: there is no such setting".into()),
            (
                "appliance.toml:5".into(),
                "store.idle_close_s: expected a whole number, found a text in quotes".into()
            ),
            (
                "FRONTDESK_STORE__IDLE_CLOSE_S".into(),
                "store.idle_close_s: \"soon\" is not a whole number".into()
            ),
            ("FRONTDESK_LOG_LEVEL".into(), "log_level: there is no such setting".into()),
        ]
    );
    let found = problems("[server]\nnames = [\n", &[]);
    assert_eq!(found.len(), 1);
}

#[test]
fn values_that_make_no_sense_lead_back_to_where_they_were_given() {
    let found = problems("[log]\n\nformat = \"xml\"\n", &[]);
    assert_eq!(found[0].0, "appliance.toml:3");
    assert!(found[0].1.starts_with("log.format: unknown variant `xml`"), "{found:?}");
    let found = problems("", &[("FRONTDESK_SERVER__HTTPS_LISTEN", "here")]);
    assert_eq!(found[0].0, "FRONTDESK_SERVER__HTTPS_LISTEN");
    let found = problems(
        "[retrieval]\ntop_k = 0\nmin_score = 2\n[assistant]\nprovider = \"ollama\"\n[server]\ncertificate_file = \"x\"\n",
        &[],
    );
    let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["default", "appliance.toml:3", "appliance.toml:2", "appliance.toml:5"]);
}

#[test]
fn a_providers_key_comes_from_the_environment_or_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "from-file\n").unwrap();
    let provider = |name: &str, key: &str| {
        format!(
            "[[ai.provider]]\nname = \"{name}\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n{key}\n"
        )
    };
    let file = provider("a", &format!("api_key_file = \"{}\"", key.display()))
        + &provider("b", "api_key_env = \"KEY_B\"")
        + &provider("c", "api_key = \"inline-key\"");
    let (_folder, sources) = sources(&file, &[("KEY_B", "from-env")], &[]);
    let loaded = load(&sources).unwrap();
    let keys: Vec<_> = loaded
        .settings
        .ai
        .provider
        .iter()
        .map(|one| one.api_key.as_ref().unwrap().expose().to_owned())
        .collect();
    assert_eq!(keys, ["from-file", "from-env", "inline-key"]);
    let shown = table(&loaded.values);
    assert!(shown.contains("(secret)") && !shown.contains("inline-key"), "{shown}");

    let found = problems(&provider("a", "api_key_env = \"NOT_SET\""), &[]);
    assert_eq!(found[0].1, "ai.provider: the variable NOT_SET is not set");
    let found = problems(&provider("a", "api_kee = \"x\""), &[]);
    assert!(found[0].1.starts_with("ai.provider: unknown field `api_kee`"), "{found:?}");
}

#[test]
fn a_vendor_needs_no_address_and_a_setting_of_another_vendor_is_refused() {
    let provider =
        |name: &str, more: &str| format!("[[ai.provider]]\nname = \"{name}\"\nmodel = \"m\"\n{more}\n");
    let file = provider("a", "kind = \"openai\"\nsend_temperature = false")
        + &provider("b", "kind = \"anthropic\"\nversion = \"2023-06-01\"\nauth = \"x_api_key\"")
        + &provider("c", "kind = \"google\"\napi_version = \"v1\"")
        + &provider("d", "base_url = \"http://127.0.0.1:1/v1\"");
    let (_folder, sources) = sources(&file, &[], &[]);
    let providers = load(&sources).unwrap().settings.ai.provider;
    let kinds: Vec<_> = providers.iter().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [ProviderKind::OpenAi, ProviderKind::Anthropic, ProviderKind::Google, ProviderKind::OpenAiCompatible]
    );
    assert_eq!(providers[1].auth, Some(ProviderAuth::XApiKey));
    for (wrong, reason) in [
        (provider("a", ""), "\"a\" needs a base_url"),
        (provider("a", "kind = \"google\"\nversion = \"x\""), "\"a\": version and auth are for"),
        (provider("a", "kind = \"openai\"\napi_version = \"v1\""), "\"a\": api_version is for"),
        (provider("a", "kind = \"gemini\""), "unknown variant `gemini`"),
    ] {
        let found = problems(&wrong, &[]);
        assert!(found[0].1.starts_with(&format!("ai.provider: {reason}")), "{found:?}");
    }
}

#[test]
fn a_file_that_was_named_must_exist() {
    let missing = Sources { file: Some("/nowhere/appliance.toml".into()), ..Sources::default() };
    assert!(matches!(load(&missing), Err(Error::Unreadable { .. })));
    let usual = Sources { usual_files: vec!["/nowhere/appliance.toml".into()], ..Sources::default() };
    assert!(load(&usual).is_ok());
}

#[test]
fn a_budget_is_a_limit_or_none_with_rising_percentages_in_a_zone_that_exists() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(
        (loaded.settings.budget.day_limit_micros, loaded.settings.budget.at_limit),
        (-1, AtLimit::Degrade)
    );
    let file = "[budget]\nday_limit_micros = -2\nalert_percents = [80, 50]\ntime_zone = \"Mars/Olympus\"\n";
    let places: Vec<_> = problems(file, &[]).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["appliance.toml:2", "appliance.toml:3", "appliance.toml:4"]);
    let sound =
        [("FRONTDESK_BUDGET__ALERT_PERCENTS", "[10, 90]"), ("FRONTDESK_BUDGET__AT_LIMIT", "hand_over")];
    let (_folder, sources) = sources("[budget]\nmonth_limit_micros = 0\n", &sound, &[]);
    let budget = load(&sources).unwrap().settings.budget;
    assert_eq!((budget.month_limit_micros, budget.alert_percents), (0, vec![10, 90]));
    assert_eq!(budget.at_limit, AtLimit::HandOver);
}

#[test]
fn the_three_vendors_models_look_at_pictures_and_others_do_when_it_is_said() {
    let sees = |kind: &str, more: &str| {
        let place = if kind == "openai_compatible" { "base_url = \"http://127.0.0.1:1/v1\"\n" } else { "" };
        let file =
            format!("[[ai.provider]]\nname = \"p\"\nkind = \"{kind}\"\nmodel = \"m\"\n{place}{more}\n");
        read(&file).unwrap().settings.ai.provider[0].looks_at_images()
    };
    for kind in ["openai", "anthropic", "google"] {
        assert!(sees(kind, ""), "{kind}");
        assert!(!sees(kind, "vision = false"), "{kind}");
    }
    assert!(!sees("openai_compatible", "") && sees("openai_compatible", "vision = true"));
}
