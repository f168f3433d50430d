//! Makes small language models for tests: GGUF files of half a megabyte that a real engine loads and runs.
//!
//! A model made here writes one text, word by word, whatever it reads: its layers add nothing, and its output matrix leads from each
//! word to the next one. Its template is ChatML, and it knows every byte, so it reads any prompt.

use std::path::Path;

const WIDTH: usize = 64;
const LAYERS: usize = 2;
const FEED_FORWARD: usize = 128;
/// Where each tensor begins.
const ALIGNMENT: usize = 32;
/// Kinds of tokens.
const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const BYTE: i32 = 6;

const CHAT_TEMPLATE: &str = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n\
                             {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// What a made model is like.
#[derive(Clone)]
pub(crate) struct Made {
    /// What it writes, each word of it different; it never ends where there are none.
    pub(crate) text: &'static str,
    /// Its template; none for a model that was not taught to answer.
    pub(crate) template: Option<&'static str>,
    /// What it says it was trained on.
    pub(crate) context_tokens: u32,
    pub(crate) architecture: &'static str,
}

impl Made {
    pub(crate) fn saying(text: &'static str) -> Self {
        Self { text, template: Some(CHAT_TEMPLATE), context_tokens: 4_096, architecture: "llama" }
    }

    pub(crate) fn write(&self, file: &Path) {
        std::fs::write(file, self.bytes()).unwrap();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let tokens = self.tokens();
        let tensors = tensors(&tokens, self.text.split_whitespace().count());
        let mut head = Vec::new();
        head.extend(b"GGUF");
        head.extend(3_u32.to_le_bytes());
        head.extend((tensors.len() as u64).to_le_bytes());
        let said = self.said(&tokens);
        head.extend((said.len() as u64).to_le_bytes());
        said.into_iter().for_each(|pair| head.extend(pair));
        let mut offset = 0_u64;
        for (name, shape, data) in &tensors {
            text(&mut head, name);
            head.extend((shape.len() as u32).to_le_bytes());
            shape.iter().for_each(|size| head.extend((*size as u64).to_le_bytes()));
            // Whole floats.
            head.extend(0_u32.to_le_bytes());
            head.extend(offset.to_le_bytes());
            offset += (data.len() * 4).next_multiple_of(ALIGNMENT) as u64;
        }
        for (_, _, data) in &tensors {
            head.resize(head.len().next_multiple_of(ALIGNMENT), 0);
            data.iter().for_each(|value| head.extend(value.to_le_bytes()));
        }
        head
    }

    fn tokens(&self) -> Vec<(String, i32)> {
        let mut tokens = vec![("<unk>".to_owned(), UNKNOWN)];
        tokens.extend(["<s>", "</s>", "<|im_start|>", "<|im_end|>"].map(|text| (text.to_owned(), CONTROL)));
        tokens.extend((0..=255_u8).map(|byte| (format!("<0x{byte:02X}>"), BYTE)));
        tokens.extend(self.text.split_whitespace().map(|word| (format!("▁{word}"), NORMAL)));
        tokens
    }

    fn said(&self, tokens: &[(String, i32)]) -> Vec<Vec<u8>> {
        let key = |name: &str| format!("{}.{name}", self.architecture);
        let mut said = vec![
            string("general.architecture", self.architecture),
            string("general.name", "Made for a test"),
            string("general.license", "apache-2.0"),
            number(&key("block_count"), LAYERS as u32),
            number(&key("context_length"), self.context_tokens),
            number(&key("embedding_length"), WIDTH as u32),
            number(&key("feed_forward_length"), FEED_FORWARD as u32),
            number(&key("attention.head_count"), 4),
            number(&key("attention.head_count_kv"), 4),
            number(&key("rope.dimension_count"), 16),
            pair(&key("attention.layer_norm_rms_epsilon"), 6, &1e-5_f32.to_le_bytes()),
            string("tokenizer.ggml.model", "llama"),
            list("tokenizer.ggml.tokens", 8, tokens.len(), |into| {
                tokens.iter().for_each(|(token, _)| text(into, token));
            }),
            list("tokenizer.ggml.scores", 6, tokens.len(), |into| {
                tokens.iter().for_each(|_| into.extend(0_f32.to_le_bytes()));
            }),
            list("tokenizer.ggml.token_type", 5, tokens.len(), |into| {
                tokens.iter().for_each(|(_, kind)| into.extend(kind.to_le_bytes()));
            }),
            number("tokenizer.ggml.unknown_token_id", 0),
            number("tokenizer.ggml.bos_token_id", 1),
            number("tokenizer.ggml.eos_token_id", 4),
            pair("tokenizer.ggml.add_bos_token", 7, &[0]),
            pair("tokenizer.ggml.add_space_prefix", 7, &[0]),
        ];
        said.extend(self.template.map(|template| string("tokenizer.chat_template", template)));
        said
    }
}

type Tensor = (String, Vec<usize>, Vec<f32>);

/// Each word leads to the next, the end of the prompt to the first, and the last to the end of the turn.
fn tensors(tokens: &[(String, i32)], words: usize) -> Vec<Tensor> {
    let mut seed = 0x9e37_79b9_u32;
    let mut sign = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if seed >> 31 == 0 { 1.0 } else { -1.0 }
    };
    let embeddings: Vec<f32> = (0..tokens.len() * WIDTH).map(|_| sign()).collect();
    let mut output = vec![0.0; tokens.len() * WIDTH];
    let (line_end, end) = (5 + usize::from(b'\n'), 4);
    let first = tokens.len() - words;
    let mut chain: Vec<usize> = vec![line_end];
    chain.extend(first..tokens.len());
    if words == 0 {
        // For ever.
        chain.extend([5 + usize::from(b'a'), 5 + usize::from(b'b'), 5 + usize::from(b'a')]);
    } else {
        chain.push(end);
    }
    for (from, to) in chain.iter().zip(chain.iter().skip(1)) {
        for at in 0..WIDTH {
            output[to * WIDTH + at] = embeddings[from * WIDTH + at];
        }
    }
    let zeros = |rows: usize, columns: usize| (vec![columns, rows], vec![0.0; rows * columns]);
    let ones = || (vec![WIDTH], vec![1.0; WIDTH]);
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), vec![WIDTH, tokens.len()], embeddings),
        ("output_norm.weight".to_owned(), ones().0, ones().1),
        ("output.weight".to_owned(), vec![WIDTH, tokens.len()], output),
    ];
    for layer in 0..LAYERS {
        let parts = [
            ("attn_norm", ones()),
            ("attn_q", zeros(WIDTH, WIDTH)),
            ("attn_k", zeros(WIDTH, WIDTH)),
            ("attn_v", zeros(WIDTH, WIDTH)),
            ("attn_output", zeros(WIDTH, WIDTH)),
            ("ffn_norm", ones()),
            ("ffn_gate", zeros(FEED_FORWARD, WIDTH)),
            ("ffn_up", zeros(FEED_FORWARD, WIDTH)),
            ("ffn_down", zeros(WIDTH, FEED_FORWARD)),
        ];
        tensors.extend(
            parts
                .into_iter()
                .map(|(name, (shape, data))| (format!("blk.{layer}.{name}.weight"), shape, data)),
        );
    }
    tensors
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.extend((text.len() as u64).to_le_bytes());
    into.extend(text.as_bytes());
}

fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    text(&mut bytes, key);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(value);
    bytes
}

fn string(key: &str, value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    text(&mut bytes, value);
    pair(key, 8, &bytes)
}

fn number(key: &str, value: u32) -> Vec<u8> {
    pair(key, 4, &value.to_le_bytes())
}

fn list(key: &str, kind: u32, length: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend((length as u64).to_le_bytes());
    fill(&mut bytes);
    pair(key, 9, &bytes)
}
