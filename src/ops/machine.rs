//! What the machine gives the process: files, memory, ports; and settings that only the machine can prove right.

use std::net::{SocketAddr, TcpListener};

use super::Finding;
use super::finding::megabytes;
use crate::base::{Timestamp, counted};
use crate::config::{Server, Settings};
use crate::ops::certificate::read_pair;
use crate::telemetry::{Memory, machine_memory_bytes};

/// Files beside the connections: databases, indexes, logs.
const OWN_FILES: u64 = 512;
/// With fewer days left a certificate should be renewed.
pub(super) const CERTIFICATE_WARNING_DAYS: u64 = 21;
const DAY_MS: u64 = 86_400_000;

/// Files and sockets that may be open.
pub(super) fn file_limit(settings: &Settings) -> Finding {
    const NAME: &str = "file_limit";
    let allowed = rlimit::Resource::NOFILE.get_soft().unwrap_or(0);
    let wanted = u64::try_from(settings.server.connections_max).unwrap_or(u64::MAX).saturating_add(OWN_FILES);
    let detail = format!("{allowed} files and sockets may be open; up to {wanted} are needed.");
    if allowed >= wanted {
        return Finding::ok(NAME, detail);
    }
    let fix = format!(
        "Raise the limit (LimitNOFILE={wanted} in the unit, or ulimit -n), or lower server.connections_max."
    );
    Finding::warning(NAME, detail, fix)
}

/// The memory ceiling beside what the machine has.
pub(super) fn memory(settings: &Settings, memory: &Memory) -> Finding {
    const NAME: &str = "memory";
    let (ceiling, machine) = (memory.bytes_max(), machine_memory_bytes());
    let cache = u64::try_from(settings.store.cache_bytes_max).unwrap_or(u64::MAX);
    let shown = format!("The ceiling is {}, the machine has {}.", megabytes(ceiling), megabytes(machine));
    if machine > 0 && ceiling > machine {
        let fix = "Lower server.memory_bytes_max, or set it to 0.";
        return Finding::warning(NAME, shown, fix);
    }
    // The model of search by meaning and the program take about 100 MB.
    if ceiling < cache.saturating_add(100 << 20) {
        let detail = format!("{shown} The databases' caches alone may take {}.", megabytes(cache));
        return Finding::warning(
            NAME,
            detail,
            "Raise server.memory_bytes_max, or lower store.cache_bytes_max.",
        );
    }
    Finding::ok(NAME, shown)
}

/// The time zone that days and months are counted in.
pub(super) fn time_zone(settings: &Settings) -> Finding {
    const NAME: &str = "time_zone";
    let zone = &settings.budget.time_zone;
    if jiff::tz::TimeZone::get(zone).is_ok() {
        return Finding::ok(NAME, format!("{zone} is known."));
    }
    let fix = "Write one of the IANA names in budget.time_zone, such as \"Europe/Berlin\".";
    Finding::failed(NAME, format!("{zone} is not known."), fix)
}

/// Whose forwarding headers are believed.
pub(super) fn trusted_proxies(server: &Server) -> Finding {
    const NAME: &str = "trusted_proxies";
    if server.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        let detail = "Everybody's forwarding headers are believed, so anybody can pretend to any address.";
        return Finding::failed(NAME, detail, "Name the networks of your proxies in server.trusted_proxies.");
    }
    match server.trusted_proxies.len() {
        0 => Finding::ok(NAME, "No proxy is trusted; the address of a client is that of its connection."),
        networks => Finding::ok(NAME, format!("{networks} networks are trusted.")),
    }
}

/// Whether an address can be listened on; only while the appliance is stopped, for then it is free.
pub(super) fn port(setting: &str, address: SocketAddr) -> Finding {
    const NAME: &str = "port";
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(NAME, format!("{address} ({setting}) is free.")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let detail = format!("{address} ({setting}) may not be listened on by this account.");
            let fix = "Allow it (AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit), or choose a port above 1023.";
            Finding::failed(NAME, detail, fix)
        }
        Err(error) => {
            let detail = format!("{address} ({setting}) cannot be listened on: {error}.");
            let fix = format!("See who has it (ss -ltnp), or set {setting} to another port.");
            Finding::failed(NAME, detail, fix)
        }
    }
}

