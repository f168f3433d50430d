//! The life of a workspace: limited, suspended, carried to another appliance, erased so that no byte is left.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, PASSWORD, Reply, run, said};
use super::files::{self, demo, put, settled};
use super::socket::{Socket, is_answer};
use super::{images, soon};

const QUESTION: &str = "How long is the warranty on a Tamarind used at home?";
/// How often something is looked at that takes a moment.
const LOOK_EVERY: Duration = Duration::from_millis(40);

async fn tenant_id(desk: &Desk, slug: &str) -> String {
    desk.console(Method::GET, "/api/v1/workspace", slug, None).await.expect(200).of("id")
}

/// Changes a workspace as the operator.
async fn operate(desk: &Desk, owner: &Caller, slug: &str, change: &Value) -> Reply {
    let path = format!("/api/v1/tenants/{}", tenant_id(desk, slug).await);
    desk.send(desk.request(owner, Method::PATCH, &path).json(change)).await
}

async fn usage(desk: &Desk, slug: &str) -> Value {
    desk.console(Method::GET, "/api/v1/workspace/usage", slug, None).await.expect(200).body["quotas"].clone()
}

/// Asks as a new visitor; the answer's text and what it cites.
async fn answer(desk: &Desk, slug: &str, question: &str) -> Value {
    let visitor = desk.visitor(slug).await;
    let conversation = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &conversation, None).await;
    socket.say("q", question).await;
    let told = socket.until(is_answer).await.pop().unwrap();
    let citations = told["payload"]["answer"]["citations"].as_array().unwrap().iter();
    let places: Vec<_> = citations.map(|one| json!([one["document"], one["title"], one["chunk"]])).collect();
    json!({"text": told["payload"]["text"], "citations": places})
}

/// Passages with their scores, in order.
async fn found(desk: &Desk, slug: &str, query: &str) -> Vec<Value> {
    let wish = json!({"query": query, "limit": 5});
    let found = desk.console(Method::POST, "/api/v1/search", slug, Some(&wish)).await.expect(200).body;
    let results = found["results"].as_array().unwrap().iter();
    results.map(|one| json!([one["document"], one["text"], one["name"]])).collect()
}

/// Every file below a folder that holds one of the texts, with the text.
fn holding(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(holding(&entry.path(), texts));
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let holds = |text: &&&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(
                texts.iter().filter(holds).map(|text| format!("{text} in {}", entry.path().display())),
            );
        }
    }
    found
}

