//! Letters: SMTP (RFC 5321) with the site's mail server, let out by the same policy and booked in the same ledger as all else.
//!
//! The name of the server is looked up once, and only addresses that the policy permits are connected to; the certificate is still
//! held against the name. Encryption that is asked for is never done without: a server without STARTTLS is told nothing.
//!
//! An entry of the ledger has the bytes of the letter and the last code that the server answered with.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error as Failed, client};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use url::Url;

use super::client::{CONNECT_TIMEOUT, Outbound};
use super::ledger::{Attempt, Outcome};
use super::policy::Permit;
use super::resolver::{LeadsOutside, look_up};
use super::smtp_error::{SAID_CHARS_MAX, SmtpAsked, SmtpError};
use super::{Error, Phase};
use crate::base::{Fault as _, Secret};

/// For one answer of the mail server; some take their time to say yes.
pub const SMTP_ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// For the whole conversation.
pub const SMTP_WHOLE_TIMEOUT: Duration = Duration::from_secs(180);
/// For the greeting, connecting and the handshake included. Some servers hold it back for seconds to see who has no manners.
const GREETING_TIMEOUT: Duration = Duration::from_secs(20);
/// For saying goodbye, when all is done.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Addresses of the server that are tried, one after the other.
const ADDRESSES_MAX: usize = 4;
/// What entries of the ledger are for.
const PURPOSE: &str = "mail";

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpEncryption {
    /// From the first byte (RFC 8314).
    Tls,
    /// Before anything is said (RFC 3207).
    StartTls,
    /// Not at all.
    None,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Where it is, as the allow-list judges places: `https` for an encrypted connection, `http` for a plain one.
    pub url: Url,
    /// How the connection is encrypted.
    pub encryption: SmtpEncryption,
    /// Who signs in, and with what.
    pub credentials: Option<(String, Secret)>,
    /// Certificates (PEM) trusted besides those of the operating system.
    pub roots_pem: Option<Vec<u8>>,
    /// The name that we give; the machine's own where it is none.
    pub hello: Option<String>,
}

/// A letter in its envelope.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Who sends it: whom a refusal would be told.
    pub sender: String,
    /// Who gets it.
    pub recipient: String,
    /// The letter itself (RFC 5322), lines ended by CR LF.
    pub letter: Vec<u8>,
    /// On whose behalf; nobody's for the appliance itself.
    pub tenant: Option<String>,
}

/// A step of the conversation, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpStep {
    /// It may be contacted, and its name has an address.
    Resolve,
    /// Somebody answers there.
    Connect,
    /// The connection is encrypted and the certificate is believed.
    Encrypt,
    /// The server believes who we are.
    SignIn,
    /// It has taken the letter.
    Accept,
}

/// How far a conversation has come.
#[derive(Debug, Clone)]
pub struct SmtpWay {
    /// What was done, what there is to say about it, and how long it took.
    pub done: Vec<(SmtpStep, String, Duration)>,
    /// What was begun last.
    pub at: SmtpStep,
    began: Instant,
}

impl Default for SmtpWay {
    fn default() -> Self {
        Self { done: Vec::new(), at: SmtpStep::Resolve, began: Instant::now() }
    }
}

impl SmtpWay {
    fn begin(&mut self, step: SmtpStep) {
        (self.at, self.began) = (step, Instant::now());
    }

    fn finish(&mut self, detail: impl Into<String>) {
        self.done.push((self.at, detail.into(), self.began.elapsed()));
    }

    /// How long the step that was begun last has taken.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Outbound {
    /// Takes a letter to the mail server, or, without one, goes as far as signing in and turns back. `way` is told each step.
    /// Says what the server answered in the end.
    ///
    /// Once the letter is with the server and its answer is lost, there is no knowing whether it was taken: then this fails, and
    /// whoever tries again may send it twice.
    ///
    /// # Errors
    /// Any [`SmtpError`].
    pub async fn mail(
        &self,
        server: &SmtpServer,
        parcel: Option<&Parcel>,
        way: &mut SmtpWay,
    ) -> Result<String, SmtpError> {
        let destination = super::client::destination_of(&server.url);
        let tenant = parcel.and_then(|parcel| parcel.tenant.clone());
        let mut attempt = Attempt::begin(self.ledger_of(), destination.clone(), PURPOSE, tenant);
        let talk = Talk { outbound: self, server, destination: &destination };
        let talked = timeout(SMTP_WHOLE_TIMEOUT, talk.carry_out(parcel, way, &mut attempt)).await;
        let talked = talked.unwrap_or_else(|_| Err(talk.timed_out(Phase::Whole)));
        match &talked {
            Ok(_) => attempt.end(Outcome::Answered),
            Err(error) if error.is_refusal() => attempt.end(Outcome::Refused(error.code())),
            Err(error) => attempt.end(Outcome::Failed(error.code())),
        }
        talked
    }
}

