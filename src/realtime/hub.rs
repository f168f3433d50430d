//! Topics and who listens to them.
//!
//! Everything about a topic happens under one lock, and nothing under it waits: so all listeners of a topic see the
//! same frames in the same order, a newcomer sees exactly what came after it joined, and the draft that it is handed
//! fits the pieces that follow. Topics are spread over shards so that conversations do not wait for one another.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::Error;
use super::frame::{DraftStage, Frame, FrameKind, Presence, Side};
use crate::base::{ConversationId, TenantId};

const SHARDS: usize = 16;

/// What is listened to: a conversation of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub conversation: ConversationId,
}

/// How much the hub takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all.
    pub connections_max: usize,
    /// Open connections of one topic.
    pub topic_connections_max: usize,
    /// Frames that wait for one connection; one more and it is dropped.
    pub backlog_frames_max: usize,
    /// Answers that are being written at once; the drafts of more are not kept.
    pub drafts_max: usize,
    /// Bytes of a draft that is kept for newcomers; a longer one is not.
    pub draft_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            topic_connections_max: 64,
            backlog_frames_max: 256,
            drafts_max: 1_000,
            draft_bytes_max: 256 * 1024,
        }
    }
}

/// An answer that is being written, as far as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveDraft {
    /// While it waits: how many questions are answered first.
    pub before: Option<usize>,
    /// The message that is being answered.
    pub reply_to: String,
    /// The whole text so far.
    pub text: Arc<str>,
    /// How far the answer is.
    pub stage: DraftStage,
}

/// Why no more frames come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The connection read too slowly and was dropped. It may come back and resume.
    #[error("the connection read too slowly")]
    Lagged,
    /// The server is going away.
    #[error("the hub is closed")]
    Closed,
}

struct Listener {
    id: u64,
    side: Side,
    frames: mpsc::Sender<Frame>,
    lagged: Arc<AtomicBool>,
}

#[derive(Default)]
struct Room {
    listeners: Vec<Listener>,
    draft: Option<LiveDraft>,
}

impl Room {
    fn presence(&self) -> Presence {
        let on = |side| self.listeners.iter().filter(|listener| listener.side == side).count();
        Presence { members: on(Side::Member), visitors: on(Side::Visitor) }
    }

    /// Hands `frame` to everybody and drops those that have no room for it.
    fn send(&mut self, frame: &Frame) {
        self.listeners.retain(|listener| match listener.frames.try_send(frame.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                listener.lagged.store(true, Ordering::Release);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
    }

    /// Hands `frame` to everybody; if that drops somebody, those who stay are told who is still here.
    fn publish(&mut self, frame: &Frame) {
        let before = self.listeners.len();
        self.send(frame);
        if self.listeners.len() < before {
            self.tell_presence();
        }
    }

    /// At most as often as there are listeners to drop.
    fn tell_presence(&mut self) {
        let mut told = None;
        while told != Some(self.listeners.len()) && !self.listeners.is_empty() {
            told = Some(self.listeners.len());
            if let Ok(frame) = Frame::write(FrameKind::Presence, None, &self.presence(), None) {
                self.send(&frame);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.listeners.is_empty() && self.draft.is_none()
    }
}

struct Inner {
    limits: Limits,
    shards: [Mutex<HashMap<Topic, Room>>; SHARDS],
    hasher: RandomState,
    connections: AtomicUsize,
    drafts: AtomicUsize,
    next_id: AtomicU64,
    closed: AtomicBool,
}

/// The hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl Hub {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            shards: Default::default(),
            hasher: RandomState::new(),
            connections: AtomicUsize::new(0),
            drafts: AtomicUsize::new(0),
            next_id: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }))
    }

    /// Listens to `topic` from now on. Everybody there is told the new presence, the newcomer too.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::TopicFull`].
    pub fn subscribe(&self, topic: Topic, side: Side) -> Result<Subscription, Error> {
        let connections_max = self.0.limits.connections_max;
        if !take(&self.0.connections, connections_max) {
            return Err(Error::Full { connections_max });
        }
        // From here on the place is given back by the subscription's destructor.
        let (frames, waiting) = mpsc::channel(self.0.limits.backlog_frames_max.max(1));
        let lagged = Arc::new(AtomicBool::new(false));
        let mut subscription = Subscription {
            inner: Arc::clone(&self.0),
            topic,
            id: self.0.next_id.fetch_add(1, Ordering::Relaxed),
            lagged: Arc::clone(&lagged),
            waiting,
            draft: None,
            presence: Presence::default(),
        };
        let mut shard = self.0.shard(topic).lock();
        if self.0.closed.load(Ordering::Acquire) {
            drop(shard);
            return Ok(subscription);
        }
        let room = shard.entry(topic).or_default();
        let connections_max = self.0.limits.topic_connections_max;
        if room.listeners.len() >= connections_max {
            // The destructor takes the lock that is held here.
            drop(shard);
            return Err(Error::TopicFull { connections_max });
        }
        room.listeners.push(Listener { id: subscription.id, side, frames, lagged });
        room.tell_presence();
        subscription.draft.clone_from(&room.draft);
        subscription.presence = room.presence();
        drop(shard);
        Ok(subscription)
    }

    /// Hands `frame` to everybody who listens to `topic`.
    pub fn publish(&self, topic: Topic, frame: &Frame) {
        self.0.with_room(topic, |room| room.publish(frame));
    }

    /// Keeps the whole text of an answer that is being written for those who come later, and hands `piece` to those
    /// who are here.
    pub fn set_draft(&self, topic: Topic, draft: LiveDraft, piece: &Frame) {
        let mut shard = self.0.shard(topic).lock();
        let keep =
            draft.text.len() <= self.0.limits.draft_bytes_max && !self.0.closed.load(Ordering::Acquire);
        let is_new = shard.get(&topic).is_none_or(|room| room.draft.is_none());
        if keep && (!is_new || take(&self.0.drafts, self.0.limits.drafts_max)) {
            shard.entry(topic).or_default().draft = Some(draft);
        } else if !keep && let Some(room) = shard.get_mut(&topic) {
            self.0.forget_draft(room);
        }
        if let Some(room) = shard.get_mut(&topic) {
            room.publish(piece);
            if room.is_empty() {
                shard.remove(&topic);
            }
        }
    }

    /// The answer is stored or given up.
    pub fn clear_draft(&self, topic: Topic) {
        let inner = &self.0;
        inner.with_room(topic, |room| inner.forget_draft(room));
    }

    /// The answer that is being written in `topic`.
    #[must_use]
    pub fn draft(&self, topic: Topic) -> Option<LiveDraft> {
        self.0.shard(topic).lock().get(&topic).and_then(|room| room.draft.clone())
    }

    /// Who listens to `topic`.
    #[must_use]
    pub fn presence(&self, topic: Topic) -> Presence {
        self.0.shard(topic).lock().get(&topic).map(Room::presence).unwrap_or_default()
    }

    /// Open connections in all.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Acquire)
    }

    /// Topics that somebody listens to or that have a draft.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.0.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Ends the subscriptions of a tenant, once they have read what waits for them, and forgets its drafts.
    pub fn end_tenant(&self, tenant: TenantId) {
        for shard in &self.0.shards {
            shard.lock().retain(|topic, room| {
                if topic.tenant == tenant {
                    self.0.forget_draft(room);
                }
                topic.tenant != tenant
            });
        }
    }

    /// Ends all subscriptions, once they have read what waits for them, and all that come later.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        for shard in &self.0.shards {
            let mut rooms = shard.lock();
            for room in rooms.values_mut() {
                self.0.forget_draft(room);
            }
            rooms.clear();
        }
    }
}

