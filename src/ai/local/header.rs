//! What a GGUF file says about itself, read without loading it.
//!
//! The engine trusts a file that it opens; this reads it first, with every length checked, so that what is no model, is cut off
//! or is too large for the machine is refused with a sentence. Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;

const MAGIC: [u8; 4] = *b"GGUF";
/// Versions that this reads; they differ from the first in the size of lengths.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;
/// Keys of the metadata; real files have about 30.
const KEYS_MAX: u64 = 4_096;
/// Weight matrices; the largest models have some thousands.
const TENSORS_MAX: u64 = 65_536;
const KEY_BYTES_MAX: u64 = 1 << 10;
/// A text that is kept; the longest real ones are chat templates.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// Elements of a list; the longest real ones are vocabularies.
const LIST_MAX: u64 = 4 << 20;
const DIMENSIONS_MAX: u32 = 8;

/// Why a file is no model that can be run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum HeaderError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// Another kind of file.
    #[error("it is not a GGUF file")]
    NotGguf,
    /// A GGUF file of a version that is not known.
    #[error("it is a GGUF file of version {0}; versions 2 and 3 can be read")]
    Version(u32),
    /// It ends too early, or a length in it cannot be right.
    #[error("it is damaged or was not copied whole: {0}")]
    Damaged(&'static str),
    /// A model that says too little about itself.
    #[error("it does not say its {0}")]
    Missing(&'static str),
    /// A model that was not taught to answer.
    #[error(
        "it has no chat template, so it continues texts and does not answer questions; use an \"instruct\" or \"chat\" variant"
    )]
    NoChatTemplate,
}

impl From<io::Error> for HeaderError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early"),
            _ => Self::Unreadable(error),
        }
    }
}

/// What a model says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Such as `llama` or `qwen2`.
    pub architecture: String,
    /// Its name, where it says one.
    pub name: Option<String>,
    /// Its licence, where it says one.
    pub licence: Option<String>,
    /// How many weights it has.
    pub parameters: u64,
    /// The longest conversation that it was trained on, in tokens.
    pub context_tokens: u32,
    /// Bytes that a token of a conversation takes in memory, its keys and values at 16 bits.
    pub bytes_per_token: u64,
    /// Tokens that it knows.
    pub vocabulary: u64,
    /// The size of the file in bytes.
    pub file_bytes: u64,
    /// How a conversation is written for it, in Jinja.
    #[serde(skip)]
    pub chat_template: String,
}

/// A value of the metadata, as far as anything here wants it.
enum Value {
    Number(u64),
    Text(String),
    Numbers(Vec<u64>),
    Length(u64),
    Other,
}

impl Header {
    /// Reads the head of `file`.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn read(file: &Path) -> Result<Self, HeaderError> {
        let file = File::open(file)?;
        let bytes = file.metadata()?.len();
        Self::parse(&mut BufReader::new(file), bytes)
    }

    /// The same of anything that can be read and has `bytes` in all.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn parse(from: &mut (impl Read + Seek), bytes: u64) -> Result<Self, HeaderError> {
        let mut magic = [0; 4];
        match from.read_exact(&mut magic) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(HeaderError::NotGguf),
            other => other?,
        }
        if magic != MAGIC {
            return Err(HeaderError::NotGguf);
        }
        let version = u32(from)?;
        if !VERSIONS.contains(&version) {
            return Err(HeaderError::Version(version));
        }
        let (tensors, keys) = (u64(from)?, u64(from)?);
        if tensors == 0 || tensors > TENSORS_MAX || keys > KEYS_MAX {
            return Err(HeaderError::Damaged("it announces an impossible number of parts"));
        }
        let mut said = HashMap::new();
        for _ in 0..keys {
            let key = text(from, KEY_BYTES_MAX)?;
            let kind = u32(from)?;
            said.insert(key, value(from, kind)?);
        }
        let (parameters, last) = weights(from, tensors)?;
        if from.stream_position()?.saturating_add(last) > bytes {
            return Err(HeaderError::Damaged("the file is shorter than its weights"));
        }
        Said(said).header(parameters, bytes)
    }
}

struct Said(HashMap<String, Value>);