/// One conversation.
struct Talk<'a> {
    outbound: &'a Outbound,
    server: &'a SmtpServer,
    destination: &'a str,
}

impl Talk<'_> {
    async fn carry_out(
        &self,
        parcel: Option<&Parcel>,
        way: &mut SmtpWay,
        attempt: &mut Attempt,
    ) -> Result<String, SmtpError> {
        way.begin(SmtpStep::Resolve);
        let permit = self.outbound.policy().permit(&self.server.url)?;
        let addresses = self.addresses(&permit).await?;
        let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        way.finish(shown.join(", "));
        let mut connection = self.connect(&addresses, way).await?;
        let said = self.converse(&mut connection, parcel, way, attempt).await;
        // The letter is on its way or it is not; how the goodbye ends changes nothing.
        let _ = timeout(QUIT_TIMEOUT, connection.command(Quit)).await;
        said
    }

    /// The addresses that may be connected to.
    async fn addresses(&self, permit: &Permit) -> Result<Vec<SocketAddr>, SmtpError> {
        let url = &self.server.url;
        let port = url.port_or_known_default().unwrap_or_default();
        let destination = || self.destination.to_owned();
        let name = match url.host() {
            Some(url::Host::Domain(name)) => name.to_owned(),
            Some(url::Host::Ipv4(address)) => return Ok(vec![(IpAddr::V4(address), port).into()]),
            Some(url::Host::Ipv6(address)) => return Ok(vec![(IpAddr::V6(address), port).into()]),
            None => return Err(Error::BadUrl { reason: "the address has no host" }.into()),
        };
        let looking_up = look_up(self.outbound.resolver(), &name, permit.reach);
        let Ok(found) = timeout(CONNECT_TIMEOUT, looking_up).await else {
            return Err(self.timed_out(Phase::Connection));
        };
        let found = found.map_err(|cause| match cause.downcast_ref::<LeadsOutside>() {
            Some(outside) => Error::ForbiddenAddress { destination: destination(), network: outside.network },
            None => Error::Unresolved { destination: destination(), source: cause },
        })?;
        Ok(found.into_iter().take(ADDRESSES_MAX).map(|address| (address, port).into()).collect())
    }

    /// Connects to the first address that answers, and encrypts.
    async fn connect(
        &self,
        addresses: &[SocketAddr],
        way: &mut SmtpWay,
    ) -> Result<AsyncSmtpConnection, SmtpError> {
        way.begin(SmtpStep::Connect);
        let parameters = self.tls()?;
        let at_once = if self.server.encryption == SmtpEncryption::Tls { parameters.clone() } else { None };
        let mut last = self.timed_out(Phase::Connection);
        let hello = self.hello();
        for address in addresses {
            let connecting = AsyncSmtpConnection::connect_tokio1(
                *address,
                Some(CONNECT_TIMEOUT),
                &hello,
                at_once.clone(),
                None,
            );
            match self.within(SmtpAsked::Greeting, connecting).await {
                Ok(mut connection) => {
                    way.finish(address.to_string());
                    self.encrypt(&mut connection, parameters, way).await?;
                    return Ok(connection);
                }
                Err(error @ SmtpError::Outbound(Error::Connect { .. })) => last = error,
                Err(error) => {
                    if matches!(error, SmtpError::Tls { .. }) {
                        way.finish(address.to_string());
                        way.begin(SmtpStep::Encrypt);
                    }
                    return Err(error);
                }
            }
        }
        Err(last)
    }

    async fn encrypt(
        &self,
        connection: &mut AsyncSmtpConnection,
        parameters: Option<TlsParameters>,
        way: &mut SmtpWay,
    ) -> Result<(), SmtpError> {
        way.begin(SmtpStep::Encrypt);
        let Some(parameters) = parameters else {
            way.finish("not encrypted, as mail.encryption says");
            return Ok(());
        };
        if self.server.encryption == SmtpEncryption::StartTls {
            if !connection.can_starttls() {
                return Err(SmtpError::NoStartTls { destination: self.destination.to_owned() });
            }
            let hello = self.hello();
            self.within(SmtpAsked::Greeting, connection.starttls(parameters, &hello)).await?;
        }
        way.finish(format!("TLS; the certificate is that of {}", self.name()));
        Ok(())
    }

    async fn converse(
        &self,
        connection: &mut AsyncSmtpConnection,
        parcel: Option<&Parcel>,
        way: &mut SmtpWay,
        attempt: &mut Attempt,
    ) -> Result<String, SmtpError> {
        if let Some((username, password)) = &self.server.credentials {
            way.begin(SmtpStep::SignIn);
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(SmtpError::NoSignIn { destination: self.destination.to_owned() });
            }
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            let answer = self.within(SmtpAsked::SignIn, connection.auth(&mechanisms, &credentials)).await;
            let answer = noted(attempt, answer)?;
            way.finish(said(&answer));
        }
        match parcel {
            Some(parcel) => self.hand_over(connection, parcel, way, attempt).await,
            None => Ok(String::new()),
        }
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        parcel: &Parcel,
        way: &mut SmtpWay,
        attempt: &mut Attempt,
    ) -> Result<String, SmtpError> {
        way.begin(SmtpStep::Accept);
        let (sender, recipient) = (address(&parcel.sender)?, address(&parcel.recipient)?);
        let mut parameters = Vec::new();
        if ![&sender, &recipient].iter().all(|address| address.user().is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(SmtpError::NoUnicode { destination: self.destination.to_owned() });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let asking = connection.command(Mail::new(Some(sender), parameters));
        let answer = self.within(SmtpAsked::Sender, asking).await;
        noted(attempt, answer)?;
        let asking = connection.command(Rcpt::new(recipient, Vec::new()));
        let answer = self.within(SmtpAsked::Recipient, asking).await;
        noted(attempt, answer)?;
        let answer = self.within(SmtpAsked::Letter, connection.command(Data)).await;
        noted(attempt, answer)?;
        attempt.sent(parcel.letter.len());
        let answer = self.within(SmtpAsked::Letter, connection.message(&parcel.letter)).await;
        let answer = noted(attempt, answer)?;
        way.finish(said(&answer));
        Ok(said(&answer))
    }

    /// Waits for one answer.
    async fn within<T>(
        &self,
        asked: SmtpAsked,
        answer: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, SmtpError> {
        let patience = if asked == SmtpAsked::Greeting { GREETING_TIMEOUT } else { SMTP_ANSWER_TIMEOUT };
        match timeout(patience, answer).await {
            Ok(answer) => answer.map_err(|failed| self.told_apart(asked, failed)),
            Err(_) => Err(self.timed_out(Phase::FirstByte)),
        }
    }

    /// Names what went wrong.
    fn told_apart(&self, asked: SmtpAsked, failed: Failed) -> SmtpError {
        let destination = self.destination.to_owned();
        if let Some(code) = failed.status() {
            let cause = std::error::Error::source(&failed);
            let said = cause.map(|cause| one_line(&cause.to_string())).unwrap_or_default();
            return SmtpError::Refused { destination, asked, code: code.into(), said };
        }
        if let Some(source) = beneath_tls(&failed) {
            return SmtpError::Tls { destination, source };
        }
        // What is said in vain, or not in SMTP, comes from somebody who is there.
        let is_there = failed.is_response() || failed.is_client() || asked != SmtpAsked::Greeting;
        let source = Box::new(failed);
        if is_there {
            Error::Broken { destination, source }.into()
        } else {
            Error::Connect { destination, source }.into()
        }
    }

    fn timed_out(&self, phase: Phase) -> SmtpError {
        Error::TimedOut { destination: self.destination.to_owned(), phase }.into()
    }

    /// The server's name or address, which its certificate must be made out to.
    fn name(&self) -> String {
        let host = self.server.url.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']').to_owned()
    }

    fn hello(&self) -> ClientId {
        self.server.hello.clone().map_or_else(ClientId::default, ClientId::Domain)
    }

    /// Nothing where the connection is not to be encrypted.
    fn tls(&self) -> Result<Option<TlsParameters>, SmtpError> {
        if self.server.encryption == SmtpEncryption::None {
            return Ok(None);
        }
        let unusable = |cause: Failed| Error::Tls(Box::new(cause));
        let mut builder = TlsParameters::builder(self.name());
        if let Some(pem) = &self.server.roots_pem {
            builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
        }
        builder = builder.set_min_tls_version(client::TlsVersion::Tlsv12);
        Ok(Some(builder.build().map_err(unusable)?))
    }
}

