//! A language model's server whose answers stop in the middle until the story lets them go on.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use tokio::sync::Semaphore;

use super::caller::Caller;
use super::desk::Desk;
use super::files;
use super::soon;

/// The server. It runs until the story ends.
pub(crate) struct Model {
    port: u16,
    answers: Answers,
}

#[derive(Clone)]
struct Answers {
    /// Lets them end.
    gate: Arc<Semaphore>,
    /// Counts those that were broken off.
    broken_off: Arc<Semaphore>,
}

impl Model {
    /// A question that its document answers.
    pub(crate) const QUESTION: &'static str = "How is the pump sealed?";
    pub(crate) const DOCUMENT: &'static str =
        "# Pump\n\nThe pump is sealed with a rubber ring. The ring lasts ten years.\n";

    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let none = || Arc::new(Semaphore::new(0));
        let answers = Answers { gate: none(), broken_off: none() };
        let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(answers.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { port, answers }
    }

    /// The settings file of an appliance that asks it.
    pub(crate) fn settings(&self) -> String {
        let port = self.port;
        format!(
            "[assistant]\nprovider = \"fake\"\n\n[[ai.provider]]\nname = \"fake\"\n\
             base_url = \"http://127.0.0.1:{port}/v1\"\nmodel = \"fake-1\"\n\n\
             [[outbound.allow]]\naddress = \"127.0.0.1:{port}\"\nprivate = true\nplain_http = true\n"
        )
    }

    /// Gives the workspace the document that the model's answer is from.
    pub(crate) async fn teach(&self, desk: &Desk, owner: &Caller) {
        let document = files::put(desk, owner, "pump.md", Self::DOCUMENT.as_bytes()).await.expect(201);
        assert_eq!(files::settled(desk, owner, &document.of("id")).await["state"], "ready");
    }

    /// Lets every answer end, those to come too.
    pub(crate) fn go_on(&self) {
        self.answers.gate.add_permits(1_000);
    }

    /// Waits until the connection is closed on which an answer is being given.
    pub(crate) async fn broken_off(&self) {
        soon("the answer is broken off", self.answers.broken_off.acquire()).await.unwrap().forget();
    }
}

fn piece(text: &str) -> Bytes {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    format!("data: {chunk}\n\n").into()
}

async fn complete(State(answers): State<Answers>) -> Response {
    let (pieces, stream) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    tokio::spawn(async move {
        pieces.send(Ok(piece("The pump is sealed with a rubber ring [1]."))).await?;
        pieces.send(Ok(piece(" The ring lasts"))).await?;
        tokio::select! {
            going_on = answers.gate.acquire() => going_on?.forget(),
            () = pieces.closed() => answers.broken_off.add_permits(1),
        }
        pieces.send(Ok(piece(" ten years [1]."))).await?;
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        pieces.send(Ok(format!("data: {end}\n\ndata: [DONE]\n\n").into())).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    });
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(stream));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}
