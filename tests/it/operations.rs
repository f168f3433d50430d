//! Running the appliance: what it says of itself, what it refuses when it is short, and how it is mended.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, EMAIL, PASSWORD, run, said};
use super::files;
use super::socket::{Socket, is_answer};
use super::tls::health_is;

/// The findings of an examination by their names.
fn findings(output: &Output) -> BTreeMap<String, Vec<Value>> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", said(output)));
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for check in told["checks"].as_array().unwrap() {
        let wants_fix = check["state"] != "ok";
        assert_eq!(check["fix"].is_string(), wants_fix, "a fault has a fix: {check}");
        found.entry(check["name"].as_str().unwrap().to_owned()).or_default().push(check.clone());
    }
    found
}

/// Row A6.
#[tokio::test]
async fn the_doctor_examines_an_appliance_that_runs_and_one_that_is_stopped() {
    let (mut desk, _) = Desk::set_up().await;
    let data_dir = desk.data_dir().to_str().unwrap().to_owned();
    let doctor = ["doctor", "--json", "--listen", "127.0.0.1:0", "--data-dir", &data_dir];
    let running = run(desk.home(), &doctor).await;
    assert_eq!(running.status.code(), Some(0), "{}", said(&running));
    let found = findings(&running);
    assert!(String::from_utf8_lossy(&running.stdout).contains("\"running\":true"));
    for name in
        ["data_directory", "clock", "certificate", "store", "server", "jobs", "embedding_model", "time_zone"]
    {
        assert_eq!(found[name][0]["state"], "ok", "{found:?}");
    }
    // The operator sees the same in the dashboard.
    let view = desk.console(Method::GET, "/api/v1/appliance", "", None).await.expect(200).body;
    assert_eq!(view["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        view["data_dir_bytes"].as_u64().unwrap() > 10_000 && view["disk_free_bytes"].as_u64().unwrap() > 0
    );
    assert!(view["memory_bytes"].as_u64().unwrap() > 1 << 20, "{view}");
    assert!(view["memory_bytes"].as_u64() < view["memory_bytes_max"].as_u64(), "{view}");

    assert_eq!(desk.stop().await, Some(0));
    let stopped = run(desk.home(), &doctor).await;
    assert_eq!(stopped.status.code(), Some(0), "{}", said(&stopped));
    let found = findings(&stopped);
    for name in ["data_directory", "databases", "workspace_folders", "port", "embedding_model", "local_model"]
    {
        assert_eq!(found[name][0]["state"], "ok", "{found:?}");
    }
    let shown = run(desk.home(), &["doctor", "--listen", "127.0.0.1:0", "--data-dir", &data_dir]).await;
    let table = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        table.starts_with("The appliance is stopped.") && table.contains("ok       data_directory"),
        "{table}"
    );
}

