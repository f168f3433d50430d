//! The appliance's certificate: the site's own, or one from an authority that the appliance makes at its first start.
//!
//! The authority (`tls/authority.pem`, ten years) is what people install once; it signs certificates of at most 397 days,
//! which is what browsers accept (CA/Browser Forum Baseline Requirements, 6.3.2), anew when one nears its end or its
//! names change. Keys lie in the data directory, readable by its owner only.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::Error;
use crate::base::Timestamp;
use crate::config;
use crate::store::DataDirectory;

const DAY: Duration = Duration::from_secs(86_400);
const AUTHORITY_DAYS: u32 = 3_652;
const CERTIFICATE_DAYS: u32 = 397;
/// With fewer days left a certificate is made anew.
const RENEWAL_DAYS: u32 = 60;

/// What TLS is served with.
#[derive(Debug, Clone)]
pub struct TlsIdentity {
    /// For the listener.
    pub config: Arc<rustls::ServerConfig>,
    /// The certificate of the appliance's own authority, for people to install; nothing with the site's certificate.
    pub authority_pem: Option<String>,
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
pub fn prepare(
    directory: &DataDirectory,
    server: &config::Server,
    now: Timestamp,
) -> Result<TlsIdentity, Error> {
    if let (Some(certificate), Some(key)) = (&server.certificate_file, &server.private_key_file) {
        let config = server_config(certificate, key)?;
        return Ok(TlsIdentity { config, authority_pem: None });
    }
    let folder = Folder::open(directory.path())?;
    let authority = folder.authority(now)?;
    folder.ensure_certificate(&authority, &names(server), now)?;
    let config = server_config(&folder.path("server.pem"), &folder.path("server.key"))?;
    Ok(TlsIdentity { config, authority_pem: Some(authority.pem) })
}

/// The names and addresses that the own certificate is made out to.
fn names(server: &config::Server) -> BTreeSet<String> {
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
            && let Some(end) = certificate_facts(&pem).map(|facts| facts.end)
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
        now: Timestamp,
    ) -> Result<(), Error> {
        let current = self.read("server.pem")?.as_deref().and_then(certificate_facts);
        let issuer = certificate_facts(&authority.pem).map(|facts| facts.subject);
        let good = current.is_some_and(|facts| {
            facts.end > now.plus(DAY * RENEWAL_DAYS) && facts.names == *names && Some(facts.issuer) == issuer
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

struct Facts {
    end: Timestamp,
    names: BTreeSet<String>,
    subject: String,
    issuer: String,
}

/// What the first certificate of a PEM file says.
fn certificate_facts(pem: &str) -> Option<Facts> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let end = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.map_or(&[][..], |extension| extension.value.general_names.as_slice());
    Some(Facts {
        end: Timestamp::from_millis(end.saturating_mul(1_000)),
        names: names.iter().filter_map(name_text).collect(),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
    })
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
            .ok()
            .map(|address| address.to_string()),
        _ => None,
    }
}

fn server_config(certificate: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, Error> {
    let chain = read_pem(certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(Error::NoPem { path: certificate.to_path_buf(), what: "certificate" });
    }
    let private = PrivateKeyDer::from_pem_slice(&read_pem(key)?)
        .map_err(|_| Error::NoPem { path: key.to_path_buf(), what: "private key" })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)?;
    // Of what both know the server chooses: the strongest first, whatever an old client prefers.
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_pem(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    fn server() -> config::Server {
        load(&Sources::default()).unwrap().settings.server
    }

    fn facts(directory: &DataDirectory, name: &str) -> Facts {
        certificate_facts(&std::fs::read_to_string(directory.path().join("tls").join(name)).unwrap()).unwrap()
    }

    #[test]
    fn the_own_certificate_stays_until_it_nears_its_end_or_its_names_change() {
        let folder = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(folder.path()).unwrap();
        let start = Timestamp::from_millis(1_800_000_000_000);
        let first = prepare(&directory, &server(), start).unwrap();
        let leaf = facts(&directory, "server.pem");
        assert!(leaf.names.contains("localhost") && leaf.names.contains("::1"));
        assert!(leaf.end.since(start) <= DAY * CERTIFICATE_DAYS);
        assert_eq!(leaf.issuer, facts(&directory, "authority.pem").subject);
        let file = directory.path().join("tls/server.pem");
        let pem = std::fs::read(&file).unwrap();

        let again = prepare(&directory, &server(), start.plus(DAY * 300)).unwrap();
        assert_eq!(again.authority_pem, first.authority_pem);
        assert_eq!(std::fs::read(&file).unwrap(), pem);

        let later = prepare(&directory, &server(), start.plus(DAY * 350)).unwrap();
        assert_eq!(later.authority_pem, first.authority_pem);
        assert_ne!(std::fs::read(&file).unwrap(), pem);

        let mut named = server();
        named.names = vec!["desk.lan".into(), "10.0.0.9".into()];
        prepare(&directory, &named, start.plus(DAY * 351)).unwrap();
        let names = facts(&directory, "server.pem").names;
        assert!(names.contains("desk.lan") && names.contains("10.0.0.9"));

        let new = prepare(&directory, &server(), start.plus(DAY * AUTHORITY_DAYS)).unwrap();
        assert_ne!(new.authority_pem, first.authority_pem);
        assert_eq!(facts(&directory, "server.pem").issuer, facts(&directory, "authority.pem").subject);
    }

    #[test]
    fn keys_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(folder.path()).unwrap();
        prepare(&directory, &server(), Timestamp::from_millis(1_800_000_000_000)).unwrap();
        for name in ["authority.key", "server.key"] {
            let mode =
                std::fs::metadata(directory.path().join("tls").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_site_certificate_that_is_none_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(folder.path()).unwrap();
        let file = folder.path().join("site.pem");
        std::fs::write(&file, "nothing").unwrap();
        let mut site = server();
        (site.certificate_file, site.private_key_file) = (Some(file.clone()), Some(file));
        let error = prepare(&directory, &site, Timestamp::from_millis(0)).unwrap_err();
        assert!(matches!(error, Error::NoPem { what: "certificate", .. }));
    }
}
