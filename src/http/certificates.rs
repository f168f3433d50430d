//! The certificate that is served, and another in its place when there is one: no connection is dropped, new ones get it.
//!
//! The site's files are looked at every few seconds, by size, time and place on the disk, which also notices a link that was set
//! elsewhere; SIGHUP looks at once. What cannot be used (a file half written, a key that belongs to another certificate) changes
//! nothing but a health fact. Watching the folders instead would miss network file systems, and what lies behind links. The
//! appliance's own certificate is made anew in the same way when it nears its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::tls::{Identity, OwnAuthority, names, prepare};
use crate::base::{Clock, Fault as _, Timestamp};
use crate::config::{Server, TransportSecurity};
use crate::ops::certificate::Facts;
use crate::telemetry::{Health, Metrics};

/// How often the site's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the own certificate is looked at, and the list of its authority made anew.
const RENEW_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// With less left the operator is told to renew the site's certificate.
const WARNING: Duration = Duration::from_secs(21 * 86_400);
/// The name of the health fact.
const FACT: &str = "certificate";

/// The certificate of the moment.
#[derive(Debug)]
struct Serving(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// What a file was when it was last looked at.
type Stamp = Option<(u64, i64, i64, u64)>;

struct State {
    server: Server,
    facts: Option<Facts>,
    authority: Option<OwnAuthority>,
    stamps: [Stamp; 2],
    prepared_at: Timestamp,
    /// Why what lies there now is not served, if it is not.
    refused: Option<String>,
}

/// The certificate that is served.
pub struct Certificates {
    config: Arc<ServerConfig>,
    serving: Arc<Serving>,
    data_dir: PathBuf,
    state: Mutex<State>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates(..)")
    }
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    Some((found.size(), found.mtime(), found.mtime_nsec(), found.ino()))
}

fn stamps(server: &Server) -> [Stamp; 2] {
    [&server.certificate_file, &server.private_key_file].map(|path| path.as_deref().and_then(stamp))
}

/// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only, in our order.
fn server_config(serving: Arc<Serving>) -> Result<ServerConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(serving);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    Ok(config)
}

impl Certificates {
    /// Reads the site's certificate, or the own one, which is made if it is missing, too old or for other names.
    ///
    /// # Errors
    /// When files cannot be used or names cannot stand in a certificate.
    pub fn open(
        data_dir: &Path,
        server: &Server,
        now: Timestamp,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let stamps = stamps(server);
        let Identity { key, facts, authority } = prepare(data_dir, server, now)?;
        let serving = Arc::new(Serving(ArcSwap::new(key)));
        let config = Arc::new(server_config(serving.clone())?);
        let server = server.clone();
        let state = State { server, facts, authority, stamps, prepared_at: now, refused: None };
        let certificates = Self {
            config,
            serving,
            data_dir: data_dir.to_path_buf(),
            state: Mutex::new(state),
            health,
            metrics,
        };
        certificates.tell(now);
        Ok(certificates)
    }

    /// For listeners; it serves whatever certificate is the one of the moment.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// The certificate of the appliance's own authority, for people to install; nothing with the site's certificate.
    #[must_use]
    pub fn authority_pem(&self) -> Option<String> {
        self.state.lock().authority.as_ref().map(|authority| authority.pem.clone())
    }

    /// What the own authority has taken back (DER).
    #[must_use]
    pub fn revocations(&self) -> Option<Vec<u8>> {
        self.state.lock().authority.as_ref().map(|authority| authority.revocations.clone())
    }

    /// Whether browsers are told to come back over HTTPS only.
    #[must_use]
    pub fn hsts(&self) -> bool {
        let state = self.state.lock();
        match state.server.hsts {
            TransportSecurity::Always => true,
            TransportSecurity::Never => false,
            TransportSecurity::Auto => {
                state.authority.is_none() && state.facts.as_ref().is_some_and(|facts| !facts.is_self_signed())
            }
        }
    }

    /// Whether the appliance is known under `host`: it is in the certificate, or would be in the own one.
    #[must_use]
    pub fn knows(&self, host: &str) -> bool {
        let state = self.state.lock();
        let covered = state.facts.as_ref().is_some_and(|facts| facts.covers(host));
        covered || names(&state.server).contains(&host.to_lowercase())
    }

    /// Looks at the files again, by these settings where they are given, and serves what can be used from now on. Blocks.
    ///
    /// # Errors
    /// Why the one before stays.
    pub fn reload(&self, server: Option<&Server>, now: Timestamp) -> Result<(), Error> {
        let server = server.cloned().unwrap_or_else(|| self.state.lock().server.clone());
        let stamps = stamps(&server);
        let prepared = prepare(&self.data_dir, &server, now);
        {
            let mut state = self.state.lock();
            state.stamps = stamps;
            state.prepared_at = now;
            match &prepared {
                Ok(identity) => {
                    self.serving.0.store(identity.key.clone());
                    state.facts.clone_from(&identity.facts);
                    state.authority.clone_from(&identity.authority);
                    state.server = server;
                    state.refused = None;
                }
                Err(error) => state.refused = Some(error.public().into_owned()),
            }
        }
        self.tell(now);
        prepared.map(drop)
    }

