//! The model that runs inside the appliance: a file in the data directory, real engine, no server and no network.

use std::path::Path;

use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, run, said};
use super::files;
use super::gguf::Made;
use super::model::Model;
use super::socket::{Socket, is_answer};
use super::soon;

const CITED: &str = "The pump is sealed with a rubber ring, which lasts ten years [1].";
const INVENTED: &str = "Every pump comes from Norway and glows at night for 77 hours [1].";
const UNCITED: &str = "The pump is sealed with a rubber ring that lasts long.";

/// An appliance in whose data directory a model lies that says `text`.
async fn desk(text: &'static str) -> (Desk, Caller) {
    let (mut desk, owner) = Desk::set_up().await;
    assert_eq!(desk.stop().await, Some(0));
    let folder = desk.data_dir().join("models");
    std::fs::create_dir(&folder).unwrap();
    Made::saying(text).write(&folder.join("small.gguf"));
    desk.start_again().await;
    let document = files::put(&desk, &owner, "pump.md", Model::DOCUMENT.as_bytes()).await.expect(201);
    assert_eq!(files::settled(&desk, &owner, &document.of("id")).await["state"], "ready");
    (desk, owner)
}

async fn ask(desk: &Desk) -> Vec<Value> {
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    socket.until(is_answer).await
}

fn answer(frames: &[Value]) -> &Value {
    &frames.last().unwrap()["payload"]
}

#[tokio::test]
async fn a_file_in_the_data_directory_answers_with_citations_and_costs_nothing() {
    let (desk, owner) = desk(CITED).await;
    let frames = ask(&desk).await;
    let message = answer(&frames);
    assert_eq!(message["text"], CITED, "{message}");
    let about = &message["answer"];
    assert_eq!((&about["provider"], &about["model"]), (&json!("local"), &json!("small")), "{about}");
    assert_eq!(
        (&about["declined"], &about["quoted"], &about["cost_micros"]),
        (&json!(false), &json!(false), &json!(0))
    );
    assert_eq!(about["citations"][0]["name"], "pump.md");
    let written =
        frames.iter().filter(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing");
    assert!(written.count() > 1, "it is shown as it grows");
    let usage = desk.get(&owner, "/api/v1/usage").await.expect(200);
    assert!(usage.text.contains("small"), "what it read and wrote is in the books: {}", usage.text);
}

#[tokio::test]
async fn what_it_invents_or_does_not_cite_is_withheld_and_the_documents_are_quoted() {
    for text in [INVENTED, UNCITED] {
        let (desk, _) = desk(text).await;
        let frames = ask(&desk).await;
        let message = answer(&frames);
        assert_eq!(message["answer"]["provider"], "extractive", "{text}: {message}");
        assert_eq!(message["answer"]["quoted"], true);
        assert!(message["text"].as_str().unwrap().contains("sealed with a rubber ring"), "{message}");
        assert!(!message["text"].as_str().unwrap().contains("Norway"));
        assert!(message["answer"]["note"].is_string(), "it says why");
    }
}

#[tokio::test]
async fn visitors_who_wait_see_how_many_are_before_them() {
    let (desk, _) = desk("").await;
    let mut sockets = Vec::new();
    for place in 0..2 {
        let visitor = desk.visitor("acme").await;
        let id = desk.conversation(&visitor).await;
        let mut socket = Socket::open(&desk, &visitor, &id, None).await;
        socket.say("q", Model::QUESTION).await;
        if place == 0 {
            socket.until(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing").await;
        }
        sockets.push(socket);
    }
    let mut second = sockets.pop().unwrap();
    let waiting = second.until(|frame| frame["payload"]["stage"] == "waiting").await;
    assert_eq!(waiting.last().unwrap()["payload"]["before"], 1);
    let first = sockets.pop().unwrap().until(is_answer).await;
    assert_eq!(answer(&first)["answer"]["provider"], "extractive", "a model that babbles is not believed");
    assert_eq!(answer(&second.until(is_answer).await)["answer"]["provider"], "extractive");
}

#[tokio::test]
async fn an_answer_is_called_off_when_its_visitor_has_left_and_the_next_has_their_turn() {
    let (mut desk, owner) = desk("").await;
    assert_eq!(desk.stop().await, Some(0));
    desk.set("assistant.left_after_s=0");
    desk.start_again().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    socket.until(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing").await;
    drop(socket);
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    let answered = async {
        loop {
            let page = desk.get(&owner, &format!("/api/v1/conversations/{id}/messages")).await.expect(200);
            if let Some(answer) = page.body["items"].get(1) {
                return answer.clone();
            }
            looks.tick().await;
        }
    };
    let answer = soon("the question is answered all the same", answered).await;
    assert_eq!(answer["answer"]["provider"], "extractive", "{answer}");
    assert!(answer["answer"]["note"].as_str().unwrap().contains("had left"), "{answer}");
}

#[tokio::test]
async fn a_broken_file_neither_stops_the_appliance_nor_an_answer() {
    let (mut desk, _) = desk(CITED).await;
    assert_eq!(desk.stop().await, Some(0));
    let file = desk.data_dir().join("models/small.gguf");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 60_000]).unwrap();
    desk.start_again().await;
    assert_eq!(answer(&ask(&desk).await)["answer"]["provider"], "extractive");
    assert_eq!(desk.stop().await, Some(0));
    std::fs::write(&file, b"not a model").unwrap();
    desk.start_again().await;
    assert_eq!(answer(&ask(&desk).await)["answer"]["provider"], "extractive");
    assert!(desk.log().contains("it is not a GGUF file"), "{}", desk.log());
}

async fn model(home: &Path, arguments: &[&str]) -> (bool, String) {
    let all = [&["--set", "store.data_dir=data", "model"], arguments].concat();
    let output = run(home, &all).await;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), said(&output));
    (output.status.success(), text)
}

#[tokio::test]
async fn models_are_added_shown_checked_and_removed_by_command() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    Made::saying(CITED).write(&home.join("small.gguf"));
    Made { template: None, ..Made::saying(CITED) }.write(&home.join("base.gguf"));
    let (added, text) = model(home, &["add", "small.gguf"]).await;
    assert!(added && text.contains("apache-2.0") && text.contains("It loads and writes."), "{text}");
    let (refused, text) = model(home, &["add", "base.gguf"]).await;
    assert!(!refused && text.contains("chat template"), "{text}");
    let (_, text) = model(home, &["list", "--json"]).await;
    let listed: Value = serde_json::from_str(&text).unwrap();
    let listed = listed["models"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{text}");
    assert_eq!((&listed[0]["name"], &listed[0]["used"]), (&json!("small.gguf"), &json!(true)));
    assert!(model(home, &["check", "small.gguf"]).await.0);
    let file = home.join("data/models/small.gguf");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (right, text) = model(home, &["check", "small.gguf"]).await;
    assert!(!right && text.contains("SHA-256"), "{text}");
    assert!(model(home, &["remove", "small.gguf"]).await.0);
    assert!(!model(home, &["remove", "small.gguf"]).await.0, "it is gone");
    assert!(model(home, &["list"]).await.1.contains("frontdesk model add FILE"));
}
