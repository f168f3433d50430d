//! The pictures that a model is shown with a question: its own, and those of the last messages before it.
//!
//! Read from disk once for an answer, whichever models are asked. A picture that cannot be read is left out and logged:
//! an answer to the words is better than none.

use std::collections::HashMap;

use crate::ai::{self, IMAGE_BYTES_MAX, IMAGES_BYTES_MAX};
use crate::base::MessageId;
use crate::conversations::{Image, Message};
use crate::files;
use crate::store::Keyspace;

/// Pictures in one request.
const IMAGES_MAX: usize = 8;
/// So many of the messages before the question are shown with their pictures: what was looked at longer ago is in the answers.
const MESSAGES_SHOWN_MAX: usize = 4;
/// In place of the words of somebody who only showed something.
const ONLY_SHOWN: &str = "(The customer sent only what the picture shows.)";

/// What is shown beside the words.
#[derive(Debug, Default)]
pub(super) struct Images {
    question: Vec<ai::Image>,
    earlier: HashMap<MessageId, Vec<ai::Image>>,
    /// What the question's pictures show, in words, once a model has looked at them.
    pub(super) looked: Option<String>,
}

impl Images {
    /// The pictures of `question` and of the end of `history`, as many as one request takes, the newest first.
    pub(super) async fn load(keyspace: &Keyspace, question: &Message, history: &[Message]) -> Self {
        let mut images = Self::default();
        let (mut left, mut bytes_left) = (IMAGES_MAX, IMAGES_BYTES_MAX);
        let messages = history.iter().rev().take(MESSAGES_SHOWN_MAX);
        for message in std::iter::once(question).chain(messages) {
            let mut shown = Vec::new();
            for image in message.images.iter().take(left) {
                let size_bytes = usize::try_from(image.size_bytes).unwrap_or(usize::MAX);
                if size_bytes <= bytes_left
                    && let Some(read) = read(keyspace, image).await
                {
                    (left, bytes_left) = (left - 1, bytes_left - read.bytes.len().min(bytes_left));
                    shown.push(read);
                }
            }
            if message.id == question.id {
                images.question = shown;
            } else if !shown.is_empty() {
                images.earlier.insert(message.id, shown);
            }
        }
        images
    }

    /// All of them together.
    pub(super) fn count(&self) -> usize {
        self.question.len() + self.earlier.values().map(Vec::len).sum::<usize>()
    }

    pub(super) fn of_question(&self) -> Vec<ai::Image> {
        self.question.clone()
    }

    pub(super) fn of(&self, message: MessageId) -> Vec<ai::Image> {
        self.earlier.get(&message).cloned().unwrap_or_default()
    }

    /// What is asked, in words, of a model that sees the pictures or one that does not.
    pub(super) fn told(&self, question: &str, sees: bool) -> String {
        let question = question.trim();
        match (&self.looked, self.question.is_empty()) {
            (_, true) => question.to_owned(),
            (Some(looked), false) if !sees => {
                format!("{question}\n\n(With a picture, which was described as: {looked})").trim().to_owned()
            }
            (None, false) if !sees => {
                format!("{question}\n\n(With a picture, which you cannot see.)").trim().to_owned()
            }
            _ if question.is_empty() => ONLY_SHOWN.to_owned(),
            _ => question.to_owned(),
        }
    }
}

async fn read(keyspace: &Keyspace, image: &Image) -> Option<ai::Image> {
    match files::read(keyspace, image.blob, IMAGE_BYTES_MAX as u64).await {
        Ok(bytes) => Some(ai::Image { media_type: image.media_type, bytes }),
        Err(error) => {
            tracing::error!(image = %image.id, ?error, "a picture of the conversation cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::ImageType;

    #[test]
    fn a_model_without_eyes_is_told_what_a_picture_shows_or_that_there_is_one() {
        let image = ai::Image { media_type: ImageType::Png, bytes: vec![1].into() };
        let mut images = Images { question: vec![image], ..Images::default() };
        assert_eq!(images.told(" What is this? ", true), "What is this?");
        assert_eq!(images.told("", true), ONLY_SHOWN);
        assert!(images.told("What is this?", false).contains("which you cannot see"));
        images.looked = Some("Error E-17".into());
        assert!(images.told("", false).starts_with("(With a picture, which was described as: Error E-17"));
        assert_eq!(images.told("What is this?", true), "What is this?");
        assert_eq!(Images::default().told("Why?", false), "Why?");
    }
}