/// The certificate: whole, in time, and made out to the public address.
pub(super) fn certificate(settings: &Settings, now: Timestamp) -> Finding {
    const NAME: &str = "certificate";
    let server = &settings.server;
    let own = settings.store.data_dir.join("tls");
    let (is_sites, certificate, key) = match (&server.certificate_file, &server.private_key_file) {
        (Some(certificate), Some(key)) => (true, certificate.clone(), key.clone()),
        _ => (false, own.join("server.pem"), own.join("server.key")),
    };
    if !is_sites && !certificate.exists() {
        return Finding::ok(NAME, "The first start makes the appliance's own.");
    }
    let mend = if is_sites {
        "Put the right files in place of server.certificate_file and server.private_key_file; they are read again by themselves."
    } else {
        "Remove server.pem and server.key from the folder tls of the data directory; the next start makes new ones."
    };
    let pair = match read_pair(&certificate, &key) {
        Ok(pair) => pair,
        Err(error) => return Finding::failed(NAME, format!("It cannot be used: {error}."), mend),
    };
    let Some(facts) = pair.facts else {
        return Finding::warning(NAME, "It does not say what it is made out to.", mend);
    };
    if facts.end <= now {
        return Finding::failed(NAME, format!("It has ended at {}.", facts.end), mend);
    }
    if facts.begin > now {
        return Finding::failed(
            NAME,
            format!("It holds only from {} on.", facts.begin),
            "Check the clock. ".to_owned() + mend,
        );
    }
    let host = server.public_url.as_ref().and_then(|url| url.host_str());
    if let Some(host) = host.filter(|host| !facts.covers(host)) {
        let detail = format!("It is not made out to {host}, the host of server.public_url.");
        return Finding::failed(NAME, detail, mend);
    }
    let days = (facts.end.as_millis() - now.as_millis()) / DAY_MS;
    let whose = if is_sites { "The site's certificate" } else { "The appliance's own certificate" };
    if is_sites && days < CERTIFICATE_WARNING_DAYS {
        return Finding::warning(
            NAME,
            format!("{whose} ends in {}.", counted(days, "day", "days")),
            "Renew it.",
        );
    }
    Finding::ok(NAME, format!("{whose} holds until {}.", facts.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};
    use crate::ops::FindingState::{Failed, Ok, Warning};

    fn settings() -> Settings {
        load(&Sources::default()).unwrap().settings
    }

    #[test]
    fn a_port_that_somebody_has_and_a_proxy_that_is_everybody_have_failed() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = port("server.https_listen", taken.local_addr().unwrap());
        assert_eq!(found.state, Failed);
        assert!(found.fix.unwrap().contains("server.https_listen"));
        assert_eq!(port("server.https_listen", "127.0.0.1:0".parse().unwrap()).state, Ok);
        let mut server = settings().server;
        assert_eq!(trusted_proxies(&server).state, Ok);
        server.trusted_proxies = vec!["0.0.0.0/0".parse().unwrap()];
        assert_eq!(trusted_proxies(&server).state, Failed);
    }

    #[test]
    fn a_certificate_for_another_name_or_past_its_end_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["desk.example.com".to_owned()]).unwrap();
        let (certificate_file, key) = (folder.path().join("site.pem"), folder.path().join("site.key"));
        std::fs::write(&certificate_file, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut settings = settings();
        settings.server.certificate_file = Some(certificate_file);
        settings.server.private_key_file = Some(key);
        let now = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(certificate(&settings, now).state, Ok);
        settings.server.public_url = Some("https://other.example.com".parse().unwrap());
        let found = certificate(&settings, now);
        assert!(found.state == Failed && found.detail.contains("other.example.com"), "{found:?}");
        let late = Timestamp::from_millis(u64::MAX);
        assert_eq!(certificate(&settings, late).state, Failed);
    }

    #[test]
    fn a_ceiling_above_the_machine_or_below_the_caches_is_a_warning() {
        let settings = settings();
        assert_eq!(memory(&settings, &Memory::new(u64::MAX)).state, Warning);
        assert_eq!(memory(&settings, &Memory::new(200 << 20)).state, Warning);
        assert_eq!(time_zone(&settings).state, Ok);
    }
}
