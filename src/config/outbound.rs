//! `[outbound]`: what may be contacted.

use serde::Deserialize;

/// The allow-list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    /// The only hosts that may be contacted.
    pub allow: Vec<AllowedHost>,
    /// Contact nothing but this machine.
    pub air_gapped: bool,
}

/// One entry of the allow-list, as the outbound client judges it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedHost {
    /// `host` or `host:port`.
    pub address: String,
    /// Whether it may have a private or loopback address.
    #[serde(default)]
    pub private: bool,
    /// Whether unencrypted HTTP may be spoken.
    #[serde(default)]
    pub plain_http: bool,
}
