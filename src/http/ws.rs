//! `GET /ws`: the WebSocket of a conversation (RFC 6455), for visitors and members.
//!
//! What is told comes from the feed, which also fills what a connection missed (`feed`); this file only carries it, and
//! acts on what the client sends. A message is acknowledged when it is on disk, and goes through the same operation and
//! the same rates as over HTTP.
//!
//! Nobody is waited for: who does not take a frame within [`SEND_MAX`], says nothing for [`SILENCE_MAX`] or sends
//! [`FAULTS_MAX`] frames that make no sense is let go. The credential is looked at again with each ping, every
//! [`PING_EVERY`], and at once when it is told that its owner's rights have shrunk ([`crate::identity::Revocations`]); a
//! session that has ended closes its connections with 1008, as does a credential that is refused at the beginning. A
//! workspace that is suspended or erased closes its own with 1013.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{
    CloseFrame, Message as WsMessage, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tokio::time::Instant;

use super::extract::Query;
use super::feed::{Error as FeedError, Feed, Subject};
use super::{Caller, Problem, Services};
use crate::base::{Call, ConversationId, Fault, ImageId};
use crate::conversations::{self, NewMessage};
use crate::identity::pass::{ReadConversations, TakePart};
use crate::identity::{self, Principal};
use crate::realtime::{
    Ack, ClientFrame, Ended, FRAME_BYTES_MAX, Frame, FrameError, FrameKind, Problem as ProblemPayload, Side,
    Topic, Typing,
};

/// A `ping` goes out this often; a session that has run out is noticed then.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A connection that says nothing for so long is closed.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Faulty frames after which a connection is closed as abuse.
const FAULTS_MAX: u32 = 20;
/// A frame that cannot be sent within this time is to a reader that is gone.
const SEND_MAX: Duration = Duration::from_secs(20);

/// Which conversation, and from where on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wish {
    conversation_id: ConversationId,
    after_seq: Option<u64>,
}

/// Why a connection to a workspace that the operator has closed ends: with 1013 and not with 1008, at which a visitor's page would
/// throw the token away, and with it the way back to the conversation.
const SUSPENDED: &str = "workspace_suspended";
/// The protocol that is spoken, as a WebSocket subprotocol.
const SUBPROTOCOL: &str = "frontdesk.v1";

/// Opens the WebSocket. Permission: `ReadConversations`, or the conversation's visitor; writing needs `TakePart`.
pub(super) async fn open(
    State(services): State<Arc<Services>>,
    caller: Result<Caller, Problem>,
    Query(wish): Query<Wish>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let upgrade = upgrade.protocols([SUBPROTOCOL]).max_message_size(FRAME_BYTES_MAX * 2);
    let caller = match caller {
        Ok(caller) => caller,
        // A browser tells a page nothing of a refused upgrade, so the reason goes into the close frame.
        Err(problem) => {
            let reason = problem.code().to_owned();
            return Ok(upgrade
                .on_upgrade(|socket| close(socket, close_code::POLICY, reason))
                .into_response());
        }
    };
    if caller.principal == Principal::Nobody {
        let reason = "not_signed_in".to_owned();
        return Ok(upgrade.on_upgrade(|socket| close(socket, close_code::POLICY, reason)).into_response());
    }
    let pass = caller.pass::<ReadConversations>()?;
    let keyspace = match caller.enter(&services).await {
        Err(problem) if problem.code() == SUSPENDED => {
            let reason = SUSPENDED.to_owned();
            return Ok(upgrade.on_upgrade(|socket| close(socket, close_code::AGAIN, reason)).into_response());
        }
        entered => entered?,
    };
    let tenant = keyspace.tenant().ok_or_else(Problem::not_found)?;
    let side = match caller.principal {
        Principal::Visitor { .. } => Side::Visitor,
        _ => Side::Member,
    };
    let subject = Subject { keyspace, tenant, conversation: wish.conversation_id, pass, side };
    let feed = Feed::open(&services.hub, subject.clone(), wish.after_seq).await.map_err(problem_of)?;
    let connection = Connection { services, caller, subject, faults: 0 };
    Ok(upgrade.on_upgrade(|socket| connection.run(socket, feed)).into_response())
}

