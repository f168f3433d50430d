//! Looks at the appliance from outside and compares with what was acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::Method;
use serde_json::{Value, json};

use super::appliance::{Ask, Console, until};
use super::desk::{Desk, Talk, WORKSPACE};

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The documents by name.
pub(crate) async fn documents(console: &Console) -> Option<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/documents?limit=100{cursor}");
        let asked = Ask { workspace: Some(WORKSPACE), ..Ask::default() };
        let page = console.tell(Method::GET, &path, asked).await?;
        for document in page["items"].as_array().unwrap() {
            let twice = found.insert(text(document, "name").to_owned(), document.clone());
            assert!(twice.is_none(), "two documents of one name: {document}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Some(found),
        }
    }
}

/// The messages of a conversation in order.
pub(crate) async fn messages(console: &Console, talk: &Talk) -> Option<Vec<Value>> {
    let mut found: Vec<Value> = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/api/v1/conversations/{}/messages?limit=100&after_seq={after}", talk.id);
        let asked = Ask { token: Some(&talk.token), ..Ask::default() };
        let page = console.tell(Method::GET, &path, asked).await?;
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_after_seq"].as_u64() {
            Some(next) => after = next,
            None => return Some(found),
        }
    }
}

/// Everything acknowledged is there as it was acknowledged, and nothing is there twice. Holds at any moment.
pub(crate) async fn check_nothing_lost(console: &Console, desk: &Desk) {
    let documents = documents(console).await.unwrap();
    for (name, upload) in &desk.documents {
        if upload.acknowledged {
            assert!(documents.contains_key(name), "the acknowledged document {name} is lost");
        }
    }
    let unknown: Vec<_> = documents.keys().filter(|name| !desk.documents.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "documents that nobody sent: {unknown:?}");
    for talk in &desk.talks {
        check_talk(&messages(console, talk).await.unwrap(), talk);
    }
}

fn check_talk(messages: &[Value], talk: &Talk) {
    let seqs: Vec<_> = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{}: {seqs:?}", talk.id);
    let mut asked: HashMap<&str, &Value> = HashMap::new();
    let mut replies = BTreeSet::new();
    for message in messages {
        match text(message, "author") {
            "visitor" => {
                let twice = asked.insert(text(message, "text"), message);
                assert!(twice.is_none(), "a question is there twice: {message}");
            }
            "assistant" => {
                let question = text(message, "reply_to");
                assert!(replies.insert(question), "a question was answered twice: {message}");
                assert!(messages.iter().any(|other| text(other, "id") == question), "{message}");
            }
            _ => panic!("a message of nobody here: {message}"),
        }
    }
    for question in &talk.questions {
        let Some((id, seq)) = &question.acknowledged else { continue };
        let Some(message) = asked.get(question.text.as_str()) else {
            panic!("the acknowledged question {id} is lost: {}", question.text)
        };
        assert_eq!((text(message, "id"), message["seq"].as_u64()), (id.as_str(), Some(*seq)));
    }
}

/// Waits until everything has been read and answered, then checks that it was done once and completely.
pub(crate) async fn check_finished(console: &Console, desk: &Desk) {
    assert!(desk.all_acknowledged());
    until("every document is read", async || {
        let documents = documents(console).await.unwrap();
        for document in documents.values() {
            assert_ne!(text(document, "state"), "failed", "{document}");
        }
        documents.values().all(|document| text(document, "state") == "ready").then_some(())
    })
    .await;
    for talk in &desk.talks {
        let count = talk.questions.len() * 2;
        until("every question is answered", async || {
            (messages(console, talk).await.unwrap().len() >= count).then_some(())
        })
        .await;
    }
    check_nothing_lost(console, desk).await;
    for talk in &desk.talks {
        assert_eq!(messages(console, talk).await.unwrap().len(), talk.questions.len() * 2);
    }
    let documents = documents(console).await.unwrap();
    assert_eq!(documents.len(), desk.documents.len());
    for (name, upload) in &desk.documents {
        check_document(console, &documents[name], &upload.marker, &upload.bytes).await;
    }
    let path = "/api/v1/jobs?state=dead";
    let asked = Ask { workspace: Some(WORKSPACE), ..Ask::default() };
    let dead = console.tell(Method::GET, path, asked).await.unwrap();
    assert_eq!(dead["items"], json!([]));
}

/// Its bytes are the last ones acknowledged, and each passage of them is found once and none of older ones.
async fn check_document(console: &Console, document: &Value, marker: &str, bytes: &[u8]) {
    let path = format!("/api/v1/documents/{}/content", text(document, "id"));
    let asked = Ask { workspace: Some(WORKSPACE), ..Ask::default() };
    let content = console.ask(Method::GET, &path, asked).await.unwrap();
    assert_eq!(content.body, bytes, "{document}");
    let wanted = json!({ "query": marker, "limit": 50, "strategy": "keyword" });
    let asked = Ask { workspace: Some(WORKSPACE), json: Some(wanted), ..Ask::default() };
    let found = console.tell(Method::POST, "/api/v1/search", asked).await.unwrap();
    let ours: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|passage| text(passage, "document") == text(document, "id"))
        .collect();
    for passage in &ours {
        assert!(text(passage, "text").contains(marker), "a passage of older bytes: {passage}");
    }
    let distinct: BTreeSet<_> = ours.iter().map(|passage| text(passage, "text")).collect();
    assert_eq!(distinct.len(), ours.len(), "a passage is found twice: {document}");
    assert_eq!(ours.len() as u64, document["chunks"].as_u64().unwrap(), "{document}");
}
