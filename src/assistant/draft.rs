//! The answer as far as it is written, shown to those who watch. Nothing of it is stored; pieces may be lost.

use std::time::Duration;

use crate::base::MessageId;
use crate::realtime::{DraftPiece, DraftStage, Frame, FrameKind, Hub, LiveDraft, Topic};

/// How often it is looked whether somebody watches.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One answer in the making. Dropping it takes it off the screens' memory, however the answer ended.
pub(super) struct Draft {
    /// Nothing when nobody is to see it.
    shown: Option<(Hub, Topic)>,
    reply_to: String,
    text: String,
    text_utf16: usize,
}

impl Draft {
    pub(super) fn begin(hub: Hub, topic: Topic, reply_to: MessageId) -> Self {
        let shown = Some((hub, topic));
        let draft = Self { shown, reply_to: reply_to.to_string(), text: String::new(), text_utf16: 0 };
        draft.show("", 0, DraftStage::Searching, None);
        draft
    }

    /// Of an answer that nobody waits for.
    pub(super) fn unseen() -> Self {
        Self { shown: None, reply_to: String::new(), text: String::new(), text_utf16: 0 }
    }

    /// The passages are found; now they are read.
    pub(super) fn reading(&self) {
        self.show("", 0, DraftStage::Reading, None);
    }

    /// The model is busy: so many questions are answered first.
    pub(super) fn waiting(&self, before: usize) {
        self.show("", 0, DraftStage::Waiting, Some(before));
    }

    /// Ends when the visitors who watched have all been gone for `after`; never where nobody watched, as whoever asks without a
    /// connection comes back for the answer.
    pub(super) fn left_alone(&self, after: Duration) -> impl Future<Output = ()> + use<> {
        let watched = self.shown.clone();
        async move {
            let Some((hub, topic)) = watched else { return std::future::pending().await };
            let mut looks = tokio::time::interval(after.min(LOOK_EVERY).max(Duration::from_millis(1)));
            let (mut seen, mut gone_since) = (false, None);
            loop {
                let now = looks.tick().await;
                if hub.presence(topic).visitors > 0 {
                    (seen, gone_since) = (true, None);
                } else if seen && now.duration_since(*gone_since.get_or_insert(now)) >= after {
                    return;
                }
            }
        }
    }

    /// The same text and more.
    pub(super) fn grow_to(&mut self, text: &str) {
        let Some(piece) = text.get(self.text.len()..).filter(|piece| !piece.is_empty()) else { return };
        let offset = self.text_utf16;
        self.text.push_str(piece);
        self.text_utf16 += piece.encode_utf16().count();
        self.show(piece, offset, DraftStage::Writing, None);
    }

    /// Another text in place of all that was shown.
    pub(super) fn replace(&mut self, text: &str) {
        self.text = text.to_owned();
        self.text_utf16 = text.encode_utf16().count();
        self.show(text, 0, DraftStage::Writing, None);
    }

    fn show(&self, piece: &str, offset: usize, stage: DraftStage, before: Option<usize>) {
        let Some((hub, topic)) = &self.shown else { return };
        let (reply_to, text) = (self.reply_to.clone(), piece.to_owned());
        let payload = DraftPiece { reply_to, text, offset, stage, before };
        match Frame::write(FrameKind::Draft, None, &payload, None) {
            Ok(frame) => {
                let live = LiveDraft {
                    reply_to: self.reply_to.clone(),
                    text: self.text.as_str().into(),
                    stage,
                    before,
                };
                hub.set_draft(*topic, live, &frame);
            }
            Err(error) => tracing::warn!(?error, "a piece of a draft was not shown"),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some((hub, topic)) = &self.shown {
            hub.clear_draft(*topic);
        }
    }
}
