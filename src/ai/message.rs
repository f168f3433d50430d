//! What is asked of a model.

use serde::{Deserialize, Serialize};

use super::image::{self, Image};

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator of the model: instructions and passages.
    System,
    /// The person who asks.
    User,
    /// The model itself, earlier.
    Assistant,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// By whom.
    pub role: Role,
    /// Plain text.
    pub text: String,
    /// Shown before the text, in this order; only a person shows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

impl Message {
    fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), images: Vec::new() }
    }

    /// Instructions to the model.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    /// A person's words.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// An earlier answer of the model.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// With these pictures.
    #[must_use]
    pub fn with_images(mut self, images: Vec<Image>) -> Self {
        self.images = images;
        self
    }
}

/// A conversation to be continued by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// Oldest first; at least one.
    pub messages: Vec<Message>,
    /// The answer is cut off after this many tokens.
    pub max_output_tokens: u32,
    /// 0 to 2; a provider with a narrower range takes its own end. Left out when `None`: some models refuse the field.
    pub temperature: Option<f32>,
    /// On whose behalf, for the egress ledger; never sent to the model.
    pub tenant: Option<String>,
}

impl ChatRequest {
    /// Bytes of text in all messages.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.text.len()).sum()
    }

    /// What the texts and the pictures weigh together, in bytes of text: for guesses of what a call took.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.text_bytes().saturating_add(self.images().count().saturating_mul(image::IMAGE_WEIGHT_BYTES))
    }

    /// Whether anything is to be looked at, so that only a model with eyes will do.
    #[must_use]
    pub fn has_images(&self) -> bool {
        self.messages.iter().any(|message| !message.images.is_empty())
    }

    /// All pictures, oldest first.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.messages.iter().flat_map(|message| &message.images)
    }

    /// Why the pictures cannot be sent to any model, if they cannot; see [`super::IMAGE_BYTES_MAX`] and its neighbours.
    #[must_use]
    pub fn images_misfit(&self) -> Option<&'static str> {
        let shown = |message: &Message| !message.images.is_empty() && message.role != Role::User;
        if self.messages.iter().any(shown) {
            return Some("only a person shows pictures");
        }
        image::misfit(self.images())
    }
}