/// The folders of tenants, hidden ones too.
fn folders(desk: &Desk) -> BTreeSet<String> {
    // There is none before the first is opened.
    let entries = std::fs::read_dir(desk.data_dir().join("tenants")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Row C4.
#[tokio::test]
async fn a_workspace_is_held_to_its_quotas_and_told_which_and_what_to_do() {
    let (desk, owner) = Desk::set_up_with(&["quotas.documents=50"], "").await;
    assert_eq!(usage(&desk, "acme").await["documents"], json!({"used": 0, "limit": 50}));
    let change = json!({"quotas": {"documents": 3, "storage_bytes": 4000, "conversations_per_month": 2}});
    let set = operate(&desk, &owner, "acme", &change).await.expect(200).body;
    assert_eq!((&set["quotas"]["documents"], &set["quotas"]["members"]), (&json!(3), &Value::Null));

    // Eight at a time, and three places.
    let uploads = (0..8).map(|number| {
        let (name, text) = (format!("{number}.txt"), format!("Document number {number} is about bicycles."));
        let (desk, owner) = (&desk, &owner);
        async move { put(desk, owner, &name, text.as_bytes()).await }
    });
    let replies = futures_util::future::join_all(uploads).await;
    let taken: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(taken.len(), 3);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("quota_reached")));
        assert!(refused.of("detail").contains("3 documents"), "{}", refused.text);
    }
    // The same bytes again are no further document, and a deleted one makes room.
    let name = taken[0].of("name");
    let number = name.trim_end_matches(".txt");
    put(&desk, &owner, &name, format!("Document number {number} is about bicycles.").as_bytes())
        .await
        .expect(200);
    desk.delete(&owner, &format!("/api/v1/documents/{}", taken[0].of("id"))).await.expect(204);
    let full = put(&desk, &owner, "large.txt", "Words about bicycles. ".repeat(400).as_bytes()).await;
    assert_eq!((full.status, &full.body["code"]), (409, &json!("quota_reached")));
    assert!(full.of("detail").contains("bytes of files"), "{}", full.text);
    let small = put(&desk, &owner, "small.txt", b"Few words about bicycles.").await.expect(201);
    settled(&desk, &owner, &small.of("id")).await;

    // A visitor is told calmly, and nothing of numbers.
    let visitor = desk.visitor("acme").await;
    desk.conversation(&visitor).await;
    desk.conversation(&visitor).await;
    let refused = desk.post(&visitor, "/api/v1/conversations", &json!({})).await.expect(409);
    assert_eq!(refused.body["code"], "quota_reached");
    assert!(!refused.of("detail").contains('2'), "{}", refused.text);
    let used = usage(&desk, "acme").await;
    assert_eq!(used["documents"], json!({"used": 3, "limit": 3}));
    assert_eq!(used["conversations_per_month"], json!({"used": 2, "limit": 2}));
    assert_eq!(used["members"], json!({"used": 1, "limit": null}));
    assert_eq!(used["money_micros_per_month"], json!({"used": 0, "limit": null}));
    let bytes = used["storage_bytes"]["used"].as_u64().unwrap();
    assert!(bytes > 0 && bytes <= 4000, "{used}");
    let list = operate(&desk, &owner, "acme", &json!({"quotas": [5, 5]})).await.expect(400);
    assert_eq!(list.body["errors"][0]["pointer"], "/quotas", "{}", list.text);
    // No limit again.
    operate(&desk, &owner, "acme", &json!({"quotas": {"conversations_per_month": 0}})).await.expect(200);
    desk.conversation(&visitor).await;
    let other = desk.key("acme", "admin").await;
    let path = format!("/api/v1/tenants/{}", tenant_id(&desk, "acme").await);
    let own = desk.send(desk.request(&other, Method::PATCH, &path).json(&json!({"quotas": {}}))).await;
    assert_eq!(own.status, 403, "a workspace does not set its own quotas");
}

/// Row C4: what is counted is what is there, also after everything that was put is gone again.
#[tokio::test]
async fn the_bytes_of_files_are_counted_as_they_come_and_go() {
    let (desk, owner) = Desk::set_up().await;
    let text = b"A document about pumps that will be deleted.";
    let made = put(&desk, &owner, "pumps.txt", text).await.expect(201).of("id");
    settled(&desk, &owner, &made).await;
    let with_document = usage(&desk, "acme").await["storage_bytes"]["used"].as_u64().unwrap();
    assert!(with_document >= text.len() as u64, "{with_document}");
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    images::send(&desk, &visitor, &conversation, files::PNG).await.expect(201);
    let with_both = usage(&desk, "acme").await["storage_bytes"]["used"].as_u64().unwrap();
    assert!(with_both > with_document, "{with_both}");
    desk.delete(&owner, &format!("/api/v1/documents/{made}")).await.expect(204);
    let left = usage(&desk, "acme").await;
    assert_eq!(left["storage_bytes"]["used"], with_both - with_document, "only the picture is left");
    assert_eq!(left["documents"]["used"], 0);
}

