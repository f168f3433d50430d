//! The body of Anthropic's messages, after the wire types of the vendor's client 2.12.

use serde::Serialize;

use super::dialect::PROBE_TEXT;
use super::turns;

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    pub(super) max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<String>,
    pub(super) messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text { text: &'a str },
    Image { source: Picture },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Picture {
    Base64 { media_type: &'static str, data: String },
}

impl<'a> Turn<'a> {
    pub(super) fn new(turn: &turns::Turn<'a>) -> Self {
        let pictures = turn.images.iter().map(|image| Block::Image {
            source: Picture::Base64 { media_type: image.media_type.media_type(), data: image.base64() },
        });
        let texts = turn.texts.iter().map(|text| Block::Text { text });
        let role = if turn.by_model { "assistant" } else { "user" };
        Self { role, content: pictures.chain(texts).collect() }
    }
}

/// What is sent to have its tokens counted.
#[derive(Debug, Serialize)]
pub(super) struct Count<'a> {
    model: &'a str,
    messages: [Turn<'static>; 1],
}

impl<'a> Count<'a> {
    pub(super) fn new(model: &'a str) -> Self {
        let turn = Turn { role: "user", content: vec![Block::Text { text: PROBE_TEXT }] };
        Self { model, messages: [turn] }
    }
}
