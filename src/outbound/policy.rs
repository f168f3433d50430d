//! Which hosts may be contacted at all: an allow-list that is empty by default.
//!
//! A URL is judged here before anything else happens, a look-up of its name included; an air-gapped appliance
//! therefore does not even ask a name server. What passes carries the networks that its addresses may belong to.

use std::net::IpAddr;

use serde::Deserialize;
use url::{Host, Url};

use super::Error;
use super::address::{Network, Reach};
use crate::config::HostAddress;

/// The setting that lists the hosts which may be contacted.
pub const SETTING_ALLOW: &str = "outbound.allow";
/// The setting that cuts the appliance off.
pub const SETTING_AIR_GAPPED: &str = "outbound.air_gapped";

/// One entry of the allow-list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressHost {
    /// `host` or `host:port`, exact: no wildcard, no sub-domains. Without a port: the scheme's usual one.
    pub address: String,
    /// Whether the host may have a private or loopback address.
    #[serde(default)]
    pub private: bool,
    /// Whether unencrypted HTTP may be spoken with it. Such a request reaches private and loopback addresses
    /// only, whatever `private` says.
    #[serde(default)]
    pub plain_http: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    address: HostAddress,
    private: bool,
    plain_http: bool,
}

/// What may leave the machine.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    entries: Vec<Entry>,
    air_gapped: bool,
}

/// An entry of the allow-list that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{address}\" in {SETTING_ALLOW} is not a host: write \"api.example.com\" or \"10.0.0.5:11434\", without scheme, path or wildcard"
)]
pub struct NotAHost {
    /// As it was written.
    pub address: String,
}

/// A URL that may be asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permit {
    /// `host:port`, for messages and the ledger.
    pub(super) destination: String,
    pub(super) reach: Reach,
    pub(super) plain_http: bool,
}

impl EgressPolicy {
    /// Allows these hosts, and of them only loopback when `air_gapped`.
    ///
    /// # Errors
    /// [`NotAHost`] for the first entry that is not `host[:port]`.
    pub fn new(hosts: &[EgressHost], air_gapped: bool) -> Result<Self, NotAHost> {
        let entries = hosts.iter().map(Entry::parse).collect::<Result<_, _>>()?;
        Ok(Self { entries, air_gapped })
    }

    /// Whether `url` may be asked.
    pub(super) fn permit(&self, url: &Url) -> Result<Permit, Error> {
        let plain_http = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(Error::BadUrl { reason: "the scheme is neither https nor http" }),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::BadUrl { reason: "the address holds a user name or password" });
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Error::BadUrl { reason: "the address has no host" });
        };
        let destination = format!("{host}:{port}");
        if self.air_gapped && !is_this_machine(&host) {
            return Err(Error::AirGapped { destination });
        }
        let entry = self.entries.iter().find(|entry| entry.address.is_of(url));
        let Some(entry) = entry else {
            return Err(Error::NotAllowed { destination });
        };
        if plain_http && !entry.plain_http {
            return Err(Error::PlainHttp { destination });
        }
        let reach = match (self.air_gapped, plain_http, entry.private) {
            (true, ..) => Reach::Machine,
            (false, true, _) => Reach::Site,
            (false, false, true) => Reach::Anywhere,
            (false, false, false) => Reach::Internet,
        };
        // A literal address is never resolved, so the guarding resolver would not see it.
        if let Some(network) = literal(&host).map(Network::of).filter(|network| !reach.permits(*network)) {
            return Err(Error::ForbiddenAddress { destination, network });
        }
        Ok(Permit { destination, reach, plain_http })
    }

    /// Every combination of reach and scheme that some entry of the list can lead to.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (Reach, bool)> {
        let reach = |reach| if self.air_gapped { Reach::Machine } else { reach };
        self.entries.iter().flat_map(move |entry| {
            let https = if entry.private { Reach::Anywhere } else { Reach::Internet };
            let plain = entry.plain_http.then(|| (reach(Reach::Site), true));
            std::iter::once((reach(https), false)).chain(plain)
        })
    }
}

impl Entry {
    fn parse(written: &EgressHost) -> Result<Self, NotAHost> {
        let refuse = || NotAHost { address: written.address.clone() };
        let address = HostAddress::parse(&written.address).ok_or_else(refuse)?;
        Ok(Self { address, private: written.private, plain_http: written.plain_http })
    }
}

fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        Host::Domain(_) => None,
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => super::resolver::is_localhost(name),
        _ => literal(host).is_some_and(|address| Network::of(address) == Network::Loopback),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(address: &str) -> EgressHost {
        EgressHost { address: address.into(), private: false, plain_http: false }
    }

    fn lan(address: &str) -> EgressHost {
        EgressHost { address: address.into(), private: true, plain_http: true }
    }

    fn permit(policy: &EgressPolicy, url: &str) -> Result<Permit, Error> {
        policy.permit(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_empty_list_refuses_everything() {
        let policy = EgressPolicy::default();
        for url in ["https://api.openai.com/v1", "http://127.0.0.1:11434", "https://localhost/"] {
            assert!(matches!(permit(&policy, url), Err(Error::NotAllowed { .. })), "{url}");
        }
    }

    #[test]
    fn a_host_is_matched_exactly_with_its_port() {
        let policy =
            EgressPolicy::new(&[host("API.example.com"), host("other.example:8443")], false).unwrap();
        assert_eq!(permit(&policy, "https://api.example.com/v1").unwrap().reach, Reach::Internet);
        assert!(permit(&policy, "https://other.example:8443/").is_ok());
        for url in [
            "https://api.example.com:8443/",
            "https://other.example/",
            "https://evil.api.example.com/",
            "https://api.example.com.evil.test/",
            "https://api.example.com./",
            "https://example.com/",
        ] {
            assert!(matches!(permit(&policy, url), Err(Error::NotAllowed { .. })), "{url}");
        }
        assert!(matches!(permit(&policy, "https://user:pw@api.example.com/"), Err(Error::BadUrl { .. })));
        assert!(matches!(permit(&policy, "ftp://api.example.com/"), Err(Error::BadUrl { .. })));
    }

    #[test]
    fn plain_http_needs_its_own_leave_and_stays_on_the_site() {
        let policy = EgressPolicy::new(&[host("gpu.lan:443"), lan("box.lan:11434")], false).unwrap();
        assert!(matches!(permit(&policy, "http://gpu.lan:443/"), Err(Error::PlainHttp { .. })));
        let plain = permit(&policy, "http://box.lan:11434/v1").unwrap();
        assert_eq!((plain.reach, plain.plain_http), (Reach::Site, true));
        assert_eq!(permit(&policy, "https://box.lan:11434/v1").unwrap().reach, Reach::Anywhere);
    }

    #[test]
    fn a_literal_address_is_judged_without_a_resolver_however_it_is_written() {
        let hosts =
            [host("127.0.0.1"), host("[::ffff:10.0.0.1]"), lan("169.254.169.254"), lan("192.168.1.5:11434")];
        let policy = EgressPolicy::new(&hosts, false).unwrap();
        for url in ["https://127.0.0.1/", "https://0x7f.1/", "https://2130706433/", "https://[::ffff:a00:1]/"]
        {
            assert!(matches!(permit(&policy, url), Err(Error::ForbiddenAddress { .. })), "{url}");
        }
        let metadata = permit(&policy, "http://169.254.169.254/latest/meta-data");
        assert!(matches!(metadata, Err(Error::ForbiddenAddress { network: Network::Metadata, .. })));
        assert!(permit(&policy, "http://192.168.1.5:11434/v1").is_ok());
    }

    #[test]
    fn an_air_gapped_appliance_reaches_only_itself() {
        let hosts =
            [host("api.openai.com"), lan("192.168.1.5:11434"), lan("127.0.0.1:11434"), lan("localhost:8080")];
        let policy = EgressPolicy::new(&hosts, true).unwrap();
        for url in ["https://api.openai.com/", "http://192.168.1.5:11434/"] {
            assert!(matches!(permit(&policy, url), Err(Error::AirGapped { .. })), "{url}");
        }
        assert_eq!(permit(&policy, "http://127.0.0.1:11434/").unwrap().reach, Reach::Machine);
        assert_eq!(permit(&policy, "http://localhost:8080/").unwrap().reach, Reach::Machine);
    }

    #[test]
    fn what_is_not_a_host_is_refused_with_what_was_written() {
        for address in
            ["", "*.example.com", "https://api.example.com", "a/b", "user@host", "a b", "host:99999"]
        {
            let refused = EgressPolicy::new(&[host(address)], false).unwrap_err();
            assert_eq!(refused.address, address);
        }
    }
}