impl Said {
    fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        match self.0.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    fn header(&self, parameters: u64, file_bytes: u64) -> Result<Header, HeaderError> {
        let architecture =
            self.text("general.architecture").ok_or(HeaderError::Missing("architecture"))?.to_owned();
        let of = |key: &str| self.number(&format!("{architecture}.{key}"));
        let context = of("context_length").ok_or(HeaderError::Missing("context length"))?;
        let layers = of("block_count").ok_or(HeaderError::Missing("number of layers"))?;
        let width = of("embedding_length").ok_or(HeaderError::Missing("width"))?;
        let heads = of("attention.head_count").unwrap_or(1).max(1);
        let key_width = of("attention.key_length").unwrap_or(width / heads);
        let value_width = of("attention.value_length").unwrap_or(width / heads);
        // One number for all layers, or one for each.
        let heads_kept = match self.0.get(&format!("{architecture}.attention.head_count_kv")) {
            Some(Value::Number(heads)) => heads.saturating_mul(layers),
            Some(Value::Numbers(each)) => each.iter().fold(0, |sum: u64, heads| sum.saturating_add(*heads)),
            _ => heads.saturating_mul(layers),
        };
        let vocabulary = match self.0.get("tokenizer.ggml.tokens") {
            Some(Value::Length(length)) => *length,
            _ => return Err(HeaderError::Missing("vocabulary")),
        };
        Ok(Header {
            name: self.text("general.name").map(str::to_owned),
            licence: self.text("general.license").map(str::to_owned),
            parameters,
            context_tokens: u32::try_from(context).unwrap_or(u32::MAX),
            bytes_per_token: heads_kept
                .saturating_mul(key_width.saturating_add(value_width))
                .saturating_mul(2),
            vocabulary,
            file_bytes,
            chat_template: self
                .text("tokenizer.chat_template")
                .ok_or(HeaderError::NoChatTemplate)?
                .to_owned(),
            architecture,
        })
    }
}

/// How many weights there are, and where the last of them begin, counted from the end of the header.
fn weights(from: &mut impl Read, tensors: u64) -> Result<(u64, u64), HeaderError> {
    let (mut parameters, mut last) = (0_u64, 0);
    for _ in 0..tensors {
        text(from, KEY_BYTES_MAX)?;
        let dimensions = u32(from)?;
        if dimensions > DIMENSIONS_MAX {
            return Err(HeaderError::Damaged("a part of it has an impossible shape"));
        }
        let mut count = 1_u64;
        for _ in 0..dimensions {
            count = count.saturating_mul(u64(from)?);
        }
        u32(from)?;
        parameters = parameters.saturating_add(count);
        last = last.max(u64(from)?);
    }
    Ok((parameters, last))
}

fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N], HeaderError> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u32(from: &mut impl Read) -> Result<u32, HeaderError> {
    Ok(u32::from_le_bytes(array(from)?))
}

fn u64(from: &mut impl Read) -> Result<u64, HeaderError> {
    Ok(u64::from_le_bytes(array(from)?))
}

fn text(from: &mut impl Read, bytes_max: u64) -> Result<String, HeaderError> {
    let length = u64(from)?;
    if length > bytes_max {
        return Err(HeaderError::Damaged("a text in it is impossibly long"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(HeaderError::Damaged("it ends too early"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes of a number of this kind.
fn size(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

fn value(from: &mut (impl Read + Seek), kind: u32) -> Result<Value, HeaderError> {
    Ok(match kind {
        0 | 7 => Value::Number(u64::from(array::<1>(from)?[0])),
        2 => Value::Number(u64::from(u16::from_le_bytes(array(from)?))),
        4 | 5 => Value::Number(u64::from(u32(from)?)),
        10 | 11 => Value::Number(u64(from)?),
        1 | 3 | 6 | 12 => {
            skip(from, size(kind).unwrap_or_default())?;
            Value::Other
        }
        8 => Value::Text(text(from, TEXT_BYTES_MAX)?),
        9 => list(from)?,
        _ => return Err(HeaderError::Damaged("it has a value of an unknown kind")),
    })
}

fn list(from: &mut (impl Read + Seek)) -> Result<Value, HeaderError> {
    let (kind, length) = (u32(from)?, u64(from)?);
    if length > LIST_MAX {
        return Err(HeaderError::Damaged("a list in it is impossibly long"));
    }
    match kind {
        // Heads in each layer; nothing else is wanted of a list but its length.
        4 | 5 => (0..length).map(|_| u32(from).map(u64::from)).collect::<Result<_, _>>().map(Value::Numbers),
        8 => {
            for _ in 0..length {
                let bytes = u64(from)?;
                skip(from, bytes)?;
            }
            Ok(Value::Length(length))
        }
        _ => {
            let size = size(kind).ok_or(HeaderError::Damaged("it has a list of an unknown kind"))?;
            skip(from, length.saturating_mul(size))?;
            Ok(Value::Length(length))
        }
    }
}

fn skip(from: &mut impl Seek, bytes: u64) -> Result<(), HeaderError> {
    let bytes = i64::try_from(bytes).ok().filter(|bytes| *bytes <= 1 << 40);
    let bytes = bytes.ok_or(HeaderError::Damaged("a part of it is impossibly long"))?;
    from.seek(SeekFrom::Current(bytes))?;
    Ok(())
}