/// Takes one of `max` places.
fn take(taken: &AtomicUsize, max: usize) -> bool {
    let one_more = |taken| (taken < max).then_some(taken + 1);
    taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
}

impl Inner {
    fn shard(&self, topic: Topic) -> &Mutex<HashMap<Topic, Room>> {
        let place = usize::try_from(self.hasher.hash_one(topic) % SHARDS as u64).unwrap_or(0);
        let [first, ..] = &self.shards;
        self.shards.get(place).unwrap_or(first)
    }

    fn forget_draft(&self, room: &mut Room) {
        if room.draft.take().is_some() {
            self.drafts.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn with_room(&self, topic: Topic, act: impl FnOnce(&mut Room)) {
        let mut shard = self.shard(topic).lock();
        if let Some(room) = shard.get_mut(&topic) {
            act(room);
            if room.is_empty() {
                shard.remove(&topic);
            }
        }
    }
}

/// A place among the listeners of a topic. Dropping it leaves, and tells those who stay.
pub struct Subscription {
    inner: Arc<Inner>,
    topic: Topic,
    id: u64,
    lagged: Arc<AtomicBool>,
    waiting: mpsc::Receiver<Frame>,
    draft: Option<LiveDraft>,
    presence: Presence,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("topic", &self.topic)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// The answer that was being written at the moment of joining. Pieces that come later continue it.
    #[must_use]
    pub fn draft(&self) -> Option<&LiveDraft> {
        self.draft.as_ref()
    }

    /// Who was here at the moment of joining, this one included.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.presence
    }

    /// Waits for the next frame. Cancel safe.
    ///
    /// # Errors
    /// [`Ended`], after all frames that were waiting.
    pub async fn next(&mut self) -> Result<Frame, Ended> {
        self.waiting.recv().await.ok_or_else(|| self.why())
    }

    /// The next frame if one waits.
    ///
    /// # Errors
    /// [`Ended`], after all frames that were waiting.
    pub fn try_next(&mut self) -> Result<Option<Frame>, Ended> {
        match self.waiting.try_recv() {
            Ok(frame) => Ok(Some(frame)),
            Err(mpsc::error::TryRecvError::Empty) => Ok(None),
            Err(mpsc::error::TryRecvError::Disconnected) => Err(self.why()),
        }
    }

    fn why(&self) -> Ended {
        if self.lagged.load(Ordering::Acquire) { Ended::Lagged } else { Ended::Closed }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inner.with_room(self.topic, |room| {
            let before = room.listeners.len();
            room.listeners.retain(|listener| listener.id != self.id);
            if room.listeners.len() < before {
                room.tell_presence();
            }
        });
        self.inner.connections.fetch_sub(1, Ordering::AcqRel);
    }
}
