//! A visitor and the assistant: questions, cited answers, and saying each thing once.

use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::{Desk, Reply};
use super::files;
use super::socket::{Socket, is_answer};

/// An appliance whose workspace holds three documents of the demo.
async fn taught() -> (Desk, Caller) {
    let (desk, owner) = Desk::set_up().await;
    for name in ["policies/returns-and-refunds.docx", "troubleshooting/error-codes-juniper.html"] {
        let document = files::put(&desk, &owner, name, &files::demo(name)).await.expect(201);
        assert_eq!(files::settled(&desk, &owner, &document.of("id")).await["state"], "ready");
    }
    (desk, owner)
}

/// `text[start..end]` in UTF-16 code units, as a browser counts.
fn selected(text: &str, span: &Value) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let at = |key: &str| usize::try_from(span[key].as_u64().unwrap()).unwrap();
    String::from_utf16(&units[at("start")..at("end")]).unwrap()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_visitor_asks_and_gets_a_cited_answer_whose_citation_opens_at_the_passage() {
    let (desk, owner) = taught().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    let connected = socket.next().await;
    assert_eq!((&connected["type"], &connected["seq"]), (&json!("connected"), &json!(0)));
    assert_eq!(connected["payload"]["assistant"], "idle");
    assert_eq!(connected["payload"]["conversation"]["id"], id.as_str());

    socket.say("q1", "How long do I have to send back a machine if I change my mind?").await;
    let frames = socket.until(is_answer).await;
    let ack = frames.iter().position(|frame| frame["type"] == "ack").unwrap();
    assert_eq!((&frames[ack]["id"], &frames[ack]["seq"]), (&json!("q1"), &json!(1)));
    let question = &frames[ack]["payload"]["message"];
    assert_eq!((&question["author"], &question["client_key"]), (&json!("visitor"), &json!("q1")));
    let own = frames.iter().position(|frame| frame["payload"]["id"] == question["id"]).unwrap();
    assert!(ack < own, "the ack comes before the message comes back");
    let drafts: Vec<_> = frames.iter().filter(|frame| frame["type"] == "draft").collect();
    assert!(!drafts.is_empty() && drafts.iter().all(|draft| draft["seq"].is_null()));
    assert!(drafts.iter().all(|draft| draft["payload"]["reply_to"] == question["id"]));

    let answer = &frames.last().unwrap()["payload"];
    assert_eq!((&answer["seq"], &answer["reply_to"]), (&json!(2), &question["id"]));
    assert_eq!(answer["answer"]["declined"], false);
    assert_eq!(answer["answer"]["quoted"], true);
    assert_eq!(answer["answer"]["cost_micros"], 0);
    let text = answer["text"].as_str().unwrap();
    assert!(text.contains("30 days") && text.contains("[1]"), "{text}");
    cited(&desk, &visitor, &owner, &id, answer).await;

    let stranger = desk.visitor("acme").await;
    let path = format!("/api/v1/conversations/{id}/messages/{}/citations/1", answer["id"].as_str().unwrap());
    desk.get(&stranger, &path).await.expect(404);
    desk.get(&visitor, &path.replace("/citations/1", "/citations/99")).await.expect(404);
}

/// Each citation of an answer opens, and selects in the document what it quotes.
async fn cited(desk: &Desk, visitor: &Caller, owner: &Caller, id: &str, answer: &Value) {
    let citations = answer["answer"]["citations"].as_array().unwrap();
    assert!(!citations.is_empty());
    for citation in citations {
        let message = answer["id"].as_str().unwrap();
        let path = format!("/api/v1/conversations/{id}/messages/{message}/citations/{}", citation["number"]);
        let opened = desk.get(visitor, &path).await.expect(200).body;
        assert_eq!(opened["document"], citation["document"]);
        assert_eq!(opened["quote"], citation["quote"]);
        let (text, quote) = (opened["text"].as_str().unwrap(), citation["quote"].as_str().unwrap());
        let passage = words(&selected(text, &opened["passage"]));
        assert!(!passage.is_empty());
        let spans = opened["quotes"].as_array().unwrap();
        assert!(!spans.is_empty(), "the quote {quote:?} does not stand in the passage {passage:?}");
        for span in spans {
            let marked = words(&selected(text, span));
            assert!(passage.contains(&marked), "{marked:?} is outside of {passage:?}");
        }
        let document = citation["document"].as_str().unwrap();
        let whole = desk.get(owner, &format!("/api/v1/documents/{document}/text")).await.expect(200).text;
        let marked = selected(text, &spans[0]);
        assert!(whole.contains(&marked), "{marked:?} does not stand in the uploaded document");
    }
}

