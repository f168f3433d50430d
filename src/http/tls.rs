//! The appliance's certificate: the site's own, or one from an authority that the appliance makes at its first start.
//!
//! The authority (`tls/authority.pem`, ten years) is what people install once; it signs certificates of at most 397 days,
//! which is what browsers accept (CA/Browser Forum Baseline Requirements, 6.3.2), anew when one nears its end or its
//! names change. Keys lie in the data directory, readable by its owner only.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::sign::CertifiedKey;

use super::Error;
use crate::base::Timestamp;
use crate::config;
use crate::ops::certificate::{Facts, read_pair};

const DAY: Duration = Duration::from_secs(86_400);
const AUTHORITY_DAYS: u32 = 3_652;
const CERTIFICATE_DAYS: u32 = 397;
/// With fewer days left a certificate is made anew.
const RENEWAL_DAYS: u32 = 60;
/// How long a list of what the authority has taken back holds; it is made anew at least every day.
const REVOCATIONS_DAYS: u32 = 30;
/// Where that list is, over plain HTTP as RFC 5280 (4.2.1.13) wants it.
pub(super) const REVOCATIONS_PATH: &str = "/ca.crl";

/// What TLS is served with.
pub(super) struct Identity {
    /// The certificate with its key.
    pub(super) key: Arc<CertifiedKey>,
    /// What the certificate says.
    pub(super) facts: Option<Facts>,
    /// Of the appliance's own authority; nothing with the site's certificate.
    pub(super) authority: Option<OwnAuthority>,
}

/// What people get of the appliance's own authority.
#[derive(Debug, Clone)]
pub(super) struct OwnAuthority {
    /// Its certificate, to be installed.
    pub(super) pem: String,
    /// What it has taken back: nothing, signed (DER).
    pub(super) revocations: Vec<u8>,
}

/// The certificate of the appliance's own authority.
#[must_use]
pub fn authority_path(data_dir: &Path) -> PathBuf {
    data_dir.join("tls").join("authority.pem")
}

/// Reads the site's certificate, or the own one, which is made if it is missing, too old or for other names.
///
/// # Errors
/// When files cannot be used or names cannot stand in a certificate.
pub(super) fn prepare(data_dir: &Path, server: &config::Server, now: Timestamp) -> Result<Identity, Error> {
    if let (Some(certificate), Some(key)) = (&server.certificate_file, &server.private_key_file) {
        let pair = read_pair(certificate, key)?;
        return Ok(Identity { key: pair.key, facts: pair.facts, authority: None });
    }
    let folder = Folder::open(data_dir)?;
    let authority = folder.authority(now)?;
    folder.ensure_certificate(&authority, &names(server), revocations_url(server), now)?;
    let pair = read_pair(&folder.path("server.pem"), &folder.path("server.key"))?;
    let revocations = authority.revocations(now)?;
    let authority = Some(OwnAuthority { pem: authority.pem, revocations });
    Ok(Identity { key: pair.key, facts: pair.facts, authority })
}

/// Where the own authority's list is found, when plain HTTP is served at all.
fn revocations_url(server: &config::Server) -> Option<String> {
    let port = server.http_listen?.port();
    let public = server.public_url.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
    let host = public.or_else(hostname).unwrap_or_else(|| "localhost".to_owned());
    let port = if port == 80 { String::new() } else { format!(":{port}") };
    Some(format!("http://{host}{port}{REVOCATIONS_PATH}"))
}

/// The names and addresses that the own certificate is made out to.
pub(super) fn names(server: &config::Server) -> BTreeSet<String> {
    let mut names: BTreeSet<_> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(hostname());
    names.extend(server.names.iter().map(|name| name.trim().to_lowercase()));
    let public = server.public_url.as_ref().and_then(|url| url.host_str());
    names.extend(public.map(|host| host.trim_matches(['[', ']']).to_lowercase()));
    let address = server.https_listen.ip();
    if !address.is_unspecified() {
        names.insert(address.to_string());
    }
    names.remove("");
    names
}

fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()?
        .trim()
        .to_lowercase();
    let sound = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter));
    sound.then_some(name)
}

struct Authority {
    pem: String,
    end: Timestamp,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The signed list of certificates that it has taken back, which are none: a certificate that is replaced has lost its key.
    fn revocations(&self, now: Timestamp) -> Result<Vec<u8>, Error> {
        let dates = day_of(now).zip(day_of(now.plus(DAY * REVOCATIONS_DAYS)));
        let date = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
        let (this, next) = dates.unwrap_or(((2026, 1, 1), (9999, 1, 1)));
        let list = CertificateRevocationListParams {
            this_update: date(this),
            next_update: date(next),
            crl_number: SerialNumber::from(now.as_millis() / 1_000),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.der().to_vec())
    }
}

/// The folder `tls` of the data directory.
struct Folder(PathBuf);

impl Folder {
    fn open(data_dir: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = data_dir.join("tls");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(Error::file(&path))?;
        Ok(Self(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes all of it or nothing, readable by the owner only.
    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path(name);
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(Error::file(&path))
    }

    fn read(&self, name: &str) -> Result<Option<String>, Error> {
        let path = self.path(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(path)(error)),
        }
    }

    /// The authority, made when there is none or when it nears its end.
    fn authority(&self, now: Timestamp) -> Result<Authority, Error> {
        let files = (self.read("authority.pem")?, self.read("authority.key")?);
        if let (Some(pem), Some(key)) = files
            && let Some(end) = Facts::of_pem(pem.as_bytes()).map(|facts| facts.end)
            && end > now.plus(DAY * RENEWAL_DAYS)
        {
            let issuer = Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&key)?)?;
            return Ok(Authority { pem, end, issuer });
        }
        let key = KeyPair::generate()?;
        let end = now.plus(DAY * AUTHORITY_DAYS);
        let mut params = params(now, end);
        let mark: String =
            key.public_key_raw().iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
        params.distinguished_name.push(DnType::CommonName, format!("Frontdesk appliance {mark}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        // The key first: a certificate without its key would have to be made again, and is then not the installed one.
        self.write("authority.key", &key.serialize_pem())?;
        self.write("authority.pem", &pem)?;
        Ok(Authority { pem, end, issuer: Issuer::new(params, key) })
    }

    fn ensure_certificate(
        &self,
        authority: &Authority,
        names: &BTreeSet<String>,
        revocations: Option<String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let current = self.read("server.pem")?.and_then(|pem| Facts::of_pem(pem.as_bytes()));
        let issuer = Facts::of_pem(authority.pem.as_bytes()).map(|facts| facts.subject);
        let good = current.is_some_and(|facts| {
            facts.end > now.plus(DAY * RENEWAL_DAYS)
                && facts.names == *names
                && Some(facts.issuer) == issuer
                && facts.revocations == revocations
        });
        if good && self.read("server.key")?.is_some() {
            return Ok(());
        }
        let key = KeyPair::generate()?;
        let mut params = params(now, now.plus(DAY * (CERTIFICATE_DAYS - 1)).min(authority.end));
        params.subject_alt_names =
            CertificateParams::new(names.iter().cloned().collect::<Vec<_>>())?.subject_alt_names;
        params.distinguished_name.push(DnType::CommonName, "Frontdesk");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points =
            revocations.into_iter().map(|url| CrlDistributionPoint { uris: vec![url] }).collect();
        let certificate = params.signed_by(&key, &authority.issuer)?;
        self.write("server.key", &key.serialize_pem())?;
        self.write("server.pem", &format!("{}{}", certificate.pem(), authority.pem))
    }
}

/// Valid from a day ago, for clocks that are behind.
fn params(now: Timestamp, end: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    let begin =
        Timestamp::from_millis(now.as_millis().saturating_sub(u64::try_from(DAY.as_millis()).unwrap_or(0)));
    if let (Some(begin), Some(end)) = (day_of(begin), day_of(end)) {
        params.not_before = rcgen::date_time_ymd(begin.0, begin.1, begin.2);
        params.not_after = rcgen::date_time_ymd(end.0, end.1, end.2);
    }
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

/// Year, month and day in UTC; certificates count from midnight.
fn day_of(time: Timestamp) -> Option<(i32, u8, u8)> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(time.as_millis()).ok()?).ok()?;
    let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
    Some((date.year().into(), u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn server() -> config::Server {
        load(&Sources::default()).unwrap().settings.server
    }

    fn facts(data_dir: &Path, name: &str) -> Facts {
        Facts::of_pem(&std::fs::read(data_dir.join("tls").join(name)).unwrap()).unwrap()
    }

    fn authority(data_dir: &Path, server: &config::Server, now: Timestamp) -> String {
        prepare(data_dir, server, now).unwrap().authority.unwrap().pem
    }

    #[test]
    fn the_own_certificate_stays_until_it_nears_its_end_or_its_names_change() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path();
        let start = Timestamp::from_millis(1_800_000_000_000);
        let first = authority(directory, &server(), start);
        let leaf = facts(directory, "server.pem");
        assert!(leaf.names.contains("localhost") && leaf.names.contains("::1"));
        assert!(leaf.end.since(start) <= DAY * CERTIFICATE_DAYS);
        assert_eq!(leaf.issuer, facts(directory, "authority.pem").subject);
        let file = directory.join("tls/server.pem");
        let pem = std::fs::read(&file).unwrap();

        let again = authority(directory, &server(), start.plus(DAY * 300));
        assert_eq!(again, first);
        assert_eq!(std::fs::read(&file).unwrap(), pem);

        let later = authority(directory, &server(), start.plus(DAY * 350));
        assert_eq!(later, first);
        assert_ne!(std::fs::read(&file).unwrap(), pem);

        let mut named = server();
        named.names = vec!["desk.lan".into(), "10.0.0.9".into()];
        named.http_listen = Some("0.0.0.0:80".parse().unwrap());
        named.public_url = Some("https://desk.example.com".parse().unwrap());
        authority(directory, &named, start.plus(DAY * 351));
        let facts_now = facts(directory, "server.pem");
        assert!(facts_now.names.contains("desk.lan") && facts_now.names.contains("10.0.0.9"));
        assert_eq!(facts_now.revocations.as_deref(), Some("http://desk.example.com/ca.crl"));

        let new = authority(directory, &server(), start.plus(DAY * AUTHORITY_DAYS));
        assert_ne!(new, first);
        assert_eq!(facts(directory, "server.pem").issuer, facts(directory, "authority.pem").subject);
    }

    #[test]
    fn keys_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path();
        prepare(directory, &server(), Timestamp::from_millis(1_800_000_000_000)).unwrap();
        for name in ["authority.key", "server.key"] {
            let mode = std::fs::metadata(directory.join("tls").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_site_certificate_that_is_none_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path();
        let file = folder.path().join("site.pem");
        std::fs::write(&file, "nothing").unwrap();
        let mut site = server();
        (site.certificate_file, site.private_key_file) = (Some(file.clone()), Some(file));
        let refused = prepare(directory, &site, Timestamp::from_millis(0)).err().unwrap();
        assert!(matches!(refused, Error::NoPem { what: "certificate", .. }));
    }

    #[test]
    fn the_list_of_what_was_taken_back_is_signed_by_the_authority_and_empty() {
        use x509_parser::prelude::FromDer as _;
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let authority = prepare(folder.path(), &server(), now).unwrap().authority.unwrap();
        let (_, list) =
            x509_parser::revocation_list::CertificateRevocationList::from_der(&authority.revocations)
                .unwrap();
        assert_eq!(list.iter_revoked_certificates().count(), 0);
        assert_eq!(list.issuer().to_string(), Facts::of_pem(authority.pem.as_bytes()).unwrap().subject);
        let end = list.next_update().unwrap().timestamp();
        assert!(u64::try_from(end).unwrap() * 1_000 > now.plus(DAY * 28).as_millis());
    }
}
