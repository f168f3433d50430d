//! What a certificate says, and whether it and its key belong together.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::{DistributionPointName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::base::Timestamp;

/// Why a certificate and its key cannot be served with.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file cannot be read.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds no certificate or no private key.
    #[error("{} holds no {what} in PEM", path.display())]
    NoPem {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// They do not belong together, or are of a kind that is not known.
    #[error("the certificate and its key cannot be used")]
    Unusable(#[from] rustls::Error),
}

/// A certificate with its key, and what it says.
#[derive(Debug, Clone)]
pub struct Pair {
    /// To serve with.
    pub key: Arc<CertifiedKey>,
    /// What the certificate says; nothing where it cannot be told.
    pub facts: Option<Facts>,
}

/// What a certificate says.
#[derive(Debug, Clone)]
pub struct Facts {
    /// From when on it holds.
    pub begin: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// The names and addresses that it is made out to, in lower case.
    pub names: BTreeSet<String>,
    /// Who it is of.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Where its signer lists what it has taken back.
    pub revocations: Option<String>,
}

impl Facts {
    /// Of the first certificate of a PEM file.
    #[must_use]
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        Self::of_der(&CertificateDer::from_pem_slice(pem).ok()?)
    }

    fn of_der(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let millis =
            |seconds: i64| Timestamp::from_millis(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000));
        let extension = certificate.subject_alternative_name().ok().flatten();
        let names = extension.map_or(&[][..], |extension| extension.value.general_names.as_slice());
        Some(Self {
            begin: millis(certificate.validity().not_before.timestamp()),
            end: millis(certificate.validity().not_after.timestamp()),
            names: names.iter().filter_map(name_text).collect(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            revocations: revocations(&certificate),
        })
    }

    /// Whether it was signed by nobody else.
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is made out to `host`; `*.example.com` is for one more label (RFC 6125).
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).to_lowercase();
        let parent = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        self.names.contains(&host) || parent.is_some_and(|wild| self.names.contains(&wild))
    }
}

fn revocations(certificate: &X509Certificate<'_>) -> Option<String> {
    let points =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => Some(points),
            _ => None,
        })?;
    points.points.iter().find_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => names.iter().find_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        }),
        _ => None,
    })
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_lowercase()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
            .ok()
            .map(|address| address.to_string()),
        _ => None,
    }
}

/// Reads a certificate chain and its private key, both PEM.
///
/// # Errors
/// [`PairError`].
pub fn read_pair(certificate: &Path, key: &Path) -> Result<Pair, PairError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| PairError::File { path: path.to_path_buf(), source })
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(certificate)?).filter_map(Result::ok).collect();
    let Some(first) = chain.first() else {
        return Err(PairError::NoPem { path: certificate.to_path_buf(), what: "certificate" });
    };
    let facts = Facts::of_der(first);
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| PairError::NoPem { path: key.to_path_buf(), what: "private key" })?;
    let provider = rustls::crypto::ring::default_provider();
    let key = Arc::new(CertifiedKey::from_der(chain, private, &provider)?);
    Ok(Pair { key, facts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, names: &[&str]) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(
            names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        );
        let made = made.unwrap();
        let (certificate, key) =
            (folder.join(format!("{}.pem", names[0])), folder.join(format!("{}.key", names[0])));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    }

    #[test]
    fn a_pair_is_read_with_what_it_says_and_one_that_does_not_belong_together_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (desk, desk_key) = write(folder.path(), &["desk.example.com", "*.example.org"]);
        let (_, other_key) = write(folder.path(), &["other.example.com"]);
        let facts = read_pair(&desk, &desk_key).unwrap().facts.unwrap();
        assert!(facts.is_self_signed() && facts.begin < facts.end && facts.revocations.is_none());
        assert!(facts.covers("Desk.example.com") && facts.covers("a.example.org"));
        assert!(
            !facts.covers("a.b.example.org") && !facts.covers("example.org") && !facts.covers("localhost")
        );
        assert!(matches!(read_pair(&desk, &other_key), Err(PairError::Unusable(_))));
        assert!(matches!(read_pair(&desk, &desk), Err(PairError::NoPem { what: "private key", .. })));
        assert!(matches!(read_pair(&folder.path().join("none"), &desk_key), Err(PairError::File { .. })));
    }
}