/// Notes the code of an answer in the ledger's entry.
fn noted(attempt: &mut Attempt, answer: Result<Response, SmtpError>) -> Result<Response, SmtpError> {
    match &answer {
        Ok(response) => attempt.answered(response.code().into()),
        Err(SmtpError::Refused { code, .. }) => attempt.answered(*code),
        Err(_) => {}
    }
    answer
}

/// An address as SMTP takes it: the domain in ASCII (RFC 5891).
fn address(text: &str) -> Result<Address, SmtpError> {
    let bad = || SmtpError::BadAddress { address: text.to_owned() };
    let (user, domain) = text.trim().rsplit_once('@').ok_or_else(bad)?;
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        url::Host::parse(domain).map_err(|_| bad())?.to_string()
    };
    Address::new(user, domain).map_err(|_| bad())
}

/// What lies beneath a failed handshake.
fn beneath_tls(failed: &Failed) -> Option<rustls::Error> {
    let mut beneath: Option<&(dyn std::error::Error + 'static)> = Some(failed);
    while let Some(error) = beneath {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(error.clone());
        }
        // An input error hides what it was made of from `source`.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(error.clone());
        }
        beneath = error.source();
    }
    None
}

fn said(answer: &Response) -> String {
    let lines: Vec<&str> = answer.message().collect();
    one_line(&format!("{} {}", answer.code(), lines.join(" ")))
}

