//! One layer of settings: each leaf (`section.key`) with its value and where it was given.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use toml::Value;
use toml::de::DeTable;

use super::Problem;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In a file.
    File {
        /// Which.
        path: String,
        /// Counted from 1.
        line: usize,
    },
    /// In the environment.
    Environment {
        /// The variable.
        name: String,
    },
    /// On the command line.
    Flag {
        /// The flag.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment { name } | Self::Flag { name } => f.write_str(name),
        }
    }
}

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The leaves of one layer by their key.
pub(super) type Layer = BTreeMap<String, Leaf>;

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Reads a TOML document. `place` says what a line of it is called. What is not a leaf of a section is a problem.
pub(super) fn parse(text: &str, place: &dyn Fn(usize) -> Origin) -> Result<Layer, Vec<Problem>> {
    let broken = |error: &toml::de::Error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        vec![Problem { key: String::new(), origin: place(line), reason: error.message().to_owned() }]
    };
    let spans = DeTable::parse(text).map_err(|error| broken(&error))?;
    let values: toml::Table = toml::from_str(text).map_err(|error| broken(&error))?;
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for (section, content) in spans.get_ref() {
        let origin = place(line_of(text, section.span().start));
        let (name, keys) = (section.get_ref().as_ref(), content.get_ref().as_table());
        let (Some(keys), Some(Value::Table(values))) = (keys, values.get(name)) else {
            let reason = "settings belong to a section; write them below its [name]".to_owned();
            problems.push(Problem { key: name.to_owned(), origin, reason });
            continue;
        };
        for key in keys.keys() {
            let origin = place(line_of(text, key.span().start));
            if let Some(value) = values.get(key.get_ref().as_ref()) {
                layer.insert(format!("{name}.{}", key.get_ref()), Leaf { value: value.clone(), origin });
            }
        }
    }
    if problems.is_empty() { Ok(layer) } else { Err(problems) }
}

/// Reads a value that was given as plain text, of the type that `like` has.
pub(super) fn parse_text(text: &str, like: &Value) -> Result<Value, String> {
    let as_toml = |text: &str| {
        toml::from_str::<toml::Table>(&format!("value = {text}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .ok_or_else(|| format!("\"{text}\" is not {}", kind_of(like)))
    };
    match like {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Array(_) if !text.trim_start().starts_with('[') => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        _ => as_toml(text),
    }
}

/// What a value of this type is called.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// Whether `value` can stand where `like` does.
pub(super) fn fits(value: &Value, like: &Value) -> bool {
    value.same_type(like) || (like.is_float() && value.is_integer())
}
