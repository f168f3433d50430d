//! What leaves the appliance: nothing that no setting allows, and all of it written down for the operator alone.

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::post;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, run, said};
use super::model::Model;
use super::socket::{Socket, is_answer};
use super::soon;

const KEY: &str = "sk-of-this-story";

/// Asks the model's question and waits for the answer.
async fn ask(desk: &Desk) -> Value {
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    socket.until(is_answer).await.pop().unwrap()
}

/// The ledger, once it holds something.
async fn ledger(desk: &Desk, owner: &Caller) -> (Vec<Value>, String) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    let filled = async {
        loop {
            let page = desk.get(owner, "/api/v1/egress").await.expect(200);
            let items = page.body["items"].as_array().unwrap().clone();
            if !items.is_empty() {
                return (items, page.text);
            }
            looks.tick().await;
        }
    };
    soon("the ledger holds an entry", filled).await
}

#[tokio::test]
async fn what_a_model_is_asked_is_in_the_ledger_with_its_sizes_and_without_its_words() {
    let model = Model::start().await;
    model.go_on();
    let file =
        model.settings().replace("model = \"fake-1\"", &format!("model = \"fake-1\"\napi_key = \"{KEY}\""));
    let (mut desk, owner) = Desk::set_up_with(&[], &file).await;
    let none = desk.get(&owner, "/api/v1/egress").await.expect(200);
    assert_eq!(none.body, json!({"items": [], "next_cursor": null}));
    model.teach(&desk, &owner).await;
    let answer = ask(&desk).await;
    assert_eq!(answer["payload"]["answer"]["provider"], "fake", "{answer}");

    let (items, text) = ledger(&desk, &owner).await;
    assert_eq!(items.len(), 1, "{text}");
    let entry = &items[0];
    let destination = entry["destination"].as_str().unwrap().to_owned();
    assert!(destination.starts_with("127.0.0.1:") && file.contains(&destination), "{text}");
    assert_eq!((&entry["purpose"], &entry["outcome"]), (&json!("ai.chat"), &json!("answered")));
    assert_eq!((&entry["status"], &entry["code"], &entry["lost"]), (&json!(200), &json!(null), &json!(0)));
    assert!(
        entry["bytes_out"].as_u64().unwrap() > 100 && entry["bytes_in"].as_u64().unwrap() > 100,
        "{text}"
    );
    assert!(entry["tenant"].as_str().unwrap().len() > 10 && entry["at"].is_string(), "{text}");
    for word in [KEY, "pump", "rubber", "chat/completions", "Bearer"] {
        assert!(!text.contains(word), "{text}");
    }

    let data_dir = desk.data_dir().to_str().unwrap().to_owned();
    let shown = run(desk.home(), &["egress", "--data-dir", &data_dir]).await;
    let table = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    let line = table.lines().nth(1).unwrap();
    for word in [destination.as_str(), "ai.chat", "acme", "answered 200"] {
        assert!(line.contains(word), "{table}");
    }
    // It is there after the appliance has stopped, and the command needs none that runs.
    assert_eq!(desk.stop().await, Some(0), "{}", desk.log());
    let shown = run(desk.home(), &["egress", "--json", "--limit", "1", "--data-dir", &data_dir]).await;
    let line: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(line["items"], json!([entry]));
}

#[tokio::test]
async fn a_model_that_no_setting_allows_is_not_asked_and_the_refusal_is_said_three_times() {
    let model = Model::start().await;
    model.go_on();
    let settings = model.settings();
    let (file, _) = settings.split_once("[[outbound.allow]]").unwrap();
    let (desk, owner) = Desk::set_up_with(&[], file).await;
    let log = desk.log();
    assert!(
        log.contains("is not in outbound.allow") || log.contains("which is not in outbound.allow"),
        "{log}"
    );
    assert!(log.contains("private = true, plain_http = true"), "{log}");
    let check = run(desk.home(), &["config", "check"]).await;
    let text = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
    assert!(text.contains("Take note: appliance.toml:") && text.contains("to outbound.allow"), "{text}");

    model.teach(&desk, &owner).await;
    let answer = ask(&desk).await;
    assert_eq!(answer["payload"]["answer"]["quoted"], true, "{answer}");
    let (items, text) = ledger(&desk, &owner).await;
    assert_eq!((&items[0]["outcome"], &items[0]["code"]), (&json!("refused"), &json!("egress_not_allowed")));
    assert_eq!((&items[0]["bytes_out"], &items[0]["status"]), (&json!(0), &json!(null)), "{text}");
}

