//! A server on loopback that plays a vendor: it checks what it is asked and answers from a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use frontdesk::ai::{Anthropic, Google, OpenAi, OpenAiCompatible, OpenAiCompatibleSettings, Provider};
use frontdesk::outbound::{EgressHost, EgressPolicy, Options, Outbound};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::description::Description;

/// Whose protocol a vendor speaks, and which provider talks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum House {
    Compatible,
    OpenAi,
    Anthropic,
    Google,
}

pub(crate) const EVERY_HOUSE: [House; 4] =
    [House::Compatible, House::OpenAi, House::Anthropic, House::Google];

impl House {
    /// The vendor's description.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Compatible | Self::OpenAi => "openai.yaml",
            Self::Anthropic => "anthropic.yaml",
            Self::Google => "gemini.yaml",
        }
    }
}

/// What happens when all pieces are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    End,
    Hang,
    Break,
    /// The last piece again and again, with this pause.
    Repeat(Duration),
}

pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    pieces: Vec<Bytes>,
    then: Then,
}

impl Reply {
    /// An event stream.
    pub(crate) fn stream<P: Into<Bytes>>(pieces: impl IntoIterator<Item = P>, then: Then) -> Self {
        let headers = vec![("content-type", "text/event-stream")];
        Self { status: 200, headers, pieces: pieces.into_iter().map(Into::into).collect(), then }
    }

    /// A whole JSON answer.
    pub(crate) fn json(status: u16, headers: &[(&'static str, &'static str)], body: &Value) -> Self {
        let headers = [&[("content-type", "application/json")], headers].concat();
        Self { status, headers, pieces: vec![body.to_string().into()], then: Then::End }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
    /// How the request breaks the vendor's description.
    pub violations: Vec<String>,
}

struct Script {
    description: Option<Arc<Description>>,
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
    closed: mpsc::UnboundedSender<()>,
}

pub(crate) struct Vendor {
    house: House,
    address: SocketAddr,
    script: Arc<Script>,
    closed: mpsc::UnboundedReceiver<()>,
}

struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

async fn play(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let description = script.description.as_ref();
    let violations = description
        .map(|description| description.violations(&method, &uri, &headers, &body))
        .unwrap_or_default();
    let path = uri.path().to_owned();
    script.seen.lock().unwrap().push(Seen { method, path, headers, body, violations });
    let Some(reply) = script.replies.lock().unwrap().pop_front() else {
        return StatusCode::IM_A_TEAPOT.into_response();
    };
    let guard = Dropped(script.closed.clone());
    let last = reply.pieces.last().cloned().unwrap_or_default();
    let pieces = stream::iter(reply.pieces).map(Ok::<_, std::io::Error>);
    let rest = match reply.then {
        Then::End => stream::empty().boxed(),
        Then::Hang => stream::pending().boxed(),
        // An error at once would take back what is written but not yet sent; time is paused where this is used.
        Then::Break => stream::once(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Err(std::io::Error::other("broken on purpose"))
        })
        .boxed(),
        Then::Repeat(pause) => stream::repeat(last)
            .then(move |piece| async move {
                if pause.is_zero() {
                    tokio::task::yield_now().await
                } else {
                    // A server that sends a sign of life now and then; time is paused where this is used.
                    tokio::time::sleep(pause).await
                }
                Ok(piece)
            })
            .boxed(),
    };
    let guarded = pieces.chain(rest).map(move |piece| {
        let _ = &guard;
        piece
    });
    let mut response = Body::from_stream(guarded).into_response();
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

impl Vendor {
    /// One that speaks OpenAI's protocol and may be anybody.
    pub(crate) async fn openai(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::of(House::Compatible, replies).await
    }

    pub(crate) async fn of(house: House, replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::judging(house, Some(house.file()), replies).await
    }

    /// One that has no chat, and may follow nobody's description.
    pub(crate) async fn judged_by(
        file: Option<&'static str>,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        Self::judging(House::Compatible, file, replies).await
    }

    async fn judging(
        house: House,
        file: Option<&'static str>,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (closed_tx, closed) = mpsc::unbounded_channel();
        let script = Arc::new(Script {
            description: file.and_then(Description::load),
            replies: Mutex::new(replies.into_iter().collect()),
            seen: Mutex::default(),
            closed: closed_tx,
        });
        let app = Router::new().fallback(play).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { house, address, script, closed }
    }

    /// Settings as an operator writes them, with `more` on top.
    fn written(&self, more: &Value) -> Value {
        let version = match self.house {
            House::Compatible | House::OpenAi => "/v1/",
            House::Anthropic | House::Google => "",
        };
        let mut settings = json!({
            "name": "house", "base_url": format!("http://{}{version}", self.address), "model": "house-1",
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    }

    pub(crate) fn settings(&self, more: &Value) -> OpenAiCompatibleSettings {
        serde_json::from_value(self.written(more)).unwrap()
    }

    /// The provider that belongs to the house.
    pub(crate) fn its_provider(&self, more: &Value) -> Arc<dyn Provider> {
        let outbound = outbound(&[&self.address.to_string()]);
        let settings = self.written(more);
        match self.house {
            House::Compatible => Arc::new(self.provider(more)),
            House::OpenAi => {
                Arc::new(OpenAi::new(serde_json::from_value(settings).unwrap(), outbound).unwrap())
            }
            House::Anthropic => {
                Arc::new(Anthropic::new(serde_json::from_value(settings).unwrap(), outbound).unwrap())
            }
            House::Google => {
                Arc::new(Google::new(serde_json::from_value(settings).unwrap(), outbound).unwrap())
            }
        }
    }

    pub(crate) fn provider(&self, more: &Value) -> OpenAiCompatible {
        OpenAiCompatible::new(self.settings(more), outbound(&[&self.address.to_string()])).unwrap()
    }

    /// `host:port`, as the allow-list names it.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What was asked so far; fails when any of it breaks the vendor's description.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.script.seen.lock().unwrap().clone();
        for request in &seen {
            assert!(request.violations.is_empty(), "{:?} in {}", request.violations, request.body);
        }
        seen
    }

    pub(crate) fn push(&self, reply: Reply) {
        self.script.replies.lock().unwrap().push_back(reply);
    }

    /// Waits until a body that was being sent is dropped.
    pub(crate) async fn closed(&mut self) {
        self.closed.recv().await.unwrap();
    }
}

/// A way out to these hosts of the local network.
pub(crate) fn outbound(hosts: &[&str]) -> Outbound {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let hosts: Vec<_> = hosts
        .iter()
        .map(|host| EgressHost { address: (*host).to_owned(), private: true, plain_http: true })
        .collect();
    Outbound::new(EgressPolicy::new(&hosts, false).unwrap(), Options::default()).unwrap()
}
