//! What is wrong with the settings: all of it at once, each problem with its place.

use std::borrow::Cow;
use std::fmt;

use super::Origin;
use crate::base::{Fault, Kind};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, such as `server.https_listen`; empty when it is about the whole source.
    pub key: String,
    /// Where the value was given.
    pub origin: Origin,
    /// What is wrong with it and what to write instead.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.reason)
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file that was asked for cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Settings are unknown, of the wrong type, or make no sense.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config_unreadable",
            Self::Wrong(_) => "config_wrong",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unreadable { path, .. } => format!("The settings file {path} cannot be read.").into(),
            Self::Wrong(problems) => {
                let settings = if problems.len() == 1 { "One setting is" } else { "Some settings are" };
                format!("{settings} wrong. Nothing was started.").into()
            }
        }
    }

    fn retryable(&self) -> bool {
        false
    }
}
