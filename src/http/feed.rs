//! What one open connection is told about its conversation: exactly what it missed, then what happens, in order.
//!
//! WebSocket and server-sent events are two doors to the same feed. It listens to the hub first and reads the database
//! second, so that nothing falls between; what comes twice is told once, and a gap in the numbers is filled from the
//! database.

use std::collections::VecDeque;

use crate::base::{ConversationId, TenantId};
use crate::conversations::{self, ConversationView, MessageView};
use crate::identity::Pass;
use crate::identity::pass::ReadConversations;
use crate::realtime::{
    self, Activity, Connected, DraftPiece, DraftStage, Ended, Frame, FrameKind, Hub, LiveDraft, Resumed,
    Side, Subscription, Topic,
};
use crate::store::Keyspace;

/// Messages read at a time while catching up.
const CATCH_UP_ROWS: usize = 100;

/// Why a feed cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Conversation(#[from] conversations::Error),
    #[error(transparent)]
    Realtime(#[from] realtime::Error),
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Which conversation, and by whose right.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) keyspace: Keyspace,
    pub(super) tenant: TenantId,
    pub(super) conversation: ConversationId,
    pub(super) pass: Pass<ReadConversations>,
    pub(super) side: Side,
}

/// The frames of one connection.
pub(super) struct Feed {
    subject: Subject,
    subscription: Subscription,
    ready: VecDeque<Frame>,
    /// The number of the last message that was told.
    told_seq: u64,
    /// Messages up to here are read from the database before the hub is heard.
    known_seq: u64,
    /// Told once everything missed has been.
    after_catch_up: Option<Frame>,
    draft: Option<Frame>,
}

impl Feed {
    /// Begins with `connected`; with `after_seq`, everything after it and then `resumed`.
    pub(super) async fn open(hub: &Hub, subject: Subject, after_seq: Option<u64>) -> Result<Self, Error> {
        let topic = Topic { tenant: subject.tenant, conversation: subject.conversation };
        let subscription = hub.subscribe(topic, subject.side)?;
        let (conversation, pass) = (subject.conversation, subject.pass);
        let view = subject.keyspace.query(move |tx| conversations::get(tx, pass, conversation)).await?;
        let known_seq = view.last_seq;
        let live = subscription.draft().cloned();
        let assistant = if live.is_some() { Activity::Answering } else { Activity::Idle };
        let connected = Connected { conversation: view, assistant };
        let connected = Frame::write(FrameKind::Connected, None, &connected, Some(known_seq))?;
        // A number from the future is as good as the last one: the client has everything.
        let told_seq = after_seq.unwrap_or(known_seq).min(known_seq);
        let resumed = Resumed { from_seq: after_seq.unwrap_or(told_seq), to_seq: known_seq };
        let after_catch_up = match after_seq {
            Some(_) => Some(Frame::write(FrameKind::Resumed, None, &resumed, Some(known_seq))?),
            None => None,
        };
        let draft = live.map(|live| whole_draft(&live)).transpose()?;
        let ready = VecDeque::from([connected]);
        Ok(Self { subject, subscription, ready, told_seq, known_seq, after_catch_up, draft })
    }

    /// The next frame. Cancel safe: nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Result<Frame, Error> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(frame);
            }
            if self.told_seq < self.known_seq {
                self.catch_up().await?;
                continue;
            }
            if let Some(frame) = self.after_catch_up.take().or_else(|| self.draft.take()) {
                return Ok(frame);
            }
            let frame = self.subscription.next().await?;
            match (frame.kind(), frame.seq()) {
                (FrameKind::ChatMessage, Some(seq)) if seq <= self.told_seq => {}
                // Read from the database, with the ones before it that were not told.
                (FrameKind::ChatMessage, Some(seq)) if seq > self.told_seq.saturating_add(1) => {
                    self.known_seq = seq;
                }
                (FrameKind::ChatMessage, Some(seq)) => {
                    (self.told_seq, self.known_seq) = (seq, seq);
                    return Ok(frame);
                }
                _ => return Ok(frame),
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Error> {
        let Subject { keyspace, conversation, pass, .. } = self.subject.clone();
        let after = self.told_seq;
        let messages = keyspace
            .query(move |tx| conversations::messages_after(tx, pass, conversation, after, CATCH_UP_ROWS))
            .await?;
        // What is numbered is there: the number is given in the transaction that stores the message.
        let Some(last) = messages.last() else {
            self.told_seq = self.known_seq;
            return Ok(());
        };
        let last_seq = last.seq;
        for message in &messages {
            self.ready.push_back(message_frame(message)?);
        }
        self.told_seq = last_seq;
        self.known_seq = self.known_seq.max(last_seq);
        Ok(())
    }
}

/// A message as everybody in the conversation is told of it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn message_frame(message: &MessageView) -> Result<Frame, realtime::Error> {
    Frame::write(FrameKind::ChatMessage, None, message, Some(message.seq))
}

/// A conversation that has ended, as those in it are told.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn conversation_frame(conversation: &ConversationView) -> Result<Frame, realtime::Error> {
    Frame::write(FrameKind::ConversationChanged, None, conversation, None)
}

fn whole_draft(live: &LiveDraft) -> Result<Frame, realtime::Error> {
    let (stage, before): (DraftStage, _) = (live.stage, live.before);
    let (reply_to, text) = (live.reply_to.clone(), live.text.to_string());
    let piece = DraftPiece { reply_to, text, offset: 0, stage, before };
    Frame::write(FrameKind::Draft, None, &piece, None)
}
