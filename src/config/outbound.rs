//! `[outbound]`: what may be contacted, and whether the settings agree about it.
//!
//! The client refuses what is not allowed whatever stands elsewhere. What is checked here is said sooner: that an
//! air-gapped appliance has no setting that could send something, and which models are not going to be reached.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::destination::Destination;
use super::host_address::{HostAddress, entry_for, is_near};
use super::settings::Finding;
use super::{ProviderKind, ProviderSettings};

const ALLOW: &str = "outbound.allow";
const AIR_GAPPED: &str = "outbound.air_gapped";
const LEDGER_DAYS_MAX: u64 = 3_650;
const LEDGER_ENTRIES_MAX: u64 = 10_000_000;
const DAY_S: u64 = 86_400;

/// The allow-list, and the ledger of what was sent and refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    /// The only hosts that may be contacted.
    pub allow: Vec<AllowedHost>,
    /// Contact nothing but this machine.
    pub air_gapped: bool,
    /// Entries of the ledger that are older are forgotten.
    pub ledger_days: u64,
    /// Entries of the ledger at most.
    pub ledger_entries_max: u64,
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

impl ProviderKind {
    /// Where the vendor's own servers are; nothing for what can be anywhere.
    #[must_use]
    pub fn usual_base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Google => Some("https://generativelanguage.googleapis.com"),
            Self::OpenAiCompatible => None,
        }
    }
}

impl ProviderSettings {
    /// Where it is asked: its own address, else the vendor's; nothing while neither is known.
    #[must_use]
    pub fn address(&self) -> Option<Url> {
        self.base_url.clone().or_else(|| Url::parse(self.kind.usual_base_url()?).ok())
    }
}

impl Outbound {
    /// How long an entry of the ledger is kept.
    #[must_use]
    pub fn ledger_age_max(&self) -> Duration {
        Duration::from_secs(self.ledger_days.saturating_mul(DAY_S))
    }

