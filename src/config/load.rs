//! Lays the layers over each other and reads the result.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use toml::Value;

use super::layer::{self, Layer, Leaf, fits, kind_of, parse_text};
use super::settings::Finding;
use super::{DEFAULTS, Error, Origin, Problem, Settings, report};

/// The variable that names the file, in place of the flag `--config`.
pub const FILE_VARIABLE: &str = "FRONTDESK_CONFIG";
/// The variable that stands for the flag `--recovery` of `serve`.
pub const RECOVERY_VARIABLE: &str = "FRONTDESK_RECOVERY";
const VARIABLE_PREFIX: &str = "FRONTDESK_";
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct FlagValue {
    /// The flag, such as `--listen`.
    pub flag: String,
    /// The setting, such as `server.https_listen`.
    pub key: String,
    /// The value as text.
    pub text: String,
}

/// Where settings are looked for.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file that must exist.
    pub file: Option<PathBuf>,
    /// Files of which the first that exists is read, when none is named.
    pub usual_files: Vec<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub flags: Vec<FlagValue>,
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// `section.key`.
    pub key: String,
    /// As TOML, secrets replaced.
    pub shown: String,
    /// Where it was given.
    pub origin: Origin,
}

/// Settings that make sense.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the program reads.
    pub settings: Settings,
    /// What people look at, by key.
    pub values: Vec<Setting>,
    /// What is no mistake and yet will not do what it seems to; see [`Settings::notices`].
    pub notices: Vec<Problem>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// Whether nobody has set `key`.
    #[must_use]
    pub fn is_default(&self, key: &str) -> bool {
        self.values.iter().any(|setting| setting.key == key && setting.origin == Origin::Default)
    }
}

/// Reads the settings.
///
/// # Errors
/// [`Error::Unreadable`] for the file that was named; [`Error::Wrong`] with everything that is wrong.
pub fn load(sources: &Sources) -> Result<Loaded, Error> {
    let defaults = layer::parse(DEFAULTS, &|_| Origin::Default).map_err(Error::Wrong)?;
    let mut problems = Vec::new();
    let mut merged = defaults.clone();
    let file = file_of(sources);
    if let Some(path) = &file {
        let text = read(path)?;
        let place = |line| Origin::File { path: path.display().to_string(), line };
        match layer::parse(&text, &place) {
            Ok(layer) => lay_over(&mut merged, &defaults, layer, &mut problems),
            Err(found) => problems.extend(found),
        }
    }
    let environment = from_environment(&sources.environment, &defaults, &mut problems);
    lay_over(&mut merged, &defaults, environment, &mut problems);
    let flags = from_flags(&sources.flags, &defaults, &mut problems);
    lay_over(&mut merged, &defaults, flags, &mut problems);
    let settings = interpret(&merged, &defaults, sources, &mut problems);
    match settings {
        Some(mut settings) if problems.is_empty() => {
            settings.file.clone_from(&file);
            let values = report::values(&merged);
            let placed = |finding| placed(finding, &merged, &defaults);
            let notices = settings.notices().into_iter().map(placed).collect();
            Ok(Loaded { settings, values, notices, file })
        }
        _ => Err(Error::Wrong(problems)),
    }
}

fn file_of(sources: &Sources) -> Option<PathBuf> {
    let named = sources.file.clone().or_else(|| {
        let variable = sources.environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        variable.map(|(_, path)| PathBuf::from(path))
    });
    named.or_else(|| sources.usual_files.iter().find(|path| path.is_file()).cloned())
}

fn read(path: &Path) -> Result<String, Error> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(|source| Error::Unreadable { path: path.display().to_string(), source })?;
    Ok(text)
}

fn from_environment(variables: &[(String, String)], defaults: &Layer, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::new();
    for (name, text) in variables {
        let Some(rest) =
            name.strip_prefix(VARIABLE_PREFIX).filter(|_| name != FILE_VARIABLE && name != RECOVERY_VARIABLE)
        else {
            continue;
        };
        let key = rest.to_ascii_lowercase().replacen("__", ".", 1);
        let origin = Origin::Environment { name: name.clone() };
        add_text(&mut layer, defaults, key, text, origin, problems);
    }
    layer
}

fn from_flags(flags: &[FlagValue], defaults: &Layer, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::new();
    for flag in flags {
        let origin = Origin::Flag { name: flag.flag.clone() };
        add_text(&mut layer, defaults, flag.key.clone(), &flag.text, origin, problems);
    }
    layer
}

fn add_text(
    layer: &mut Layer,
    defaults: &Layer,
    key: String,
    text: &str,
    origin: Origin,
    problems: &mut Vec<Problem>,
) {
    // What is not known is kept, so that it is reported like an unknown key of a file.
    let like = defaults.get(&key).map_or(Value::String(String::new()), |leaf| leaf.value.clone());
    match parse_text(text, &like) {
        Ok(value) => {
            layer.insert(key, Leaf { value, origin });
        }
        Err(reason) => problems.push(Problem { key, origin, reason }),
    }
}

fn lay_over(merged: &mut Layer, defaults: &Layer, layer: Layer, problems: &mut Vec<Problem>) {
    for (key, leaf) in layer {
        let reason = match defaults.get(&key) {
            None => unknown(&key, defaults),
            Some(default) if !fits(&leaf.value, &default.value) => {
                format!("expected {}, found {}", kind_of(&default.value), kind_of(&leaf.value))
            }
            Some(_) => {
                merged.insert(key, leaf);
                continue;
            }
        };
        problems.push(Problem { key, origin: leaf.origin, reason });
    }
}

fn unknown(key: &str, defaults: &Layer) -> String {
    let name = key.rsplit('.').next().unwrap_or(key);
    let alike = defaults.keys().find(|known| known.rsplit('.').next() == Some(name));
    match alike {
        Some(alike) => format!("there is no such setting; did you mean {alike}?"),
        None => "there is no such setting".to_owned(),
    }
}

/// Writes the merged leaves as one document, whose places lead back to where each value was given, and reads it.
fn interpret(
    merged: &Layer,
    defaults: &Layer,
    sources: &Sources,
    problems: &mut Vec<Problem>,
) -> Option<Settings> {
    let mut text = String::new();
    let mut places = Vec::new();
    let mut section = "";
    for (key, leaf) in merged {
        let (leaf_section, name) = key.split_once('.').unwrap_or(("", key));
        if leaf_section != section {
            _ = writeln!(text, "[{leaf_section}]");
            section = leaf_section;
        }
        let start = text.len();
        _ = writeln!(text, "{name} = {}", leaf.value);
        places.push((start..text.len(), key, leaf));
    }
    let mut settings: Settings = match toml::from_str(&text) {
        Ok(settings) => settings,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let place = places.iter().find(|(range, ..)| range.contains(&at));
            let (key, origin) = place.map_or((String::new(), Origin::Default), |(_, key, leaf)| {
                ((*key).clone(), leaf.origin.clone())
            });
            problems.push(Problem { key, origin, reason: error.message().to_owned() });
            return None;
        }
    };
    let found = settings.check(&sources.environment);
    problems.extend(found.into_iter().map(|finding| placed(finding, merged, defaults)));
    Some(settings)
}

/// A finding with the place where its setting was given.
fn placed((key, reason): Finding, merged: &Layer, defaults: &Layer) -> Problem {
    let leaf = merged.get(key).or_else(|| defaults.get(key));
    let origin = leaf.map_or(Origin::Default, |leaf| leaf.origin.clone());
    Problem { key: key.to_owned(), origin, reason }
}