/// Row C4.
#[tokio::test]
async fn a_suspended_workspace_is_closed_to_all_but_the_operator_and_goes_on_where_it_was() {
    let (mut desk, owner) = Desk::set_up().await;
    let key = desk.key("acme", "admin").await;
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let of_visitor = Socket::open(&desk, &visitor, &conversation, None).await;
    let of_key = Socket::open(&desk, &key, &conversation, None).await;
    let suspended = operate(&desk, &owner, "acme", &json!({"suspended": true})).await.expect(200);
    assert_eq!(suspended.body["suspended"], true);
    for socket in [of_visitor, of_key] {
        assert_eq!(socket.closed().await, (1013, "workspace_suspended".to_owned()));
    }
    let again = Socket::open(&desk, &visitor, &conversation, None).await;
    assert_eq!(again.closed().await, (1013, "workspace_suspended".to_owned()));

    let told = desk.get(&key, "/api/v1/documents").await.expect(403);
    assert_eq!(told.body["code"], "workspace_suspended");
    assert!(told.of("detail").contains("suspended"), "members see why");
    let new = desk.post(&Caller::Nobody, "/api/v1/widget/acme/visitors", &json!({})).await.expect(403);
    let old = desk.get(&visitor, &format!("/api/v1/conversations/{conversation}")).await.expect(403);
    for told in [new, old] {
        assert_eq!(told.body["code"], "workspace_suspended");
        assert!(!told.of("detail").contains("suspended"), "visitors are told calmly: {}", told.text);
    }
    // The operator may enter; what is queued rests, also over a restart, while another workspace's is done.
    let resting = put(&desk, &owner, "resting.txt", b"A document that rests.").await.expect(201).of("id");
    desk.kill().await;
    desk.start_again().await;
    desk.console(Method::POST, "/api/v1/tenants", "", Some(&json!({"name": "Other"}))).await.expect(201);
    let other = desk.key("other", "admin").await;
    let done = put(&desk, &other, "done.txt", b"A document that is read.").await.expect(201).of("id");
    assert_eq!(settled(&desk, &other, &done).await["state"], "ready");
    let path = format!("/api/v1/documents/{resting}");
    let document = desk.console(Method::GET, &path, "acme", None).await.expect(200);
    assert_eq!(document.body["state"], "received");
    let jobs = desk.console(Method::GET, "/api/v1/jobs", "acme", None).await.expect(200);
    assert_eq!(jobs.body["items"], json!([]), "nothing has failed");

    desk.console(
        Method::PATCH,
        &format!("/api/v1/tenants/{}", tenant_id(&desk, "acme").await),
        "",
        Some(&json!({"suspended": false})),
    )
    .await
    .expect(200);
    assert_eq!(settled(&desk, &key, &resting).await["state"], "ready");
    desk.get(&visitor, &format!("/api/v1/conversations/{conversation}")).await.expect(200);
}

/// A desk whose `acme` knows about warranties.
async fn knowing() -> (Desk, Caller) {
    let (desk, owner) = Desk::set_up().await;
    for name in ["policies/warranty.docx", "how-to/descaling.md", "company/faq.html"] {
        let made = put(&desk, &owner, name, &demo(name)).await.expect(201).of("id");
        assert_eq!(settled(&desk, &owner, &made).await["state"], "ready");
    }
    (desk, owner)
}

async fn exported(desk: &Desk, caller: &Caller) -> Vec<u8> {
    let request = desk.request(caller, Method::GET, "/api/v1/workspace/export");
    let response = soon("the export begins", request.send()).await.unwrap();
    assert_eq!(response.status(), 200);
    let named = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(named.contains("acme-20") && named.ends_with(".frontdesk-workspace\""), "{named}");
    soon("the export ends", response.bytes()).await.unwrap().to_vec()
}

async fn imported(desk: &Desk, operator: &Caller, query: &str, file: Vec<u8>) -> Reply {
    let path = format!("/api/v1/tenants/import{query}");
    desk.send(desk.request(operator, Method::POST, &path).body(file)).await
}

