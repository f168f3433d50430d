//! `[server]`: the doors.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use super::settings::Finding;
use super::value::{optional_address, optional_path, optional_url};

/// Whether browsers are told to come back over HTTPS only (`Strict-Transport-Security`, RFC 6797).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportSecurity {
    /// With the site's certificate, if somebody else has signed it: a browser that remembers this lets nobody past a certificate
    /// that it does not know.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Addresses, names and certificates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where HTTPS is served.
    pub https_listen: SocketAddr,
    /// Where plain HTTP is led to HTTPS.
    #[serde(deserialize_with = "optional_address")]
    pub http_listen: Option<SocketAddr>,
    /// How people reach it, if that was said; see [`Server::public_address`].
    #[serde(deserialize_with = "optional_url")]
    pub public_url: Option<Url>,
    /// Further host names and addresses in the own certificate.
    pub names: Vec<String>,
    /// The site's certificate chain, PEM.
    #[serde(deserialize_with = "optional_path")]
    pub certificate_file: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(deserialize_with = "optional_path")]
    pub private_key_file: Option<PathBuf>,
    /// Whether browsers are told to come back over HTTPS only.
    pub hsts: TransportSecurity,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections open at a time.
    pub connections_max: usize,
    /// What the process may hold before heavy work is put off, in bytes; 0 for three quarters of the machine's.
    pub memory_bytes_max: u64,
    /// How long requests may take to finish at the end.
    pub drain_s: u64,
}

/// Below this nothing heavy would ever be done.
const MEMORY_BYTES_MIN: u64 = 64 << 20;

impl Server {
    /// The address without path that people reach the appliance under, given the port that is really listened on.
    #[must_use]
    pub fn public_address(&self, port: u16) -> String {
        match &self.public_url {
            Some(url) => url.origin().ascii_serialization(),
            None if port == 443 => "https://localhost".to_owned(),
            None => format!("https://localhost:{port}"),
        }
    }

    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.certificate_file.is_some() != self.private_key_file.is_some() {
            let missing = if self.certificate_file.is_some() {
                "server.private_key_file"
            } else {
                "server.certificate_file"
            };
            findings.push((missing, "a certificate and its private key are given together".to_owned()));
        }
        if self.public_url.as_ref().is_some_and(|url| url.scheme() != "https" || url.path() != "/") {
            let reason = "the address begins with https:// and has no path".to_owned();
            findings.push(("server.public_url", reason));
        }
        if self.connections_max == 0 {
            findings.push(("server.connections_max", "at least 1".to_owned()));
        }
        if (1..MEMORY_BYTES_MIN).contains(&self.memory_bytes_max) {
            findings.push(("server.memory_bytes_max", format!("0, or at least {MEMORY_BYTES_MIN}")));
        }
        findings
    }
}