/// Row A6.
#[tokio::test]
async fn the_doctor_names_each_fault_with_its_fix_and_changes_nothing() {
    let (mut desk, _) = Desk::set_up().await;
    assert_eq!(desk.stop().await, Some(0));
    let data_dir = desk.data_dir();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    std::fs::set_permissions(&data_dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(data_dir.join("tenants/left-behind")).unwrap();
    std::fs::create_dir_all(data_dir.join("models")).unwrap();
    std::fs::write(data_dir.join("models/broken.gguf"), "no model").unwrap();
    let file = "[server]\ncertificate_file = \"none.pem\"\nprivate_key_file = \"none.key\"\n\
                [[outbound.allow]]\naddress = \"127.0.0.1:9\"\nprivate = true\nplain_http = true\n\
                [[ai.provider]]\nname = \"gone\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";
    std::fs::write(desk.home().join("appliance.toml"), file).unwrap();
    let shown = data_dir.to_str().unwrap();
    let doctor = ["doctor", "--json", "--listen", &listen, "--data-dir", shown];
    let output = run(desk.home(), &doctor).await;
    assert_eq!(output.status.code(), Some(1));
    let found = findings(&output);
    for (name, state, detail, fix) in [
        ("data_directory", "warning", "Other accounts", "chmod go= "),
        ("certificate", "failed", "none.pem", "server.certificate_file"),
        ("port", "failed", listen.as_str(), "server.https_listen"),
        ("workspace_folders", "warning", "left-behind", "remove them"),
        ("local_model", "warning", "broken.gguf", "frontdesk model list"),
        ("provider", "warning", "\"gone\"", "frontdesk ai check gone"),
    ] {
        let one = &found[name][0];
        assert_eq!(one["state"], state, "{one}");
        assert!(one["detail"].as_str().unwrap().contains(detail), "{one}");
        assert!(one["fix"].as_str().unwrap().contains(fix), "{one}");
    }
    // A database that is none is named, and still as it was.
    std::fs::write(data_dir.join("system.redb"), vec![7; 8_192]).unwrap();
    let found = findings(&run(desk.home(), &doctor).await);
    assert_eq!(found["databases"][0]["state"], "failed", "{found:?}");
    assert_eq!(std::fs::read(data_dir.join("system.redb")).unwrap(), vec![7; 8_192]);
    // Settings that cannot be read are a finding too.
    std::fs::write(desk.home().join("appliance.toml"), "[server]\nno_such_thing = 1\n").unwrap();
    let output = run(desk.home(), &doctor).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(findings(&output)["settings"][0]["detail"].as_str().unwrap().contains("no_such_thing"));
}

/// Row Q5.
#[tokio::test]
async fn probes_tell_the_truth_also_when_it_changes() {
    let desk = Desk::open().await;
    let nobody = Caller::Nobody;
    for name in ["store", "disk", "jobs", "memory", "certificate", "embedding_model", "server"] {
        health_is(&desk, name, "ok").await;
    }
    let ready = desk.get(&nobody, "/healthz/ready").await.expect(200);
    assert_eq!(ready.body["ready"], true);
    for path in ["/healthz/live", "/healthz/ready"] {
        let head = desk.send(desk.request(&nobody, Method::HEAD, path)).await;
        assert!((200..300).contains(&head.status) && head.text.is_empty(), "{path}");
    }
    // The data directory goes away, as a disk does that is not mounted any more.
    let away = desk.home().join("away");
    std::fs::rename(desk.data_dir(), &away).unwrap();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(100));
    let seen = async {
        while desk.get(&nobody, "/healthz/ready").await.status != 503 {
            looks.tick().await;
        }
    };
    super::soon("it is not ready", seen).await;
    desk.get(&nobody, "/healthz/live").await.expect(204);
    std::fs::rename(&away, desk.data_dir()).unwrap();
    health_is(&desk, "disk", "ok").await;
    desk.get(&nobody, "/healthz/ready").await.expect(200);
}

/// Row Q7.
#[tokio::test]
async fn each_line_of_a_request_is_json_with_the_id_that_its_problem_shows() {
    let desk = Desk::open_with(&["log.format=json", "log.level=warn,frontdesk::http=debug"], "").await;
    let refused = desk.get(&Caller::Nobody, "/api/v1/me").await.expect(401);
    let id = refused.of("request_id");
    assert_eq!(refused.headers["x-request-id"].to_str().unwrap(), id);
    desk.logged(&id).await;
    let log = desk.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request: Vec<_> = lines.iter().filter(|line| line["span"]["id"] == id.as_str()).collect();
    assert!(!of_request.is_empty(), "{log}");
    for line in &of_request {
        assert_eq!((&line["span"]["method"], &line["span"]["path"]), (&json!("GET"), &json!("/api/v1/me")));
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["target"].is_string());
    }
    let said: Vec<_> = of_request.iter().filter_map(|line| line["message"].as_str()).collect();
    assert!(said.contains(&"a request was refused"), "{log}");
}