/// Row C2.
#[tokio::test]
async fn a_workspace_carried_to_another_appliance_gives_the_same_answer_with_the_same_citations() {
    let (from, owner) = knowing().await;
    let greeting = json!({"greeting": "Welcome to what was carried"});
    from.send(from.request(&owner, Method::PATCH, "/api/v1/workspace").json(&greeting)).await.expect(200);
    operate(&from, &owner, "acme", &json!({"quotas": {"documents": 9}})).await.expect(200);
    let before = (answer(&from, "acme", QUESTION).await, found(&from, "acme", "warranty at home").await);
    assert_eq!(before.0["citations"].as_array().unwrap().is_empty(), false);
    let conversations =
        from.console(Method::GET, "/api/v1/conversations", "acme", None).await.expect(200).body;
    let file = exported(&from, &owner).await;

    let (to, operator) = Desk::set_up().await;
    let id = tenant_id(&to, "acme").await;
    let taken = imported(&to, &operator, "", file.clone()).await.expect(409);
    assert_eq!(taken.body["code"], "slug_taken");
    let arrived = imported(&to, &operator, "?slug=carried", file.clone()).await.expect(201).body;
    assert_eq!(arrived["slug"], "carried");
    assert_eq!(arrived["id"], tenant_id(&from, "acme").await.as_str(), "it keeps its id where that is free");
    assert_eq!(arrived["greeting"], "Welcome to what was carried");
    // Ada has an account on both.
    assert_eq!((&arrived["members"], &arrived["not_imported"]), (&json!(1), &json!([])));
    assert!(arrived["left_out"].as_array().unwrap().len() >= 4, "{arrived}");
    let after = (answer(&to, "carried", QUESTION).await, found(&to, "carried", "warranty at home").await);
    assert_eq!(after, before);
    let there = to.console(Method::GET, "/api/v1/conversations", "carried", None).await.expect(200).body;
    assert_eq!(
        there["items"].as_array().unwrap().len(),
        conversations["items"].as_array().unwrap().len() + 1
    );
    assert_eq!(usage(&to, "carried").await["documents"], json!({"used": 3, "limit": 9}));
    let trail = to.console(Method::GET, "/api/v1/documents", "carried", None).await.expect(200).body;
    assert_eq!(trail["items"].as_array().unwrap().len(), 3);
    // Here it is now: again only as a copy, with an id of its own.
    let again = imported(&to, &operator, "?slug=copy", file).await.expect(201).body;
    assert_ne!(again["id"], arrived["id"]);
    assert_eq!(found(&to, "copy", "warranty at home").await, before.1);
    assert_eq!(tenant_id(&to, "acme").await, id);
}

/// Row C2.
#[tokio::test]
async fn an_export_that_was_cut_off_or_altered_is_refused_and_leaves_nothing() {
    let (from, owner) = knowing().await;
    let file = exported(&from, &owner).await;
    let (to, operator) = Desk::set_up().await;
    let before = folders(&to);
    let mut altered = file.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let cut = file[..file.len() - 40].to_vec();
    for (bad, how) in [(altered, "altered"), (cut, "cut off"), (b"no archive".to_vec(), "something else")] {
        let refused = imported(&to, &operator, "?slug=bad", bad).await;
        assert!((400..500).contains(&refused.status), "{how}: {}", refused.text);
        assert_eq!(folders(&to), before, "{how}");
        to.console(Method::GET, "/api/v1/workspace", "bad", None).await.expect(404);
    }
    imported(&to, &operator, "?slug=good", file).await.expect(201);
}

const PLANTED: [&str; 5] = [
    "Quillfeather Instruments",
    "Ahoy from Quillfeather",
    "the quillnib is fastened with brass",
    "where is my quillorder",
    "quill-prices-2031",
];

/// A workspace `quill` that says the planted words wherever words can be said.
async fn planted(desk: &Desk) {
    let wish = json!({"name": PLANTED[0], "slug": "quill"});
    desk.console(Method::POST, "/api/v1/tenants", "", Some(&wish)).await.expect(201);
    let greeting = json!({"greeting": PLANTED[1]});
    desk.console(Method::PATCH, "/api/v1/workspace", "quill", Some(&greeting)).await.expect(200);
    let key = desk.key("quill", "admin").await;
    let name = format!("{}.txt", PLANTED[4]);
    let text = format!("About the pen: {}.\n", PLANTED[2]);
    let made = put(desk, &key, &name, text.as_bytes()).await.expect(201).of("id");
    assert_eq!(settled(desk, &key, &made).await["state"], "ready");
    let told = answer(desk, "quill", &format!("Hello, {}?", PLANTED[3])).await;
    assert!(told["text"].is_string());
}