/// What a server says, fit to be shown: one line, no controls, not without end.
fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::outbound::{EgressHost, EgressPolicy, Options, Resolver};

    /// Leads every name to one address, and counts how often it was asked.
    struct Leads(&'static str, AtomicUsize);

    impl Resolver for Leads {
        fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let address = self.0.parse().unwrap();
            Box::pin(async move { Ok(vec![address]) })
        }
    }

    fn server(url: &str, encryption: SmtpEncryption) -> SmtpServer {
        SmtpServer { url: url.parse().unwrap(), encryption, credentials: None, roots_pem: None, hello: None }
    }

    async fn refused(
        url: &str,
        host: EgressHost,
        air_gapped: bool,
        leads: &'static str,
    ) -> (SmtpError, usize) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let names = Arc::new(Leads(leads, AtomicUsize::new(0)));
        let policy = EgressPolicy::new(&[host], air_gapped).unwrap();
        let options = Options { resolver: names.clone(), ..Options::default() };
        let outbound = Outbound::new(policy, options).unwrap();
        let mut way = SmtpWay::default();
        let error = outbound.mail(&server(url, SmtpEncryption::StartTls), None, &mut way).await.unwrap_err();
        assert_eq!(way.at, SmtpStep::Resolve);
        let entry = outbound.ledger().latest().pop().unwrap();
        assert_eq!((entry.purpose, entry.outcome), ("mail", Outcome::Refused(error.code())));
        (error, names.1.load(Ordering::SeqCst))
    }

    fn host(address: &str) -> EgressHost {
        EgressHost { address: address.into(), private: false, plain_http: false }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_where_only_the_internet_is_allowed() {
        for inside in ["10.0.0.5", "127.0.0.1", "169.254.169.254"] {
            let (error, asked) =
                refused("https://mail.example.com:587/", host("mail.example.com:587"), false, inside).await;
            assert_eq!((error.code(), asked), ("egress_forbidden_address", 1), "{inside}");
        }
        let private = EgressHost { private: true, ..host("mail.example.com:587") };
        let (error, _) = refused("https://mail.example.com:587/", private, false, "169.254.169.254").await;
        assert_eq!(error.code(), "egress_forbidden_address");
    }

    #[tokio::test]
    async fn nobody_is_asked_for_a_name_that_may_not_be_contacted() {
        let (error, asked) =
            refused("https://mail.example.com:587/", host("mail.example.com:465"), false, "1.1.1.1").await;
        assert_eq!((error.code(), asked), ("egress_not_allowed", 0));
        let (error, asked) =
            refused("https://mail.example.com:587/", host("mail.example.com:587"), true, "1.1.1.1").await;
        assert_eq!((error.code(), asked), ("egress_air_gapped", 0));
        let (error, asked) =
            refused("http://mail.example.com:25/", host("mail.example.com:25"), false, "1.1.1.1").await;
        assert_eq!((error.code(), asked), ("egress_plain_http", 0));
    }

    #[test]
    fn an_address_is_written_as_smtp_takes_it_and_an_answer_as_one_line() {
        assert_eq!(address("ada@bücher.example").unwrap().to_string(), "ada@xn--bcher-kva.example");
        for bad in ["ada", "a b@example.com", "ada@example.com>\r\nDATA", "@example.com"] {
            assert!(matches!(address(bad), Err(SmtpError::BadAddress { .. })), "{bad}");
        }
        assert_eq!(one_line("5.1.1 No\r\n such\u{7} user "), "5.1.1 No such user");
        assert_eq!(one_line(&"x".repeat(1_000)).len(), SAID_CHARS_MAX);
    }
}
