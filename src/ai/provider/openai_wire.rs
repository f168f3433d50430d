//! The body of a chat completion, after OpenAI's API description 2.3.0.

use serde::Serialize;

use super::super::{ChatRequest, Image, Message, Role};

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
}

#[derive(Debug, Serialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    content: Content<'a>,
}

/// A plain text where there is no picture: some servers know no parts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Debug, Serialize)]
struct ImageUrl {
    /// A data URL (RFC 2397).
    url: String,
}

impl<'a> Turn<'a> {
    fn new(message: &'a Message) -> Self {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        if message.images.is_empty() {
            return Self { role, content: Content::Text(&message.text) };
        }
        let mut parts: Vec<_> = message.images.iter().map(picture).collect();
        if !message.text.trim().is_empty() {
            parts.push(Part::Text { text: &message.text });
        }
        Self { role, content: Content::Parts(parts) }
    }

    pub(super) fn all(chat: &'a ChatRequest) -> Vec<Self> {
        chat.messages.iter().map(Self::new).collect()
    }
}

fn picture(image: &Image) -> Part<'static> {
    let url = format!("data:{};base64,{}", image.media_type.media_type(), image.base64());
    Part::ImageUrl { image_url: ImageUrl { url } }
}