pub(super) fn problem_of(error: FeedError) -> Problem {
    match error {
        FeedError::Conversation(error) => error.into(),
        FeedError::Realtime(error) => error.into(),
        FeedError::Ended(_) => Problem::going_away(),
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: String) {
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = tokio::time::timeout(SEND_MAX, socket.send(WsMessage::Close(Some(frame)))).await;
}

struct Connection {
    services: Arc<Services>,
    caller: Caller,
    subject: Subject,
    faults: u32,
}

/// Why a connection ends: close code and reason.
type Farewell = (u16, &'static str);

impl Connection {
    async fn run(mut self, mut socket: WebSocket, mut feed: Feed) {
        let (code, reason) = self.serve(&mut socket, &mut feed).await;
        close(socket, code, reason.to_owned()).await;
    }

    async fn serve(&mut self, socket: &mut WebSocket, feed: &mut Feed) -> Farewell {
        let mut heard = Instant::now();
        let mut revocations = self.services.revocations.of(self.caller.principal);
        let mut next_ping = heard + PING_EVERY;
        loop {
            // Client frames first: a sender's ack goes out before the message comes back through the hub.
            let step = tokio::select! {
                biased;
                () = self.services.stopping.cancelled() => return (close_code::AWAY, "server_stopping"),
                received = socket.recv() => {
                    heard = Instant::now();
                    match received {
                        Some(Ok(message)) => self.receive(socket, message).await,
                        Some(Err(_)) | None => return (close_code::NORMAL, ""),
                    }
                }
                frame = feed.next() => match frame {
                    Ok(frame) => send(socket, &frame).await,
                    Err(error) => return self.farewell(&error),
                },
                () = revocations.next() => self.recheck().await,
                () = tokio::time::sleep_until(next_ping) => {
                    next_ping = Instant::now() + PING_EVERY;
                    if heard.elapsed() > SILENCE_MAX {
                        return (close_code::AWAY, "silent");
                    }
                    self.ping(socket).await
                }
            };
            if let Err(farewell) = step {
                return farewell;
            }
        }
    }

    /// Whether the credential is still good.
    async fn recheck(&self) -> Result<(), Farewell> {
        let (policy, principal, now) =
            (self.services.policy.clone(), self.caller.principal, self.services.clock.now());
        let good = tokio::task::spawn_blocking(move || policy.recheck(&principal, now)).await;
        match good {
            Ok(Ok(())) => Ok(()),
            Ok(Err(identity::Error::WorkspaceSuspended { .. })) => Err((close_code::AGAIN, SUSPENDED)),
            _ => Err((close_code::POLICY, "session_ended")),
        }
    }

    async fn ping(&self, socket: &mut WebSocket) -> Result<(), Farewell> {
        self.recheck().await?;
        let frame = Frame::write(FrameKind::Ping, None, &serde_json::json!({}), None);
        send_written(socket, frame).await
    }

    async fn receive(&mut self, socket: &mut WebSocket, message: WsMessage) -> Result<(), Farewell> {
        match message {
            WsMessage::Text(text) => match ClientFrame::parse(&text) {
                Ok(frame) => self.act(socket, frame).await,
                Err(error) => self.refuse(socket, &error).await,
            },
            WsMessage::Binary(_) => self.refuse(socket, &FrameError::Malformed).await,
            WsMessage::Ping(_) | WsMessage::Pong(_) => Ok(()),
            WsMessage::Close(_) => Err((close_code::NORMAL, "")),
        }
    }

    async fn refuse(&mut self, socket: &mut WebSocket, error: &FrameError) -> Result<(), Farewell> {
        self.faults += 1;
        let fatal = self.faults >= FAULTS_MAX;
        let payload = ProblemPayload { code: error.code(), detail: error.public().into_owned(), fatal };
        send_written(socket, Frame::write(FrameKind::Error, error.id(), &payload, None)).await?;
        if fatal { Err((close_code::POLICY, "too_many_faults")) } else { Ok(()) }
    }

    async fn act(&mut self, socket: &mut WebSocket, frame: ClientFrame) -> Result<(), Farewell> {
        match frame {
            ClientFrame::ChatMessage { id, text, images } => {
                let reply = match self.post(&id, text, images).await {
                    Ok(ack) => ack,
                    Err(problem) => {
                        let payload = ProblemPayload {
                            code: problem.code(),
                            detail: problem.detail().to_owned(),
                            fatal: false,
                        };
                        Frame::write(FrameKind::Error, Some(&id), &payload, None)
                    }
                };
                send_written(socket, reply).await
            }
            ClientFrame::UserTyping => {
                self.typing(FrameKind::UserTyping);
                Ok(())
            }
            ClientFrame::UserStoppedTyping => {
                self.typing(FrameKind::UserStoppedTyping);
                Ok(())
            }
            ClientFrame::Ping { id } => {
                let pong = Frame::write(FrameKind::Pong, id.as_deref(), &serde_json::json!({}), None);
                send_written(socket, pong).await
            }
            ClientFrame::Pong { .. } => Ok(()),
        }
    }

    async fn post(
        &self,
        id: &str,
        text: String,
        images: Vec<ImageId>,
    ) -> Result<Result<Frame, crate::realtime::Error>, Problem> {
        let pass = self.caller.pass::<TakePart>()?;
        let actor = self.caller.principal.actor();
        self.services.limits.caller(actor)?;
        self.services.limits.workspace(self.subject.tenant)?;
        let call = Call { actor, now: self.services.clock.now(), ..self.caller.call.clone() };
        let conversation = self.subject.conversation;
        let client_key = Some(id.to_owned());
        let new = NewMessage { conversation, text, images, author_name: None, client_key };
        let posted =
            self.subject.keyspace.write(move |tx| conversations::post(tx, &call, pass, &new)).await?;
        let seq = posted.message.seq;
        Ok(Frame::write(FrameKind::Ack, Some(id), &Ack { message: posted.message }, Some(seq)))
    }

    fn farewell(&self, error: &FeedError) -> Farewell {
        match error {
            FeedError::Ended(Ended::Lagged) => (close_code::AGAIN, "too_slow"),
            FeedError::Ended(Ended::Closed) if self.services.stopping.is_cancelled() => {
                (close_code::AWAY, "server_stopping")
            }
            // The workspace is suspended or erased: whoever comes again is told which.
            FeedError::Ended(Ended::Closed) => (close_code::AGAIN, SUSPENDED),
            FeedError::Conversation(_) | FeedError::Realtime(_) => (close_code::ERROR, "internal"),
        }
    }

    /// Typing is told to those who are here and forgotten; nobody waits for it.
    fn typing(&self, kind: FrameKind) {
        if self.caller.pass::<TakePart>().is_ok()
            && self.services.limits.caller(self.caller.principal.actor()).is_ok()
        {
            let payload = Typing { who: self.subject.side, name: None };
            if let Ok(frame) = Frame::write(kind, None, &payload, None) {
                let topic = Topic { tenant: self.subject.tenant, conversation: self.subject.conversation };
                self.services.hub.publish(topic, &frame);
            }
        }
    }
}

async fn send_written(
    socket: &mut WebSocket,
    frame: Result<Frame, crate::realtime::Error>,
) -> Result<(), Farewell> {
    match frame {
        Ok(frame) => send(socket, &frame).await,
        Err(_) => Err((close_code::ERROR, "internal")),
    }
}

async fn send(socket: &mut WebSocket, frame: &Frame) -> Result<(), Farewell> {
    let message = WsMessage::Text(Utf8Bytes::from(&**frame.text()));
    match tokio::time::timeout(SEND_MAX, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err((close_code::NORMAL, "")),
    }
}
