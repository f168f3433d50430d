//! `/ws`: what a connection is told after the line has dropped, and what it is refused.

use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::Desk;
use super::model::Model;
use super::socket::{Socket, is_answer};

/// The numbers of the messages among frames.
fn seqs(frames: &[Value]) -> Vec<u64> {
    let messages = frames.iter().filter(|frame| frame["type"] == "chat_message");
    messages.map(|frame| frame["seq"].as_u64().unwrap()).collect()
}

fn is_resumed(frame: &Value) -> bool {
    frame["type"] == "resumed"
}

#[tokio::test]
async fn who_comes_back_with_the_last_number_gets_exactly_what_was_missed_in_order() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let agent = desk.key("acme", "agent").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("a", "first").await;
    socket.until(is_answer).await;
    drop(socket);
    let path = format!("/api/v1/conversations/{id}/messages");
    for text in ["from a person", "and another"] {
        let said = desk.post(&agent, &path, &json!({"text": text})).await.expect(201);
        assert_eq!(said.body["author"], "member");
    }
    let mut socket = Socket::open(&desk, &visitor, &id, Some(2)).await;
    let frames = socket.until(is_resumed).await;
    assert_eq!(seqs(&frames), [3, 4]);
    assert_eq!(frames[0]["type"], "connected");
    assert_eq!(frames.len(), 4, "{frames:?}");
    assert_eq!(frames.last().unwrap()["payload"], json!({"from_seq": 2, "to_seq": 4}));
    // What happens from then on comes once, too.
    desk.post(&agent, &path, &json!({"text": "live"})).await.expect(201);
    assert_eq!(seqs(&socket.until(|frame| frame["type"] == "chat_message").await), [5]);

    let mut from_the_future = Socket::open(&desk, &visitor, &id, Some(99)).await;
    assert_eq!(seqs(&from_the_future.until(is_resumed).await), [0; 0]);
    let mut new = Socket::open(&desk, &visitor, &id, None).await;
    assert_eq!(new.next().await["type"], "connected");
    desk.post(&agent, &path, &json!({"text": "live again"})).await.expect(201);
    assert_eq!(seqs(&new.until(|frame| frame["type"] == "chat_message").await), [6]);
}

#[tokio::test]
async fn an_answer_that_was_streaming_when_the_line_dropped_is_told_whole_and_once() {
    let model = Model::start().await;
    let (desk, owner) = Desk::set_up_with(&[], &model.settings()).await;
    model.teach(&desk, &owner).await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.say("q", Model::QUESTION).await;
    socket.until(|frame| frame["type"] == "draft" && frame["payload"]["stage"] == "writing").await;
    drop(socket);

    let mut socket = Socket::open(&desk, &visitor, &id, Some(1)).await;
    let frames = socket.until(|frame| frame["type"] == "draft").await;
    assert_eq!(frames[0]["payload"]["assistant"], "answering");
    assert!(frames.iter().any(is_resumed) && seqs(&frames).is_empty(), "{frames:?}");
    let draft = &frames.last().unwrap()["payload"];
    assert_eq!(draft["offset"], 0);
    assert!(draft["text"].as_str().unwrap().starts_with("The pump"), "{draft}");
    model.go_on();
    let frames = socket.until(is_answer).await;
    assert_eq!(seqs(&frames), [2]);
    let answer = &frames.last().unwrap()["payload"];
    assert_eq!(answer["text"], "The pump is sealed with a rubber ring [1]. The ring lasts ten years [1].");
    assert_eq!(answer["answer"]["citations"].as_array().unwrap().len(), 1);
    drop(socket);

    let frames = Socket::open(&desk, &visitor, &id, Some(0)).await.until(is_resumed).await;
    assert_eq!(seqs(&frames), [1, 2]);
    assert_eq!(frames[0]["payload"]["assistant"], "idle");
}

#[tokio::test]
async fn a_bad_token_is_closed_with_1008_and_a_foreign_conversation_is_not_found_before_the_upgrade() {
    let (desk, owner) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let Caller::Visitor { id: who, token } = &visitor else { unreachable!() };
    let forged = Caller::Visitor { id: who.clone(), token: format!("{token}x") };
    let (code, reason) = Socket::open(&desk, &forged, &id, None).await.closed().await;
    assert_eq!((code, reason.as_str()), (1008, "visitor_token_invalid"));
    let (code, _) = Socket::open(&desk, &Caller::Nobody, &id, None).await.closed().await;
    assert_eq!(code, 1008);
    let stale = Caller::Member { cookie: "__Host-frontdesk_session=nothing".into() };
    assert_eq!(Socket::open(&desk, &stale, &id, None).await.closed().await.0, 1008);

    let stranger = desk.visitor("acme").await;
    assert_eq!(Socket::try_open(&desk, &stranger, &id, None).await.err(), Some(404));
    let unknown = format!("cnv_{}", id.split_once('_').unwrap().1.chars().rev().collect::<String>());
    assert!(Socket::try_open(&desk, &visitor, &unknown, None).await.is_err());
    let mut member = Socket::open(&desk, &owner, &id, None).await;
    assert_eq!(member.next().await["type"], "connected");
}

#[tokio::test]
async fn faulty_frames_are_answered_with_an_error_and_the_connection_lives() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &id, None).await;
    socket.next().await;
    let large = json!({"type": "chat_message", "id": "l", "payload": {"text": "x".repeat(70_000)}});
    let long = json!({"type": "chat_message", "id": "t", "payload": {"text": "x".repeat(8_001)}});
    let faults = [
        ("{".to_owned(), "frame_malformed", Value::Null),
        ("[1]".to_owned(), "frame_malformed", Value::Null),
        (json!({"type": "fly", "id": "f"}).to_string(), "frame_type_unknown", json!("f")),
        (
            json!({"type": "chat_message", "payload": {"text": "x"}}).to_string(),
            "frame_id_missing",
            Value::Null,
        ),
        (large.to_string(), "frame_too_large", Value::Null),
        (long.to_string(), "message_too_long", json!("t")),
    ];
    for (text, code, frame_id) in faults {
        socket.send(text).await;
        let error = socket.next().await;
        assert_eq!(error["type"], "error");
        assert_eq!((&error["payload"]["code"], &error["id"]), (&json!(code), &frame_id));
        assert_eq!(error["payload"]["fatal"], false);
    }
    socket.send_binary(vec![0, 1, 2]).await;
    assert_eq!(socket.next().await["payload"]["code"], "frame_malformed");
    socket.send(json!({"type": "ping", "id": "p"}).to_string()).await;
    let pong = socket.next().await;
    assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &json!("p")));
    socket.say("good", "Hello").await;
    let frames = socket.until(|frame| frame["type"] == "ack").await;
    assert_eq!(frames.last().unwrap()["seq"], 1, "nothing of the faulty frames was stored");
}

#[tokio::test]
async fn a_frame_far_over_the_limit_costs_at_most_its_own_connection() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let mut hostile = Socket::open(&desk, &visitor, &id, None).await;
    let mut other = Socket::open(&desk, &visitor, &id, None).await;
    hostile.send("x".repeat(1 << 20)).await;
    other.say("a", "Hello").await;
    let frames = other.until(|frame| frame["type"] == "ack").await;
    assert_eq!(frames.last().unwrap()["seq"], 1);
}