/// Row Q7.
#[tokio::test]
async fn a_support_bundle_holds_what_helps_and_nothing_that_anybody_wrote() {
    const WORD: &str = "quinquagenarian";
    let (key, token) = ("sk-of-this-story-0123", "token-of-this-story-0123");
    let file = format!(
        "[[ai.provider]]\nname = \"spare\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\napi_key = \"{key}\"\n\
         [metrics]\ntoken = \"{token}\"\n"
    );
    let (mut desk, owner) = Desk::set_up_with(&[], &file).await;
    let document =
        files::put(&desk, &owner, &format!("{WORD}.txt"), format!("The {WORD} is in the cellar.").as_bytes())
            .await;
    files::settled(&desk, &owner, &document.expect(201).of("id")).await;
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &conversation, None).await;
    socket.say("q", &format!("Where is the {WORD}? Write to eve@example.org")).await;
    socket.until(is_answer).await;
    let api_key = desk.key("acme", "admin").await;
    desk.post(&Caller::Nobody, "/api/v1/sessions", &json!({"email": EMAIL, "password": "wrong-password-9"}))
        .await
        .expect(401);

    let data_dir = desk.data_dir().to_str().unwrap().to_owned();
    let secrets = |caller: &Caller| match caller {
        Caller::Visitor { token, .. } => token.clone(),
        Caller::Key { secret, .. } => secret.clone(),
        Caller::Member { cookie } => cookie.split('=').nth(1).unwrap().to_owned(),
        Caller::Nobody => String::new(),
    };
    let mut planted = vec![
        WORD.to_owned(),
        key.to_owned(),
        token.to_owned(),
        PASSWORD.to_owned(),
        "wrong-password-9".to_owned(),
    ];
    planted.extend([
        EMAIL.to_owned(),
        "eve@example.org".to_owned(),
        "cellar".to_owned(),
        "Acme".to_owned(),
        "Ada".to_owned(),
    ]);
    planted.extend([&owner, &visitor, &api_key].map(secrets));

    let check = |name: &str| {
        let path = desk.home().join(name);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut archive = zip::ZipArchive::new(Cursor::new(std::fs::read(&path).unwrap())).unwrap();
        let mut files = BTreeMap::new();
        for number in 0..archive.len() {
            let mut file = archive.by_index(number).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            let leaks: Vec<_> = planted.iter().filter(|secret| text.contains(secret.as_str())).collect();
            let name = file.name().unwrap().into_owned();
            assert!(leaks.is_empty(), "{name} holds {leaks:?}:\n{text}");
            files.insert(name, text);
        }
        files
    };
    let made = run(desk.home(), &["support-bundle", "running.zip", "--json", "--data-dir", &data_dir]).await;
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let files = check("running.zip");
    assert!(files["about.json"].contains(env!("CARGO_PKG_VERSION")));
    assert!(
        files["settings.txt"].contains("store.data_dir")
            && files["settings.txt"].contains("metrics.token = \"(secret)\""),
        "{}",
        files["settings.txt"]
    );
    let tables: Value = serde_json::from_str(&files["tables.json"]).unwrap();
    assert_eq!(tables[0]["database"], "system");
    assert_eq!(tables[0]["rows"]["identity.account"], 1, "{tables}");
    // That it was made is written down before it is.
    assert!(tables[0]["rows"]["identity.audit"].as_u64() >= Some(1), "{tables}");
    assert!(tables[1]["rows"]["conversations.message"].as_u64() >= Some(2), "{tables}");
    assert!(files["findings.json"].contains("data_directory") && files["health.json"].contains("\"store\""));
    assert!(
        files["metrics.txt"].contains("frontdesk_http_requests_total")
            && files["jobs.json"].contains("\"dead\": 0")
    );
    // What the start says of the provider that may not be asked.
    assert!(
        files["log.txt"].contains("WARN") && files["log.txt"].contains("outbound.allow"),
        "{}",
        files["log.txt"]
    );
    // It does not write over what is there, and needs no appliance that runs.
    let again = run(desk.home(), &["support-bundle", "running.zip", "--data-dir", &data_dir]).await;
    assert_eq!(again.status.code(), Some(1));
    desk.stop().await;
    let made = run(desk.home(), &["support-bundle", "stopped.zip", "--data-dir", &data_dir]).await;
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let path = desk.home().join("stopped.zip");
    assert!(std::fs::metadata(path).unwrap().len() > 1_000);
}

