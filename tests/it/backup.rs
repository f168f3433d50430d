//! Backups of the running appliance, and the ways back.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, run, said};
use super::files;
use super::socket::{Socket, is_answer};
use super::soon;

const BACKUPS: &str = "/api/v1/appliance/backups";
const SENDERS: usize = 64;
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// An appliance whose workspace holds a document of the demo.
async fn taught() -> (Desk, Caller) {
    let (desk, owner) = Desk::set_up().await;
    let name = "policies/returns-and-refunds.docx";
    let document = files::put(&desk, &owner, name, &files::demo(name)).await.expect(201);
    assert_eq!(files::settled(&desk, &owner, &document.of("id")).await["state"], "ready");
    (desk, owner)
}

/// Has a backup made and waits for it.
async fn made(desk: &Desk, operator: &Caller) -> Value {
    let asked = desk.send(desk.request(operator, reqwest::Method::POST, BACKUPS)).await.expect(202);
    let name = asked.of("name");
    let mut looks = tokio::time::interval(LOOK_EVERY);
    soon("the backup is made", async {
        loop {
            looks.tick().await;
            let list = desk.get(operator, BACKUPS).await.expect(200).body;
            let items = list["items"].as_array().unwrap();
            if let (true, Some(found)) =
                (list["running"].is_null(), items.iter().find(|one| one["name"] == name.as_str()))
            {
                return found.clone();
            }
        }
    })
    .await
}

/// The answer to a question, with at least one citation that opens.
async fn asks(desk: &Desk) {
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    socket.say("q", "How long do I have to send back a machine if I change my mind?").await;
    let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
    assert!(answer["text"].as_str().unwrap().contains("30 days"), "{answer}");
    let citation = &answer["answer"]["citations"][0];
    let message = answer["id"].as_str().unwrap();
    let path = format!("/api/v1/conversations/{id}/messages/{message}/citations/{}", citation["number"]);
    assert_eq!(desk.get(&visitor, &path).await.expect(200).body["document"], citation["document"]);
}

async fn ids(desk: &Desk, key: &Caller, conversation: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut after = 0;
    loop {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=100&after_seq={after}");
        let page = desk.get(key, &path).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page["next_after_seq"].as_u64() {
            Some(next) => after = next,
            None => return found,
        }
    }
}

/// Posts until told to stop, all senders at once; the ids of what was acknowledged.
async fn posts(desk: &Desk, key: &Caller, conversation: &str, stop: &AtomicBool) -> BTreeSet<String> {
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let sender = |number: usize| {
        let path = path.clone();
        async move {
            let mut acknowledged = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let text = format!("{number} says {}", acknowledged.len());
                acknowledged.push(desk.post(key, &path, &json!({ "text": text })).await.expect(201).of("id"));
            }
            acknowledged
        }
    };
    futures_util::future::join_all((0..SENDERS).map(sender)).await.into_iter().flatten().collect()
}

/// Rows Q1, Q2.
#[tokio::test]
async fn a_backup_made_while_64_senders_post_brings_back_every_message_acknowledged_before_and_answers() {
    let (mut desk, owner) = taught().await;
    let key = desk.key("acme", "agent").await;
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let stop = Arc::new(AtomicBool::new(true));
    let before: BTreeSet<_> = {
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let mut ids = BTreeSet::new();
        for number in 0..50 {
            ids.insert(
                desk.post(&key, &path, &json!({ "text": number.to_string() })).await.expect(201).of("id"),
            );
        }
        ids
    };
    stop.store(false, Ordering::SeqCst);
    let making = async {
        let backup = made(&desk, &owner).await;
        stop.store(true, Ordering::SeqCst);
        backup
    };
    let (after, backup) = tokio::join!(posts(&desk, &key, &conversation, &stop), making);
    assert!(backup["verified_at"].is_string() && backup["problem"].is_null(), "{backup}");
    assert!(after.len() >= SENDERS, "the senders went on posting");

    let name = backup["name"].as_str().unwrap();
    let path = format!("{BACKUPS}/{name}");
    let bytes =
        desk.request(&owner, reqwest::Method::GET, &path).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.len() as u64, backup["bytes"].as_u64().unwrap());
    let file = desk.home().join("taken.frontdesk-backup");
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(desk.stop().await, Some(0));

    let data = desk.data_dir();
    let arguments = ["restore", file.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    let refused = run(desk.home(), &arguments).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("--force"), "{}", said(&refused));
    let forced = run(desk.home(), &[&arguments[..], &["--force"]].concat()).await;
    assert!(forced.status.success(), "{}", said(&forced));
    let aside =
        std::fs::read_dir(desk.home()).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
    assert!(aside.into_iter().any(|name| name.starts_with("data.before-restore-")));

    desk.start_again().await;
    let there = ids(&desk, &key, &conversation).await;
    assert!(
        there.is_superset(&before),
        "{} of {} are there",
        there.intersection(&before).count(),
        before.len()
    );
    let invented: Vec<_> = there.difference(&before).filter(|id| !after.contains(*id)).collect();
    assert!(invented.is_empty(), "{invented:?}");
    asks(&desk).await;
}