    /// Whether files have changed since they were last looked at, or the own certificate is due.
    fn is_due(&self, now: Timestamp) -> bool {
        let state = self.state.lock();
        let own_is_due = state.authority.is_some() && now.since(state.prepared_at) >= RENEW_EVERY;
        own_is_due || (state.authority.is_none() && stamps(&state.server) != state.stamps)
    }

    /// Sets the health fact; what is in it anybody may read.
    fn tell(&self, now: Timestamp) {
        let state = self.state.lock();
        if let Some(facts) = &state.facts {
            self.metrics.certificate_ends(facts.end.as_millis());
        }
        let host = state.server.public_url.as_ref().and_then(|url| url.host_str());
        let facts = state.facts.as_ref();
        if state.refused.is_some() {
            let fault = "A new certificate cannot be used; the one before is still served. The log says why.";
            self.health.degraded(FACT, fault);
        } else if facts.is_some_and(|facts| facts.end <= now) {
            self.health.degraded(FACT, "The certificate has ended. Renew it.");
        } else if facts.is_some_and(|facts| facts.end <= now.plus(WARNING)) {
            self.health.degraded(FACT, "The certificate ends in less than three weeks. Renew it.");
        } else if facts.zip(host).is_some_and(|(facts, host)| !facts.covers(host)) {
            self.health.degraded(FACT, "The certificate is not made out to the public address.");
        } else {
            self.health.ok(FACT);
        }
    }

    /// Looks until `stopping`.
    pub async fn watch(self: Arc<Self>, clock: Arc<dyn Clock>, stopping: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = looks.tick() => {}
            }
            let (certificates, now) = (self.clone(), clock.now());
            let looked = tokio::task::spawn_blocking(move || {
                if certificates.is_due(now) {
                    certificates.reload_and_log(None, now);
                } else {
                    certificates.tell(now);
                }
            });
            let _ = looked.await;
        }
    }

    /// [`Certificates::reload`], with a line in the log either way. Blocks.
    pub fn reload_and_log(&self, server: Option<&Server>, now: Timestamp) {
        match self.reload(server, now) {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => tracing::warn!(
                code = error.code(),
                error = &error as &dyn std::error::Error,
                "the new certificate cannot be used; the one before is still served"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};
    use crate::telemetry::HealthState;

    fn site(folder: &Path, name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        std::fs::write(folder.join("site.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("site.key"), made.signing_key.serialize_pem()).unwrap();
        made
    }

    fn served(certificates: &Certificates) -> Vec<u8> {
        certificates.serving.0.load().cert[0].to_vec()
    }

    #[test]
    fn a_new_certificate_is_served_and_a_broken_one_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = load(&Sources::default()).unwrap().settings.server;
        server.certificate_file = Some(folder.path().join("site.pem"));
        server.private_key_file = Some(folder.path().join("site.key"));
        let first = site(folder.path(), "desk.example.com");
        let now = Timestamp::from_millis(1_800_000_000_000);
        let health = Arc::new(Health::default());
        let state = |health: &Health| health.readiness().checks[0].state;
        let open = Certificates::open(folder.path(), &server, now, health.clone(), Arc::new(Metrics::new()));
        let certificates = open.unwrap();
        assert_eq!(served(&certificates), first.cert.der().to_vec());
        assert!(!certificates.is_due(now) && certificates.authority_pem().is_none());
        assert!(!certificates.hsts(), "it has signed itself");
        assert!(certificates.knows("Desk.example.com") && !certificates.knows("evil.example"));

        std::fs::write(folder.path().join("site.pem"), "half written").unwrap();
        assert!(certificates.is_due(now));
        assert!(certificates.reload(None, now).is_err());
        assert_eq!(served(&certificates), first.cert.der().to_vec());
        assert_eq!(state(&health), HealthState::Degraded);
        assert!(!certificates.is_due(now), "it is looked at again when it has changed");

        let second = site(folder.path(), "desk.example.com");
        assert!(certificates.is_due(now));
        certificates.reload(None, now).unwrap();
        assert_eq!(served(&certificates), second.cert.der().to_vec());
        assert_eq!(state(&health), HealthState::Ok);
    }

    #[test]
    fn the_own_certificate_is_made_anew_while_running_and_is_no_reason_for_hsts() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = load(&Sources::default()).unwrap().settings.server;
        let now = Timestamp::from_millis(1_800_000_000_000);
        let health = Arc::new(Health::default());
        let open = Certificates::open(folder.path(), &server, now, health, Arc::new(Metrics::new()));
        let certificates = open.unwrap();
        let (first, authority) = (served(&certificates), certificates.authority_pem());
        let late = now.plus(Duration::from_secs(350 * 86_400));
        assert!(certificates.is_due(late));
        certificates.reload(None, late).unwrap();
        assert_ne!(served(&certificates), first);
        assert_eq!(certificates.authority_pem(), authority);
        assert!(!certificates.hsts());
        server.hsts = TransportSecurity::Always;
        certificates.reload(Some(&server), late).unwrap();
        assert!(certificates.hsts());
    }
}