#[tokio::test]
async fn an_air_gapped_appliance_does_not_start_with_a_setting_that_could_send() {
    let home = tempfile::tempdir().unwrap();
    let data_dir = home.path().join("data");
    let far = "[outbound]\nair_gapped = true\n[[outbound.allow]]\naddress = \"api.openai.com\"\n\
               [[ai.provider]]\nname = \"gpt\"\nkind = \"openai\"\nmodel = \"gpt-4o\"\n";
    std::fs::write(home.path().join("appliance.toml"), far).unwrap();
    let data_dir = data_dir.to_str().unwrap();
    for command in [&["config", "check"][..], &["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir]] {
        let refused = run(home.path(), command).await;
        assert_eq!(refused.status.code(), Some(1));
        let said = said(&refused);
        for word in
            ["appliance.toml:2: outbound.air_gapped", "\"api.openai.com\"", "\"gpt\" is at api.openai.com"]
        {
            assert!(said.contains(word), "{said}");
        }
        assert!(refused.stdout.is_empty());
    }
    assert!(!std::path::Path::new(data_dir).exists(), "nothing was begun");
    // With a model on the machine itself it starts, and asks it.
    let model = Model::start().await;
    model.go_on();
    let (desk, owner) = Desk::set_up_with(&["outbound.air_gapped=true"], &model.settings()).await;
    model.teach(&desk, &owner).await;
    assert_eq!(ask(&desk).await["payload"]["answer"]["provider"], "fake");
}

/// A server of models, of which `good` answers, `bad` refuses the key, and all others are not there.
async fn models() -> u16 {
    async fn good() -> axum::Json<Value> {
        let choice =
            json!({"index": 0, "message": {"role": "assistant", "content": "H"}, "finish_reason": "length"});
        axum::Json(json!({"id": "x", "object": "chat.completion", "choices": [choice]}))
    }
    async fn bad() -> axum::response::Response {
        let refusal = json!({"error": {"message": "wrong key", "type": "invalid_request_error", "code": "invalid_api_key"}});
        (StatusCode::UNAUTHORIZED, axum::Json(refusal)).into_response()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let routes =
        Router::new().route("/good/chat/completions", post(good)).route("/bad/chat/completions", post(bad));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    port
}

fn provider(name: &str, base_url: &str) -> String {
    format!(
        "[[ai.provider]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\nmodel = \"m-1\"\napi_key = \"{KEY}\"\n"
    )
}

#[tokio::test]
async fn the_check_of_models_tells_the_good_one_from_the_others_without_an_appliance() {
    let port = models().await;
    let home = tempfile::tempdir().unwrap();
    let host = format!("127.0.0.1:{port}");
    let file = provider("good", &format!("http://{host}/good"))
        + &provider("bad", &format!("http://{host}/bad"))
        + &provider("far", "https://models.example/v1")
        + &format!("[[outbound.allow]]\naddress = \"{host}\"\nprivate = true\nplain_http = true\n");
    std::fs::write(home.path().join("appliance.toml"), file).unwrap();

    let good = run(home.path(), &["ai", "check", "good"]).await;
    let table = String::from_utf8_lossy(&good.stdout).into_owned();
    assert_eq!(good.status.code(), Some(0), "{table}{}", said(&good));
    let line = table.lines().nth(1).unwrap();
    assert!(
        line.starts_with("good  openai_compatible  m-1") && line.contains(&host) && line.ends_with("ok"),
        "{table}"
    );

    let all = run(home.path(), &["ai", "check"]).await;
    let table = String::from_utf8_lossy(&all.stdout).into_owned();
    assert_eq!(all.status.code(), Some(1), "{table}");
    assert_eq!(said(&all).trim(), "2 of 3 models cannot be used.");
    assert!(
        table.contains("bad: The key for \"bad\" was refused. Check api_key in the settings."),
        "{table}"
    );
    assert!(table.contains("far: models.example:443 is not among the hosts"), "{table}");
    assert!(!table.contains(KEY), "{table}");

    let bad = run(home.path(), &["ai", "check", "bad", "--json"]).await;
    let value: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(bad.status.code(), Some(1));
    assert_eq!(
        (&value["ok"], &value["models"][0]["code"]),
        (&json!(false), &json!("model_credential_refused"))
    );
    let unknown = run(home.path(), &["ai", "check", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("There are: good, bad, far."), "{}", said(&unknown));
    assert!(!home.path().join("frontdesk-data").exists(), "no data directory is needed or made");
}
