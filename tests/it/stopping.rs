//! Stopping and being killed: what was acknowledged is there, and every question gets exactly one answer.

use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::Desk;
use super::events::Events;
use super::model::Model;
use super::socket::{Socket, is_answer};

/// Waits until every visitor's message of a conversation is answered, and returns all messages.
async fn answered(desk: &Desk, visitor: &Caller, id: &str, questions: usize) -> Vec<Value> {
    let mut socket = Socket::open(desk, visitor, id, Some(0)).await;
    let mut messages = Vec::new();
    while messages.iter().filter(|frame| is_answer(frame)).count() < questions {
        let frame = socket.next().await;
        if frame["type"] == "chat_message" {
            messages.push(frame);
        }
    }
    messages
}

/// Every question is there once and has one answer, and nothing is left to do.
async fn each_has_one_answer(desk: &Desk, visitor: &Caller, id: &str, questions: &[&str]) {
    answered(desk, visitor, id, questions.len()).await;
    let waiting = desk.console(Method::GET, "/api/v1/jobs?state=waiting", "acme", None).await.expect(200);
    assert!(!waiting.text.contains("assistant"), "{}", waiting.text);
    let messages = desk.get(visitor, &format!("/api/v1/conversations/{id}/messages")).await.expect(200).body;
    let messages = messages["items"].as_array().unwrap();
    let of = |author: &str| messages.iter().filter(|message| message["author"] == author).collect::<Vec<_>>();
    let asked: Vec<_> = of("visitor").iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(asked, questions);
    for question in of("visitor") {
        let replies = messages.iter().filter(|message| message["reply_to"] == question["id"]).count();
        assert_eq!(replies, 1, "{messages:?}");
    }
    assert_eq!(messages.len(), questions.len() * 2);
    let seqs: Vec<_> = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=messages.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_acknowledged_just_before_the_stop_is_there_afterwards_and_gets_one_answer() {
    let (mut desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let questions = ["One?", "Two?", "Three?", "Four?"];
    for text in questions {
        desk.post(&visitor, &path, &json!({"text": text})).await.expect(201);
    }
    assert_eq!(desk.stop().await, Some(0), "{}", desk.log());
    assert!(!desk.data_dir().join("control.sock").exists());
    desk.start_again().await;
    each_has_one_answer(&desk, &visitor, &id, &questions).await;
}

#[tokio::test]
async fn who_is_connected_is_told_that_the_server_goes_away() {
    let (mut desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.next().await;
    let mut events = Events::open(&desk, &visitor, &id, None).await;
    events.until("connected").await;
    desk.terminate().await;
    assert_eq!(socket.closed().await, (1001, "server_stopping".to_owned()));
    while events.next().await.is_some() {}
    assert_eq!(desk.stopped().await, Some(0));
}

#[tokio::test]
async fn a_question_whose_answer_was_streaming_at_kill_9_gets_exactly_one_answer_after_the_restart() {
    let model = Model::start().await;
    let (mut desk, owner) = Desk::set_up_with(&[], &model.settings()).await;
    model.teach(&desk, &owner).await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    socket.until(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing").await;
    desk.kill().await;
    drop(socket);
    model.go_on();
    desk.start_again().await;
    each_has_one_answer(&desk, &visitor, &id, &[Model::QUESTION]).await;
    let document = desk.get(&owner, "/api/v1/documents").await.expect(200).body;
    assert_eq!(document["items"][0]["state"], "ready");
    // The same frame, sent again because the ack may have been lost, is the same message.
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    let frames = socket.until(|frame| frame["type"] == "ack").await;
    assert_eq!(frames.last().unwrap()["seq"], 1);
}

#[tokio::test]
async fn documents_received_before_kill_9_are_read_after_the_restart_and_are_there_once() {
    let (mut desk, owner) = Desk::set_up().await;
    let names = ["how-to/descaling.md", "company/faq.html", "policies/warranty.docx"];
    let mut ids = Vec::new();
    for name in names {
        let received = super::files::put(&desk, &owner, name, &super::files::demo(name)).await.expect(201);
        ids.push(received.of("id"));
    }
    desk.kill().await;
    desk.start_again().await;
    for id in &ids {
        assert_eq!(super::files::settled(&desk, &owner, id).await["state"], "ready");
    }
    let listed = desk.get(&owner, "/api/v1/documents").await.expect(200).body;
    assert_eq!(listed["items"].as_array().unwrap().len(), names.len());
    let query = json!({"query": "How do I descale the machine?", "limit": 50});
    let found = desk.post(&owner, "/api/v1/search", &query).await.expect(200).body;
    let mut texts: Vec<_> =
        found["results"].as_array().unwrap().iter().map(|one| one["text"].to_string()).collect();
    let all = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all, "a passage is there twice");
}
