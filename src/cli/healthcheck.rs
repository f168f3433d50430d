//! `frontdesk healthcheck`: asks the appliance of this data directory, over HTTPS, whether it is ready.
//!
//! It accepts the appliance's own authority, or exactly the site's certificate: that one is made out to the site's name,
//! which this machine may not even resolve.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned,
};
use serde_json::{Value, json};

use super::{Failure, SettingsArguments, Shown};
use crate::config::Server;
use crate::http::authority_path;

const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 16 << 10;

/// Succeeds when the appliance says that it is ready.
pub(super) fn run(arguments: &SettingsArguments, shown: Shown) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    let address = local(settings.server.https_listen);
    let certificate = settings.server.certificate_file.clone();
    let authority = authority_path(&settings.store.data_dir);
    let asked = tls(&settings.server, certificate.as_deref().unwrap_or(&authority))
        .and_then(|tls| ask(address, tls))
        .map_err(|error| format!("The appliance at {address} does not answer: {error}"))
        .and_then(|(status, body)| match status.as_str() {
            "200" => Ok(body),
            _ => Err(format!("The appliance at {address} is not ready ({status}): {body}")),
        });
    if shown.json {
        let checks = asked.as_ref().ok().and_then(|body| serde_json::from_str::<Value>(body).ok());
        let line = json!({ "ok": asked.is_ok(), "address": address, "state": checks, "problem": asked.as_ref().err() });
        shown.print(&line, "");
    }
    asked.map(|_| ()).map_err(Failure::new)
}

/// Where a listener on all addresses is reached from here.
fn local(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        let here: IpAddr = match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        listen.set_ip(here);
    }
    listen
}

fn tls(server: &Server, certificate: &Path) -> std::io::Result<ClientConfig> {
    let pem = std::fs::read(certificate)?;
    let certificate = CertificateDer::from_pem_slice(&pem).map_err(std::io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?;
    if server.certificate_file.is_some() {
        let pinned = Pinned { certificate, provider };
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(std::io::Error::other)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The status and the body of `/healthz/ready`.
fn ask(address: SocketAddr, tls: ClientConfig) -> std::io::Result<(String, String)> {
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(tls), name).map_err(std::io::Error::other)?;
    let socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(b"GET /healthz/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer) {
        // Some servers close without saying so in TLS; what came is judged by what it says.
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap_or("no status");
    Ok((status.to_owned(), body.to_owned()))
}

/// Accepts one certificate and nothing else; that the server holds its key is proved as always.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("it is not the certificate in server.certificate_file".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_listener_on_all_addresses_is_asked_on_this_machine() {
        let local = |text: &str| super::local(text.parse().unwrap()).to_string();
        assert_eq!(local("0.0.0.0:8443"), "127.0.0.1:8443");
        assert_eq!(local("[::]:8443"), "[::1]:8443");
        assert_eq!(local("10.0.0.9:443"), "10.0.0.9:443");
    }
}