/// Row C3.
#[tokio::test]
async fn of_an_erased_workspace_no_byte_of_its_texts_is_left_on_disk() {
    let (desk, owner) = knowing().await;
    planted(&desk).await;
    let data = desk.data_dir();
    let before: BTreeSet<_> = PLANTED.iter().filter(|text| !holding(&data, &[**text]).is_empty()).collect();
    assert_eq!(before.len(), PLANTED.len(), "each lies somewhere before: {before:?}");
    let id = tenant_id(&desk, "quill").await;
    let path = format!("/api/v1/tenants/{id}");
    let erase =
        |confirm: &str| desk.request(&owner, Method::DELETE, &path).json(&json!({"confirm": confirm}));
    let meant = desk.send(erase("acme")).await.expect(400);
    assert_eq!(meant.body["errors"][0]["pointer"], "/confirm");
    // Somebody is there when it goes.
    let visitor = desk.visitor("quill").await;
    let conversation = desk.conversation(&visitor).await;
    let socket = Socket::open(&desk, &visitor, &conversation, None).await;
    let proof = desk.send(erase("quill")).await.expect(200).body;
    assert_eq!(socket.closed().await.0, 1013);
    assert_eq!((&proof["tenant"], &proof["slug"]), (&json!(id), &json!("quill")));
    assert!(proof["erased_at"].is_string());
    for counted in ["files", "bytes", "rows"] {
        assert!(proof[counted].as_u64().unwrap() > 3, "{counted}: {proof}");
    }
    assert_eq!(holding(&data, &PLANTED), Vec::<String>::new());
    assert!(!folders(&desk).contains(&id));
    // Its visitor brings nothing back, and nobody finds it.
    desk.get(&visitor, &format!("/api/v1/conversations/{conversation}")).await.expect(404);
    desk.post(&Caller::Nobody, "/api/v1/widget/quill/visitors", &json!({})).await.expect(404);
    desk.get(&owner, &path).await.expect(404);
    assert!(!folders(&desk).contains(&id));
    let kept = desk.get(&owner, &format!("{path}/erasure")).await.expect(200).body;
    assert_eq!((&kept["erased_at"], &kept["slug"]), (&proof["erased_at"], &Value::Null));
    // The other workspace has lost nothing.
    assert!(!answer(&desk, "acme", QUESTION).await["citations"].as_array().unwrap().is_empty());
}

/// Row C3.
#[tokio::test]
async fn an_erasure_that_is_cut_off_by_a_crash_is_finished_by_the_next_start() {
    let (mut desk, owner) = Desk::set_up().await;
    planted(&desk).await;
    let id = tenant_id(&desk, "quill").await;
    let path = format!("/api/v1/tenants/{id}");
    let request = desk.request(&owner, Method::DELETE, &path).json(&json!({"confirm": "quill"}));
    let asked = tokio::spawn(request.send());
    // As soon as it is asked for, it is promised.
    let promised = async {
        let mut looks = tokio::time::interval(LOOK_EVERY / 20);
        while desk.get(&owner, &format!("{path}/erasure")).await.status == 404 {
            looks.tick().await;
        }
    };
    soon("the erasure is promised", promised).await;
    desk.kill().await;
    drop(asked);
    desk.start_again().await;
    let done = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            let proof = desk.get(&owner, &format!("{path}/erasure")).await.expect(200).body;
            if proof["erased_at"].is_string() {
                return proof;
            }
        }
    };
    let proof = soon("the erasure is finished", done).await;
    assert!(proof["rows"].as_u64().unwrap() > 3, "{proof}");
    assert_eq!(holding(&desk.data_dir(), &PLANTED), Vec::<String>::new());
    assert!(!folders(&desk).contains(&id));
}

