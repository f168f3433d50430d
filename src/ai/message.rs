//! What is asked of a model.

use serde::{Deserialize, Serialize};

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
}

impl Message {
    /// Instructions to the model.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self { role: Role::System, text: text.into() }
    }

    /// A person's words.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, text: text.into() }
    }

    /// An earlier answer of the model.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, text: text.into() }
    }
}

/// A conversation to be continued by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// Oldest first; at least one.
    pub messages: Vec<Message>,
    /// The answer is cut off after this many tokens.
    pub max_output_tokens: u32,
    /// 0 to 2. Left out when `None`: some models refuse the field.
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
}
