//! `host` or `host:port`, as the allow-list writes it: what it means, for the settings and for the client alike.

use std::net::IpAddr;

use url::{Host, Url};

/// An exact host, without wildcard and sub-domains; without a port, the usual one of the scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddress {
    host: Host<String>,
    port: Option<u16>,
}

impl HostAddress {
    /// Reads it; nothing if it is something else, such as a whole URL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.contains(['/', '\\', '?', '#', '@', '*']) {
            return None;
        }
        let url = Url::parse(&format!("https://{text}/")).ok()?;
        // The parser drops the usual port of https, which matters when the entry is for plain http.
        let port = url.port().or_else(|| text.ends_with(":443").then_some(443));
        Some(Self { host: url.host()?.to_owned(), port })
    }

    /// Whether `url` is on this host and port.
    #[must_use]
    pub fn is_of(&self, url: &Url) -> bool {
        let same_host = url.host().is_some_and(|host| host.to_owned() == self.host);
        same_host && self.port.map_or(url.port().is_none(), |port| url.port_or_known_default() == Some(port))
    }

    /// Whether it is this machine by what is written, with nobody to be asked: loopback, or `localhost` (RFC 6761 §6.3).
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        is_this_machine(&self.host)
    }
}

/// The one rule for what this machine is: see [`HostAddress::is_this_machine`].
pub(super) fn is_this_machine<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name.as_ref()),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// What is to be written so that `url` is allowed, as a table for the settings file.
#[must_use]
pub(super) fn entry_for(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let address = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let private = if is_near(url) { ", private = true" } else { "" };
    let plain_http = if url.scheme() == "http" { ", plain_http = true" } else { "" };
    format!("{{ address = \"{address}\"{private}{plain_http} }}")
}

/// Whether the host is, by what is written, an address that an entry without `private` does not reach.
pub(super) fn is_near(url: &Url) -> bool {
    let near = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => near(address.into()),
        Some(Host::Ipv6(address)) => near(address.into()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_its_port_and_nothing_else_is_one() {
        let is_of =
            |text: &str, url: &str| HostAddress::parse(text).unwrap().is_of(&Url::parse(url).unwrap());
        assert!(is_of("API.example.com", "https://api.example.com/v1"));
        assert!(!is_of("api.example.com", "https://api.example.com:8443/"));
        assert!(is_of("10.0.0.5:11434", "http://10.0.0.5:11434/v1"));
        assert!(is_of("a.example:443", "https://a.example/") && !is_of("a.example:443", "http://a.example/"));
        for text in ["", "*.example.com", "https://a.example", "a/b", "user@host", "a b", "host:99999"] {
            assert_eq!(HostAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_what_is_written() {
        let here = |text: &str| HostAddress::parse(text).unwrap().is_this_machine();
        for text in
            ["127.0.0.1", "127.8.8.8:80", "[::1]:1", "[::ffff:127.0.0.1]", "LOCALHOST:1", "a.localhost"]
        {
            assert!(here(text), "{text}");
        }
        for text in ["10.0.0.1", "a.example", "localhost.example.com", "[::2]", "0.0.0.0"] {
            assert!(!here(text), "{text}");
        }
    }

    #[test]
    fn what_is_to_be_written_allows_exactly_that() {
        let entry = |url: &str| entry_for(&Url::parse(url).unwrap());
        assert_eq!(entry("https://api.openai.com/v1"), "{ address = \"api.openai.com\" }");
        assert_eq!(
            entry("http://127.0.0.1:11434/v1"),
            "{ address = \"127.0.0.1:11434\", private = true, plain_http = true }"
        );
        assert_eq!(entry("https://10.0.0.5/"), "{ address = \"10.0.0.5\", private = true }");
    }
}