/// Row C3.
#[tokio::test]
async fn an_owner_erases_the_own_workspace_only_with_the_password() {
    let (desk, owner) = Desk::set_up().await;
    let erase = |body: Value| desk.request(&owner, Method::DELETE, "/api/v1/workspace").json(&body);
    for wrong in [json!({"confirm": "acme"}), json!({"confirm": "acme", "password": "not this one at all"})] {
        let refused = desk.send(erase(wrong)).await.expect(403);
        assert_eq!(refused.body["code"], "password_wrong");
    }
    desk.send(erase(json!({"confirm": "acne", "password": PASSWORD}))).await.expect(400);
    let proof = desk.send(erase(json!({"confirm": "acme", "password": PASSWORD}))).await.expect(200).body;
    assert_eq!(proof["slug"], "acme");
    // The operator stays, without a workspace.
    let me = desk.get(&owner, "/api/v1/me").await.expect(200).body;
    assert_eq!(me["workspaces"], json!([]));
}

/// Rows C2, C3, C4.
#[tokio::test]
async fn the_commands_do_all_of_it_with_the_appliance_running_and_stopped() {
    let (mut desk, owner) = Desk::set_up().await;
    let made = put(&desk, &owner, "a.txt", b"Something about pumps and valves.").await.expect(201).of("id");
    settled(&desk, &owner, &made).await;
    let data = desk.data_dir().display().to_string();
    let home = desk.home().to_path_buf();
    let command = |arguments: &[&str]| {
        let mut all = vec!["--data-dir", data.as_str(), "tenant"];
        all.extend(arguments);
        let (all, home) = (all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(), home.clone());
        async move {
            let all: Vec<_> = all.iter().map(String::as_str).collect();
            let output = run(&home, &all).await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.code(), text, said(&output))
        }
    };
    let (code, text, error) = command(&["quota", "acme", "--documents", "7", "--json"]).await;
    assert_eq!(code, Some(0), "{error}");
    let set: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(set["quotas"]["documents"], 7);
    let (code, text, _) = command(&["suspend", "acme"]).await;
    assert!(code == Some(0) && text.contains("tenant resume acme"), "{text}");
    let (_, text, _) = command(&["list"]).await;
    assert!(text.contains("suspended"), "{text}");
    // A suspended workspace can be taken out.
    let (code, text, error) = command(&["export", "acme", "acme.frontdesk-workspace"]).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains("It does not hold:") && text.contains("ai key set"), "{text}");
    assert_eq!(
        command(&["export", "acme", "acme.frontdesk-workspace"]).await.0,
        Some(1),
        "never over a file"
    );
    desk.stop().await;
    let (code, text, error) =
        command(&["import", "acme.frontdesk-workspace", "--slug", "second", "--json"]).await;
    assert_eq!(code, Some(0), "{error}");
    let taken: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&taken["slug"], &taken["suspended"]), (&json!("second"), &json!(false)));
    let (code, text, _) = command(&["show", "second", "--json"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["documents"], 1);
    let (code, _, error) = command(&["erase", "second", "--confirm", "acme"]).await;
    assert!(code == Some(1) && error.contains("short name"), "{error}");
    let (code, text, error) = command(&["erase", "second", "--confirm", "second", "--json"]).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(serde_json::from_str::<Value>(&text).unwrap()["erased_at"].is_string(), "{text}");
    let (code, text, _) = command(&["list", "--json"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().len(), 1);
    let (code, text, _) = command(&["resume", "acme", "--json"]).await;
    assert_eq!(
        (code, serde_json::from_str::<Value>(&text).unwrap()["suspended"].clone()),
        (Some(0), json!(false))
    );
    assert_eq!(command(&["show", "nobody"]).await.0, Some(1));
    assert_eq!(command(&["quota", "acme", "--members", "many"]).await.0, Some(2));
}
