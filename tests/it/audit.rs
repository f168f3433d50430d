//! The audit trail: who did what is written down, can be read, taken out and verified.

use reqwest::Method;
use serde_json::{Value, json};

use super::desk::{Desk, run, said};
use super::files;

fn actions(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

/// Runs `frontdesk audit` beside the running appliance; its exit code, what it printed and what it said.
async fn audit(desk: &Desk, arguments: &[&str]) -> (i32, String, String) {
    let data_dir = desk.data_dir();
    let place = ["--data-dir", data_dir.to_str().unwrap()];
    let arguments: Vec<&str> = ["audit"].iter().chain(arguments).chain(&place).copied().collect();
    let output = run(desk.home(), &arguments).await;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap(), printed, said(&output))
}

/// Row B7.
#[tokio::test]
async fn what_was_done_is_told_to_its_workspace_and_verified_by_a_command() {
    let (desk, owner) = Desk::set_up().await;
    let other = json!({"name": "Other", "slug": "other"});
    desk.console(Method::POST, "/api/v1/tenants", "", Some(&other)).await.expect(201);
    let foreign = desk.key("other", "admin").await;
    let agent = desk.member("acme", "agent@example.com", "agent").await;
    let document = files::put(&desk, &owner, "a.txt", b"Some words.").await.expect(201).of("id");
    files::settled(&desk, &owner, &document).await;
    desk.delete(&owner, &format!("/api/v1/documents/{document}")).await.expect(204);
    let budget = json!({"at_limit": "hand_over"});
    desk.send(desk.request(&owner, Method::PUT, "/api/v1/budget").json(&budget)).await.expect(200);
    let name = json!({"name": "Acme & Sons"});
    desk.send(desk.request(&owner, Method::PATCH, "/api/v1/workspace").json(&name)).await.expect(200);
    let key = json!({"name": "CI", "permissions": ["read_workspace"]});
    let key = desk.post(&owner, "/api/v1/api-keys", &key).await.expect(201);
    let key = key.body["key"]["id"].as_str().unwrap();
    desk.delete(&owner, &format!("/api/v1/api-keys/{key}")).await.expect(204);

    let told = desk.get(&owner, "/api/v1/audit").await.expect(200);
    let newest: Vec<_> = actions(&told.body).into_iter().take(7).collect();
    assert_eq!(
        newest,
        [
            "api_key.revoked",
            "api_key.created",
            "workspace.changed",
            "budget.changed",
            "document.deleted",
            "member.joined",
            "member.invited"
        ]
    );
    let deleted = &told.body["items"][4];
    assert_eq!((&deleted["trail"], &deleted["subject"]), (&json!("workspace"), &json!(document)));
    assert_eq!((&deleted["actor"]["name"], &deleted["details"]["name"]), (&json!("Ada"), &json!("a.txt")));
    assert_eq!(deleted["address"], "127.0.0.1");
    assert!(!told.text.contains("Some words") && !told.text.contains("fdk_"), "{}", told.text);
    let filtered = desk.get(&owner, "/api/v1/audit?action=document.deleted&limit=1").await.expect(200);
    assert_eq!(actions(&filtered.body), ["document.deleted"]);
    desk.get(&owner, "/api/v1/audit?action=never.heard").await.expect(400);
    desk.get(&agent, "/api/v1/audit").await.expect(403);
    let theirs = desk.get(&foreign, "/api/v1/audit").await.expect(200);
    assert_eq!(actions(&theirs.body), ["api_key.created", "workspace.created"]);
    assert!(!theirs.text.contains("Ada") && !theirs.text.contains(&document), "{}", theirs.text);
    desk.get(&foreign, "/api/v1/appliance/audit").await.expect(403);
    let all = desk.get(&owner, "/api/v1/appliance/audit?limit=100").await.expect(200);
    assert!(actions(&all.body).contains(&"workspace.created") && !all.text.contains("document.deleted"));

    let (code, printed, _) = audit(&desk, &["verify"]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(
        ["The appliance: ", "The workspace acme: ", "The workspace other: "]
            .iter()
            .all(|whose| printed.contains(whose)),
        "{printed}"
    );
    let (_, printed, _) = audit(&desk, &["list", "--workspace", "acme", "--limit", "1"]).await;
    assert!(printed.contains("Ada") && printed.contains("api_key.revoked"), "{printed}");

    let file = desk.home().join("trail.ndjson");
    let path = file.to_str().unwrap();
    let (code, _, said) = audit(&desk, &["export", path, "--workspace", "acme"]).await;
    assert_eq!(code, 0, "{said}");
    let (code, printed, said) = audit(&desk, &["verify", path]).await;
    assert_eq!(code, 0, "{said}");
    assert!(printed.contains("whole"), "{printed}");
    let exported = std::fs::read_to_string(&file).unwrap();
    let forged = exported.replacen("hand_over", "hand_down", 1);
    assert_ne!(forged, exported);
    std::fs::write(&file, forged).unwrap();
    let (code, _, said) = audit(&desk, &["verify", path]).await;
    assert!(code == 1 && said.contains("line 2") && said.contains("entry 2 was changed"), "{code} {said}");
    let sent = desk.get(&owner, "/api/v1/audit/export").await.expect(200);
    assert_eq!(sent.headers["content-type"], "application/x-ndjson");
    assert_eq!(sent.text.lines().filter(|line| line.starts_with("{\"end\"")).count(), 2);
    let newest = desk.get(&owner, "/api/v1/audit?limit=1").await.expect(200);
    assert_eq!(actions(&newest.body), ["audit.exported"]);
}

/// Row B7.
#[tokio::test]
async fn a_row_that_was_changed_behind_the_appliances_back_is_named_by_the_command() {
    let (mut desk, owner) = Desk::set_up().await;
    for name in ["One", "Two", "Three"] {
        let change = json!({"name": name});
        desk.send(desk.request(&owner, Method::PATCH, "/api/v1/workspace").json(&change)).await.expect(200);
    }
    desk.stop().await;
    let definition = redb::TableDefinition::<&[u8], &[u8]>::new("identity.audit");
    let database = redb::Database::open(desk.data_dir().join("system.redb")).unwrap();
    let change = database.begin_write().unwrap();
    let sequence = {
        use redb::ReadableTable as _;
        let mut table = change.open_table(definition).unwrap();
        let (key, mut row) = {
            let (key, row) = table.last().unwrap().unwrap();
            (key.value().to_vec(), row.value().to_vec())
        };
        let at = row.windows(7).position(|part| part == b"changed").unwrap();
        row[at..at + 7].copy_from_slice(b"created");
        table.insert(key.as_slice(), row.as_slice()).unwrap();
        u64::from_be_bytes(key.try_into().unwrap())
    };
    change.commit().unwrap();
    drop(database);
    let (code, printed, said) = audit(&desk, &["verify"]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(said.contains(&format!("The appliance: entry {sequence} was changed")), "{said}");
    let (code, printed, _) = audit(&desk, &["verify", "--json"]).await;
    let found: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &found["trails"][0]["broken"]["sequence"]), (1, &json!(sequence)));
    assert_eq!(found["trails"][1]["broken"], Value::Null);
}