    pub(super) fn check(&self, destinations: &[Destination<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for host in &self.allow {
            match HostAddress::parse(&host.address) {
                None => findings.push((
                    ALLOW,
                    format!(
                        "\"{}\" is not a host: write \"api.example.com\" or \"10.0.0.5:11434\", without scheme, path or wildcard",
                        host.address
                    ),
                )),
                Some(address) if self.air_gapped && !address.is_this_machine() => findings.push((
                    AIR_GAPPED,
                    format!(
                        "it is true, and {ALLOW} holds \"{}\", which is not this machine: take that out, or set {AIR_GAPPED} to false",
                        host.address
                    ),
                )),
                Some(_) => {}
            }
        }
        if self.air_gapped {
            findings.extend(destinations.iter().filter(|one| !one.is_here()).map(far));
        }
        let numbers = [
            ("outbound.ledger_days", self.ledger_days, LEDGER_DAYS_MAX),
            ("outbound.ledger_entries_max", self.ledger_entries_max, LEDGER_ENTRIES_MAX),
        ];
        let outside = numbers.into_iter().filter(|(_, number, most)| !(1..=*most).contains(number));
        findings.extend(outside.map(|(key, _, most)| (key, format!("from 1 to {most}"))));
        findings
    }

    /// The servers that are configured and will not be reached, each with a sentence that says what to add.
    pub(super) fn unreached(&self, destinations: &[Destination<'_>]) -> Vec<Finding> {
        destinations.iter().filter_map(|one| Some((one.table, self.missing(one)?))).collect()
    }

    /// What the allow-list lacks for it.
    fn missing(&self, destination: &Destination<'_>) -> Option<String> {
        let (name, url, place) = (destination.name, &destination.url, destination.place());
        let of_url =
            |host: &&AllowedHost| HostAddress::parse(&host.address).is_some_and(|one| one.is_of(url));
        let Some(entry) = self.allow.iter().find(of_url) else {
            return Some(format!(
                "\"{name}\" is at {place}, which is not in {ALLOW}, so it is never asked: add {} to {ALLOW}",
                entry_for(url)
            ));
        };
        let lacks = if url.scheme() == "http" && !entry.plain_http {
            "plain_http = true"
        } else if url.scheme() == "https" && !entry.private && !self.air_gapped && is_near(url) {
            "private = true"
        } else {
            return None;
        };
        Some(format!("\"{name}\" is at {url}, which its entry in {ALLOW} does not permit: add {lacks} to it"))
    }
}

/// What is wrong with a server that an air-gapped appliance would have to leave the machine for.
fn far(destination: &Destination<'_>) -> Finding {
    let reason = format!(
        "it is true, and {} is at {}, which is not this machine: take that out, or set {AIR_GAPPED} to false",
        destination.shown(),
        destination.place()
    );
    (AIR_GAPPED, reason)
}

#[cfg(test)]
mod tests {
    use crate::config::tests::read;

    fn provider(name: &str, more: &str) -> String {
        format!("[[ai.provider]]\nname = \"{name}\"\nmodel = \"m\"\n{more}\n")
    }

    const OLLAMA: &str = "base_url = \"http://127.0.0.1:11434/v1\"";

    #[test]
    fn an_air_gapped_appliance_may_have_nothing_that_could_send() {
        let near = "[assistant]\nprovider = \"ollama\"\n[outbound]\nair_gapped = true\nallow = [{ address = \"127.0.0.1:11434\", private = true, plain_http = true }, { address = \"localhost:1\" }]\n";
        let loaded = read(&(near.to_owned() + &provider("ollama", OLLAMA))).unwrap();
        assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);

        let far = "[outbound]\nair_gapped = true\nallow = [{ address = \"api.openai.com\" }, { address = \"192.168.1.5:1\" }]\n";
        let found = read(
            &(far.to_owned()
                + &provider("gpt", "kind = \"openai\"")
                + &provider("box", "base_url = \"http://10.0.0.5:1/v1\"")
                + &provider("ollama", OLLAMA)),
        )
        .unwrap_err();
        let about = [
            "\"api.openai.com\"",
            "\"192.168.1.5:1\"",
            "\"gpt\" is at api.openai.com",
            "\"box\" is at 10.0.0.5:1",
        ];
        assert_eq!(found.len(), about.len(), "{found:?}");
        for (said, about) in found.iter().zip(about) {
            assert!(said.starts_with("outbound.air_gapped: ") && said.contains(about), "{said}");
        }
    }

    #[test]
    fn a_model_that_will_not_be_reached_is_said_with_what_to_add() {
        let notices = |file: String| {
            let notices = read(&file).unwrap().notices;
            let of_models = notices.iter().filter(|one| one.key == "ai.provider");
            of_models.map(|one| format!("{}: {}", one.key, one.reason)).collect::<Vec<_>>()
        };
        let both = provider("claude", "kind = \"anthropic\"") + &provider("ollama", OLLAMA);
        let found = notices(both.clone());
        assert_eq!(found.len(), 2);
        assert!(
            found[0].contains("\"claude\" is at api.anthropic.com, which is not in outbound.allow"),
            "{found:?}"
        );
        assert!(found[0].ends_with("add { address = \"api.anthropic.com\" } to outbound.allow"), "{found:?}");
        assert!(
            found[1].contains("address = \"127.0.0.1:11434\", private = true, plain_http = true"),
            "{found:?}"
        );
        let allow =
            "[outbound]\nallow = [{ address = \"api.anthropic.com\" }, { address = \"127.0.0.1:11434\" }]\n";
        let found = notices(allow.to_owned() + &both);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("add plain_http = true to it"), "{found:?}");
        let allow = "[outbound]\nallow = [{ address = \"10.0.0.5\" }]\n";
        let found = notices(allow.to_owned() + &provider("box", "base_url = \"https://10.0.0.5/v1\""));
        assert!(found[0].ends_with("add private = true to it"), "{found:?}");
    }

    #[test]
    fn what_is_no_host_and_a_ledger_without_room_are_refused() {
        let found = read(
            "[outbound]\nallow = [{ address = \"https://a.example\" }]\nledger_days = 0\nledger_entries_max = 0\n",
        );
        let found = found.unwrap_err();
        assert!(found[0].starts_with("outbound.allow: \"https://a.example\" is not a host"), "{found:?}");
        assert_eq!(
            found[1..],
            ["outbound.ledger_days: from 1 to 3650", "outbound.ledger_entries_max: from 1 to 10000000"]
        );
    }
}
