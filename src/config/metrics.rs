//! `[metrics]`: who may read what is counted.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::key::KeyPlaces;
use super::settings::Finding;
use super::value::{optional_address, optional_path, optional_secret};
use crate::base::Secret;

/// The doors of `/metrics`. Closed when neither is set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Where it is served by itself, without encryption.
    #[serde(deserialize_with = "optional_address")]
    pub listen: Option<SocketAddr>,
    /// The token that must be sent.
    #[serde(deserialize_with = "optional_secret")]
    pub token: Option<Secret>,
    /// The file that holds the token and nothing else.
    #[serde(deserialize_with = "optional_path")]
    pub token_file: Option<PathBuf>,
}

/// A token that can be guessed protects nothing.
const TOKEN_CHARS_MIN: usize = 16;

impl Metrics {
    /// Checks what goes beyond types, and takes in a token that lies elsewhere.
    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let file = self.token_file.clone();
        let places = KeyPlaces {
            what: "the token of the metrics",
            key: &mut self.token,
            variable: None,
            file: file.as_deref(),
        };
        if let Err(reason) = places.find(environment) {
            return vec![("metrics.token", reason)];
        }
        let short = self.token.as_ref().is_some_and(|token| token.expose().len() < TOKEN_CHARS_MIN);
        let reason = format!("at least {TOKEN_CHARS_MIN} characters, such as from `openssl rand -hex 16`");
        short.then_some(("metrics.token", reason)).into_iter().collect()
    }

    /// The whole network can read what is counted.
    pub(super) fn notice(&self) -> Option<Finding> {
        let open = self.listen.filter(|address| !address.ip().is_loopback() && self.token.is_none())?;
        let reason = format!(
            "everybody who reaches {open} can read it: set metrics.token too, or listen on 127.0.0.1"
        );
        Some(("metrics.listen", reason))
    }
}