/// Row B12.
#[tokio::test]
async fn in_recovery_mode_only_those_who_run_the_appliance_are_served_and_no_work_is_done() {
    let (mut desk, owner) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let key = desk.key("acme", "admin").await;
    desk.stop().await;
    desk.set("--recovery");
    desk.start_again().await;
    assert!(desk.next_line().await.starts_with("Recovery mode"));

    let nobody = Caller::Nobody;
    let ready = desk.get(&nobody, "/healthz/ready").await.expect(503);
    assert!(ready.text.contains("recovery mode"), "{}", ready.text);
    desk.get(&nobody, "/healthz/live").await.expect(204);
    for (caller, path) in [
        (&visitor, format!("/api/v1/conversations/{conversation}")),
        (&key, "/api/v1/documents".to_owned()),
        (&nobody, "/api/v1/widget/acme".to_owned()),
    ] {
        let closed = desk.get(caller, &path).await.expect(503);
        assert_eq!(closed.of("code"), "recovery_mode", "{path}");
        assert!(closed.headers.contains_key("retry-after"));
    }
    let page = desk.get(&nobody, "/chat/acme").await.expect(503);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text.contains("closed for maintenance"), "{}", page.text);

    // The owner signs in, looks and leaves a document, which waits.
    let wish = json!({"email": EMAIL, "password": PASSWORD});
    let signed_in = desk.post(&nobody, "/api/v1/sessions", &wish).await.expect(201).cookie();
    desk.get(&owner, "/api/v1/me").await.expect(200);
    let document =
        files::put(&desk, &signed_in, "note.txt", b"The pump is in the cellar.").await.expect(201).of("id");
    let waiting = desk.console(Method::GET, "/api/v1/jobs?state=waiting", "acme", None).await.expect(200);
    assert!(waiting.text.contains("knowledge.ingest"), "{}", waiting.text);
    desk.stop().await;
    desk.unset("--recovery");
    desk.start_again().await;
    assert_eq!(files::settled(&desk, &owner, &document).await["state"], "ready");
    desk.get(&visitor, &format!("/api/v1/conversations/{conversation}")).await.expect(200);
}

/// Row Q8.
#[tokio::test]
async fn at_the_memory_ceiling_large_files_wait_and_visitors_are_served() {
    let low = "server.memory_bytes_max=67108864";
    let (mut desk, owner) = Desk::set_up_with(&[low], "").await;
    // With what an idle appliance holds, it does not fit.
    let large = vec![0; 48 << 20];
    let refused = files::put(&desk, &owner, "large.pdf", &large).await.expect(503);
    assert_eq!(refused.of("code"), "memory_full");
    assert_eq!(refused.headers["retry-after"], "10");
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &conversation, None).await;
    socket.say("q", "Where is the pump?").await;
    socket.until(is_answer).await;
    desk.get(&Caller::Nobody, "/healthz/ready").await.expect(200);
    let view = desk.console(Method::GET, "/api/v1/appliance", "", None).await.expect(200).body;
    assert_eq!(view["memory_bytes_max"], 64 << 20);
    assert!(view["memory_bytes"].as_u64() > Some(16 << 20), "{view}");
    drop(socket);
    desk.stop().await;
    desk.unset(low);
    desk.start_again().await;
    // It is looked at now, and is no PDF.
    let looked_at = files::put(&desk, &owner, "large.pdf", &large).await;
    assert!(looked_at.status != 503, "{}", looked_at.text);
}
