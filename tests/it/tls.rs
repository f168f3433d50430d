//! The certificate that is read again, plain HTTP that leads to HTTPS, and proxies.

use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::caller::Caller;
use super::desk::Desk;
use super::socket::{Socket, is_answer};
use super::soon;

/// What was answered without encryption.
pub(crate) struct Plain {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Plain {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// Asks over plain HTTP.
pub(crate) async fn plain(address: &str, method: &str, path: &str, host: &str) -> Plain {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    soon("plain HTTP answers", stream.read_to_end(&mut bytes)).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    // The answers here are short enough to come in one chunk, or none.
    let body = match head.to_lowercase().contains("transfer-encoding: chunked") {
        true => body.split("\r\n").skip(1).step_by(2).collect(),
        false => body.to_owned(),
    };
    Plain { status, head: head.to_owned(), body }
}

/// Takes any certificate, to see which one is served.
#[derive(Debug)]
struct Looker(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that a new connection gets.
async fn served(desk: &Desk) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Looker(provider)))
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", desk.port())).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream =
        soon("the handshake ends", connector.connect(ServerName::try_from("localhost").unwrap(), stream))
            .await;
    stream.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Writes a new certificate of a site and its key; the certificate.
fn write_site(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    // The key first, as careful programs do.
    std::fs::write(folder.join("site.key"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("site.pem"), made.cert.pem()).unwrap();
    made.cert.der().to_vec()
}

/// Waits until a new connection gets `certificate`.
async fn is_served(desk: &Desk, certificate: &[u8]) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    let look = async {
        while served(desk).await != certificate {
            looks.tick().await;
        }
    };
    soon("the new certificate is served", look).await;
}

/// Waits until the check `name` of `/healthz/ready` is `state`, as the console sees it.
pub(crate) async fn health_is(desk: &Desk, name: &str, state: &str) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(100));
    let look = async {
        loop {
            let ready = desk.console(Method::GET, "/healthz/ready", "", None).await;
            let checks = ready.body["checks"].as_array().unwrap();
            if checks.iter().any(|check| check["name"] == name && check["state"] == state) {
                return;
            }
            looks.tick().await;
        }
    };
    soon(&format!("{name} is {state}"), look).await;
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart_and_no_connection_is_dropped() {
    let (desk, _) = Desk::set_up().await;
    let visitor = desk.visitor("acme").await;
    let conversation = desk.conversation(&visitor).await;
    let mut socket = Socket::open(&desk, &visitor, &conversation, None).await;
    let own = served(&desk).await;

    let first = write_site(desk.home());
    let file = "[server]\ncertificate_file = \"site.pem\"\nprivate_key_file = \"site.key\"\n[log]\nlevel = \"debug\"\n[store]\nidle_close_s = 77\n";
    std::fs::write(desk.home().join("appliance.toml"), file).unwrap();
    desk.signal("-HUP").await;
    is_served(&desk, &first).await;
    assert_ne!(first, own);
    desk.logged("the settings were read again").await;
    assert!(desk.logged("wait for a restart").await.contains("store.idle_close_s"));
    desk.console(Method::GET, "/healthz/live", "", None).await.expect(204);
    desk.logged("DEBUG").await;

    // Half of a new pair changes nothing but a fact; the whole of it is served by itself.
    std::fs::write(desk.home().join("site.pem"), "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    health_is(&desk, "certificate", "degraded").await;
    assert_eq!(served(&desk).await, first);
    desk.logged("the new certificate cannot be used").await;
    let second = write_site(desk.home());
    is_served(&desk, &second).await;
    health_is(&desk, "certificate", "ok").await;

    socket.say("q", "Is anybody there?").await;
    socket.until(is_answer).await;
}

#[tokio::test]
async fn plain_http_leads_pages_to_https_and_serves_no_more() {
    let mut desk = Desk::open_with(&["server.http_listen=127.0.0.1:0"], "").await;
    let line = desk.logged("plain HTTP is served").await;
    let address = line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let led = plain(&address, "GET", "/chat/acme?embed=1", "localhost").await;
    assert_eq!(led.status, 308);
    let to = format!("https://localhost:{}/chat/acme?embed=1", desk.port());
    assert_eq!(led.header("location"), Some(to.as_str()));
    for (method, path, status) in [
        ("GET", "/api/v1/setup", 403),
        ("POST", "/api/v1/sessions", 405),
        ("GET", "/metrics", 403),
        ("HEAD", "/healthz/live", 204),
    ] {
        let answer = plain(&address, method, path, "localhost").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!((answer.header("location"), answer.header("strict-transport-security")), (None, None));
    }
    // With the own authority a browser is not told to refuse every other certificate.
    let own = desk.get(&Caller::Nobody, "/healthz/live").await.expect(204);
    assert!(!own.headers.contains_key("strict-transport-security"));
    assert_eq!(own.headers["x-content-type-options"], "nosniff");
    desk.stop().await;
    desk.set("server.hsts=always");
    desk.start_again().await;
    let told = desk.get(&Caller::Nobody, "/healthz/live").await.expect(204);
    assert_eq!(told.headers["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn a_proxy_that_nobody_trusts_is_noticed_and_one_that_is_trusted_is_believed() {
    let (mut desk, owner) = Desk::set_up().await;
    let forwarded = async |desk: &Desk| {
        let request = desk.request(&owner, Method::PATCH, "/api/v1/workspace");
        let request =
            request.header("x-forwarded-for", "203.0.113.9").header("x-forwarded-host", "desk.example.com");
        let request =
            request.header("origin", "https://desk.example.com").json(&serde_json::json!({"greeting": "Hi"}));
        desk.send(request).await.status
    };
    assert_eq!(forwarded(&desk).await, 403);
    health_is(&desk, "proxy", "degraded").await;
    desk.stop().await;
    desk.set("server.trusted_proxies=[\"127.0.0.0/8\"]");
    desk.start_again().await;
    assert_eq!(forwarded(&desk).await, 200);
    health_is(&desk, "proxy", "ok").await;
}
