//! A client's end of the WebSocket, over TLS like a browser's.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::caller::Caller;
use super::desk::Desk;
use super::soon;

/// An open connection. Dropped, the line drops: no farewell is said.
pub(crate) struct Socket(WebSocketStream<TlsStream<TcpStream>>);

impl Socket {
    /// Opens `/ws`.
    ///
    /// # Errors
    /// The status, when the upgrade is refused.
    pub(crate) async fn try_open(
        desk: &Desk,
        caller: &Caller,
        conversation: &str,
        after_seq: Option<u64>,
    ) -> Result<Self, u16> {
        let after = after_seq.map(|seq| format!("&afterSeq={seq}")).unwrap_or_default();
        let url = format!("wss://localhost:{}/ws?conversationId={conversation}{after}", desk.port());
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        match caller {
            Caller::Nobody => {}
            // As browsers do, which cannot send headers here.
            Caller::Visitor { token, .. } => {
                let offered = format!("frontdesk.v1, bearer.{token}").parse().unwrap();
                headers.insert("sec-websocket-protocol", offered);
            }
            Caller::Key { secret, .. } => {
                headers.insert("authorization", format!("Bearer {secret}").parse().unwrap());
            }
            Caller::Member { cookie } => {
                headers.insert("cookie", cookie.parse().unwrap());
            }
        }
        let stream = Box::pin(tls(desk)).await;
        match soon("the upgrade is answered", Box::pin(client_async(request, stream))).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("the upgrade broke: {error}"),
        }
    }

    /// Opens `/ws`, which has to work.
    pub(crate) async fn open(
        desk: &Desk,
        caller: &Caller,
        conversation: &str,
        after_seq: Option<u64>,
    ) -> Self {
        Self::try_open(desk, caller, conversation, after_seq).await.unwrap()
    }

    /// The next frame, aside from pings and from who comes and goes.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match soon("a frame comes", self.0.next()).await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] != "ping" && frame["type"] != "presence" {
                        return frame;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// Frames up to and with the first that is as wished.
    pub(crate) async fn until(&mut self, wished: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            frames.push(self.next().await);
            if frames.last().is_some_and(&wished) {
                return frames;
            }
        }
    }

    /// Sends a text as it is.
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        soon("a frame goes out", self.0.send(Message::text(text.into()))).await.unwrap();
    }

    /// Says something.
    pub(crate) async fn say(&mut self, id: &str, text: &str) {
        self.send(json!({"type": "chat_message", "id": id, "payload": {"text": text}}).to_string()).await;
    }

    /// Sends bytes that are no text.
    pub(crate) async fn send_binary(&mut self, bytes: Vec<u8>) {
        soon("a frame goes out", self.0.send(Message::binary(bytes))).await.unwrap();
    }

    /// Reads until the server closes; its code and reason.
    pub(crate) async fn closed(mut self) -> (u16, String) {
        loop {
            match soon("the connection is closed", self.0.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => panic!("closed without a word"),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// Whether a frame is an assistant's message.
pub(crate) fn is_answer(frame: &Value) -> bool {
    frame["type"] == "chat_message" && frame["payload"]["author"] == "assistant"
}

/// A connection on which nothing has been said yet.
pub(crate) async fn tls(desk: &Desk) -> TlsStream<TcpStream> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let path = frontdesk::http::authority_path(&desk.data_dir());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(("127.0.0.1", desk.port())).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    soon("TLS is agreed", TlsConnector::from(Arc::new(config)).connect(name, tcp)).await.unwrap()
}