async fn verify(home: &Path, file: &Path, more: &[&str]) -> (bool, String) {
    let output = run(home, &[&["backup", "verify", file.to_str().unwrap()], more].concat()).await;
    (output.status.success(), said(&output) + &String::from_utf8_lossy(&output.stdout))
}

/// Rows Q1, Q2.
#[tokio::test]
async fn the_command_makes_one_encrypted_file_that_only_its_passphrase_opens_and_that_nobody_can_alter() {
    let (mut desk, owner) = taught().await;
    let (home, data) = (desk.home().to_path_buf(), desk.data_dir());
    std::fs::write(home.join("right"), "correct horse\n").unwrap();
    std::fs::write(home.join("wrong"), "battery\n").unwrap();
    let directory = ["--data-dir", data.to_str().unwrap()];
    let output = run(
        &home,
        &[&["backup", "one.frontdesk-backup", "--passphrase-file", "right", "--json"], &directory[..]]
            .concat(),
    )
    .await;
    assert!(output.status.success(), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["encrypted"], true);
    let file = home.join("one.frontdesk-backup");
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));
    assert_eq!(desk.get(&owner, BACKUPS).await.expect(200).body["items"], json!([]), "none is left behind");

    let (good, told) = verify(&home, &file, &["--passphrase-file", "right"]).await;
    assert!(good && told.contains("is good"), "{told}");
    let (good, told) = verify(&home, &file, &["--passphrase-file", "wrong"]).await;
    assert!(!good && told.contains("does not open"), "{told}");
    let (good, told) = verify(&home, &file, &[]).await;
    assert!(!good && told.contains("--passphrase-file"), "{told}");
    let mut altered = bytes.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for (broken, what) in [(altered, "differs at byte"), (bytes[..middle].to_vec(), "at byte")] {
        std::fs::write(home.join("broken"), broken).unwrap();
        let (good, told) = verify(&home, &home.join("broken"), &["--passphrase-file", "right"]).await;
        assert!(!good && told.contains(what), "{told}");
    }

    // The same with nobody running, in the open; and into an empty place.
    assert_eq!(desk.stop().await, Some(0));
    let output = run(&home, &[&["backup", "two.frontdesk-backup"], &directory[..]].concat()).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("not encrypted"), "{}", said(&output));
    let output = run(&home, &["restore", "two.frontdesk-backup", "--data-dir", "elsewhere", "--json"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["contents"]["keyspaces"], 2);
    assert!(home.join("elsewhere/configuration/appliance.toml").exists());
    let output = run(&home, &["rollback", "--data-dir", "elsewhere"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("nothing to go back to"), "{}", said(&output));
}

/// Rows Q1, Q2.
#[tokio::test]
async fn what_is_done_with_backups_is_in_the_list_and_a_name_that_leads_elsewhere_is_not_found() {
    let (desk, owner) = Desk::set_up().await;
    let backup = made(&desk, &owner).await;
    let name = backup["name"].as_str().unwrap();
    let output = run(desk.home(), &["backup", "list", "--data-dir", desk.data_dir().to_str().unwrap()]).await;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listed.contains(name) && listed.contains("good"), "{listed}");
    for other in ["..%2Fsystem.redb", "x.frontdesk-backup"] {
        desk.get(&owner, &format!("{BACKUPS}/{other}")).await.expect(404);
        desk.delete(&owner, &format!("{BACKUPS}/{other}")).await.expect(404);
    }
    desk.delete(&owner, &format!("{BACKUPS}/{name}")).await.expect(204);
    assert_eq!(desk.get(&owner, BACKUPS).await.expect(200).body["items"], json!([]));
}
