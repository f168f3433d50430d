//! The other door: server-sent events say what the WebSocket says.

use std::pin::Pin;

use eventsource_stream::{Event, Eventsource as _};
use futures_util::{Stream, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Caller;
use super::desk::Desk;
use super::model::Model;
use super::soon;

/// An open stream of events.
pub(crate) struct Events(Pin<Box<dyn Stream<Item = Event> + Send>>);

impl Events {
    /// Opens the stream of a conversation after `Last-Event-ID`.
    pub(crate) async fn open(desk: &Desk, caller: &Caller, conversation: &str, last: Option<&str>) -> Self {
        let path = format!("/api/v1/conversations/{conversation}/events");
        let mut request = desk.request(caller, Method::GET, &path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = soon("the stream opens", request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let events = response.bytes_stream().eventsource();
        Self(Box::pin(events.filter_map(|event| std::future::ready(event.ok()))))
    }

    /// The next event; nothing when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        soon("an event comes", self.0.next()).await
    }

    /// Frames up to and with the first of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Some(event) = self.next().await {
            let frame: Value = serde_json::from_str(&event.data).unwrap();
            assert_eq!(frame["type"], event.event.as_str());
            frames.push(frame);
            if event.event == kind {
                return frames;
            }
        }
        panic!("the stream ended after {frames:?}");
    }
}

/// The numbers of the messages among frames.
fn seqs(frames: &[Value]) -> Vec<u64> {
    let messages = frames.iter().filter(|frame| frame["type"] == "chat_message");
    messages.map(|frame| frame["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_reader_of_events_comes_back_with_the_last_number_and_gets_exactly_what_it_missed() {
    let (mut desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let mut events = Events::open(&desk, &visitor, &id, Some("0")).await;
    events.until("resumed").await;
    desk.post(&visitor, &path, &json!({"text": "first"})).await.expect(201);
    let mut last = String::new();
    while last != "2" {
        let event = events.next().await.unwrap();
        match event.event.as_str() {
            "chat_message" => last = event.id,
            other => assert!(["draft", "presence"].contains(&other), "{other}"),
        }
    }
    drop(events);
    desk.post(&visitor, &path, &json!({"text": "second"})).await.expect(201);
    assert_eq!(desk.stop().await, Some(0));
    desk.start_again().await;
    let mut events = Events::open(&desk, &visitor, &id, Some("2")).await;
    let mut missed = Vec::new();
    while missed.last() != Some(&4) {
        missed.extend(seqs(&events.until("chat_message").await));
    }
    assert_eq!(missed, [3, 4]);
    let all = Events::open(&desk, &visitor, &id, Some("0")).await.until("resumed").await;
    assert_eq!(seqs(&all), [1, 2, 3, 4]);
    assert_eq!(all[0]["type"], "connected");
    let none = Events::open(&desk, &visitor, &id, Some("4")).await.until("resumed").await;
    assert_eq!(seqs(&none), [0; 0]);
}

#[tokio::test]
async fn an_answer_that_was_streaming_when_the_events_broke_off_is_told_whole_and_once() {
    let model = Model::start().await;
    let (desk, owner) = Desk::set_up_with(&[], &model.settings()).await;
    model.teach(&desk, &owner).await;
    let visitor = desk.visitor("acme").await;
    let id = desk.conversation(&visitor).await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let mut events = Events::open(&desk, &visitor, &id, Some("0")).await;
    desk.post(&visitor, &path, &json!({"text": Model::QUESTION})).await.expect(201);
    while events.until("draft").await.last().unwrap()["payload"]["text"] == "" {}
    drop(events);
    let mut events = Events::open(&desk, &visitor, &id, Some("1")).await;
    let frames = events.until("draft").await;
    assert_eq!(frames[0]["payload"]["assistant"], "answering");
    assert_eq!(seqs(&frames), [0; 0]);
    let draft = &frames.last().unwrap()["payload"];
    assert_eq!(draft["offset"], 0);
    assert!(draft["text"].as_str().unwrap().starts_with("The pump"), "{draft}");
    model.go_on();
    let frames = events.until("chat_message").await;
    let answer = &frames.last().unwrap()["payload"];
    assert_eq!((answer["seq"].as_u64(), answer["author"].as_str()), (Some(2), Some("assistant")));
    assert_eq!(answer["answer"]["provider"], "fake");
}