#[tokio::test]
async fn a_question_that_the_documents_do_not_answer_is_declined_without_a_citation() {
    let (desk, _) = taught().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q1", "Who won the football world cup in 1998?").await;
    let frames = socket.until(is_answer).await;
    let answer = &frames.last().unwrap()["payload"]["answer"];
    assert_eq!(answer["declined"], true, "{answer}");
    assert_eq!(answer["quoted"], false);
    assert_eq!(answer["citations"], json!([]));
}

#[tokio::test]
async fn a_question_that_leans_on_the_one_before_is_understood() {
    let (desk, owner) = taught().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    let questions = [
        ("My Juniper shows E-17. What should I do?", "burr", Value::Null),
        ("And E-18?", "hopper", json!("My Juniper shows E-18. What should I do?")),
        ("what about E-21", "drip tray", json!("My Juniper shows E-21. What should I do?")),
    ];
    for (number, (question, expected, asked_as)) in questions.into_iter().enumerate() {
        socket.say(&format!("q{number}"), question).await;
        let answer = socket.until(is_answer).await.pop().unwrap()["payload"].clone();
        let text = answer["text"].as_str().unwrap();
        assert!(text.to_lowercase().contains(expected), "{question}: {text}");
        let path = format!("/api/v1/conversations/{id}/messages/{}/trace", answer["id"].as_str().unwrap());
        assert_eq!(desk.get(&owner, &path).await.expect(200).body["asked_as"], asked_as, "{question}");
    }
}

async fn say(desk: &Desk, caller: &Caller, id: &str, key: &str, text: &str) -> Reply {
    let path = format!("/api/v1/conversations/{id}/messages");
    let request = desk.request(caller, Method::POST, &path).header("idempotency-key", key);
    desk.send(request.json(&json!({"text": text}))).await
}

#[tokio::test]
async fn the_same_key_twice_is_one_message_and_another_text_is_a_conflict() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    let first = say(&desk, &visitor, &id, "k1", "Hello").await.expect(201);
    let again = say(&desk, &visitor, &id, "k1", "Hello").await.expect(201);
    assert_eq!(first.body["id"], again.body["id"]);
    let other = say(&desk, &visitor, &id, "k1", "Good bye").await.expect(409);
    assert_eq!(other.body["code"], "idempotency_key_reused");
    // The same key through the other door is the same message, too.
    socket.say("k1", "Hello").await;
    let frames = socket.until(|frame| frame["type"] == "ack").await;
    assert_eq!(frames.last().unwrap()["payload"]["message"]["id"], first.body["id"]);
    socket.say("k1", "Good bye").await;
    let frames = socket.until(|frame| frame["type"] == "error").await;
    assert_eq!(frames.last().unwrap()["payload"]["code"], "idempotency_key_reused");
    // Another visitor's keys are its own.
    let stranger = desk.visitor("acme").await;
    let elsewhere = desk.conversation(&stranger).await;
    assert_ne!(
        say(&desk, &stranger, &elsewhere, "k1", "Hello").await.expect(201).body["id"],
        first.body["id"]
    );

    say(&desk, &visitor, &id, "k2", "One more").await.expect(201);
    let path = format!("/api/v1/conversations/{id}/messages");
    let messages = desk.get(&visitor, &path).await.expect(200).body;
    let asked: Vec<_> = messages["items"].as_array().unwrap().iter().collect();
    let asked = asked.iter().filter(|message| message["author"] == "visitor").count();
    assert_eq!(asked, 2);
}

#[tokio::test]
async fn an_ended_conversation_takes_no_message_through_any_door() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    let ended = desk.post(&visitor, &format!("/api/v1/conversations/{id}/end"), &json!({})).await.expect(200);
    assert_eq!(ended.body["state"], "ended");
    assert_eq!(say(&desk, &visitor, &id, "k", "Hello?").await.expect(409).body["code"], "conversation_ended");
    socket.say("f", "Hello?").await;
    let frames = socket.until(|frame| frame["type"] == "error").await;
    let error = frames.last().unwrap();
    assert_eq!((&error["id"], &error["payload"]["code"]), (&json!("f"), &json!("conversation_ended")));
    let messages = desk.get(&visitor, &format!("/api/v1/conversations/{id}/messages")).await.expect(200);
    assert_eq!(messages.body["items"], json!([]));
    let waiting = desk.console(Method::GET, "/api/v1/jobs?state=waiting", "acme", None).await.expect(200);
    assert!(!waiting.text.contains("answer"), "{}", waiting.text);
}
