//! The body of `generateContent`, after `google.ai.generativelanguage.v1beta`.

use serde::Serialize;

use super::super::ChatRequest;
use super::dialect::PROBE_TEXT;
use super::turns::{Turn, turns};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Instruction>,
    generation_config: GenerationConfig,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

#[derive(Debug, Serialize)]
struct Instruction {
    parts: [InstructionPart; 1],
}

#[derive(Debug, Serialize)]
struct InstructionPart {
    text: String,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Part<'a> {
    Text(&'a str),
    InlineData(Blob),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    mime_type: &'static str,
    data: String,
}

impl<'a> Content<'a> {
    fn new(turn: &Turn<'a>) -> Self {
        let pictures = turn.images.iter().map(|image| {
            Part::InlineData(Blob { mime_type: image.media_type.media_type(), data: image.base64() })
        });
        let texts = turn.texts.iter().map(|text| Part::Text(text));
        let role = if turn.by_model { "model" } else { "user" };
        Self { role, parts: pictures.chain(texts).collect() }
    }
}

impl<'a> Body<'a> {
    pub(super) fn new(chat: &'a ChatRequest, temperature: Option<f32>) -> Self {
        let (instructions, turns) = turns(chat);
        let system_instruction = Some(instructions)
            .filter(|text| !text.is_empty())
            .map(|text| Instruction { parts: [InstructionPart { text }] });
        Self {
            contents: turns.iter().map(Content::new).collect(),
            system_instruction,
            generation_config: GenerationConfig { max_output_tokens: chat.max_output_tokens, temperature },
        }
    }
}

/// What is sent to have its tokens counted.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    contents: [Content<'static>; 1],
}

impl Count {
    pub(super) fn new() -> Self {
        Self { contents: [Content { role: "user", parts: vec![Part::Text(PROBE_TEXT)] }] }
    }
}
