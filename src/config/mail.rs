//! `[mail]`: the mail server that the appliance's letters go through.
//!
//! Off while no host is named. Whether the server may be reached at all is the allow-list's to say, as for everything else that
//! leaves the machine: an entry with its host and port.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use lettre::message::Mailbox;
use serde::Deserialize;
use url::Url;

use super::destination::Destination;
use super::key::KeyPlaces;
use super::settings::Finding;
use super::value::{optional_path, optional_secret};
use crate::base::Secret;

/// The setting that findings about the server's place belong to.
pub(super) const HOST: &str = "mail.host";
const CA_FILE_BYTES_MAX: u64 = 1 << 20;
const LETTERS_PER_HOUR_MAX: u32 = 100_000;

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailEncryption {
    /// TLS from the first byte (RFC 8314), usually port 465.
    Tls,
    /// Plain at first, then TLS before anything is said (RFC 3207), usually port 587. A server that does not offer it is refused.
    #[serde(rename = "starttls")]
    StartTls,
    /// Not at all; within the site only, see [`super::AllowedHost::plain_http`].
    None,
}

/// The mail server, and how much is sent through it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Its name or address; empty while there is none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: MailEncryption,
    /// Who signs in there; nobody while it is empty.
    pub username: String,
    /// The password, once [`super::load()`] has taken it in from wherever it is kept.
    #[serde(deserialize_with = "optional_secret")]
    pub password: Option<Secret>,
    /// The variable that holds the password.
    pub password_env: String,
    /// The file that holds the password and nothing else.
    #[serde(deserialize_with = "optional_path")]
    pub password_file: Option<PathBuf>,
    /// Whom letters are from.
    pub from: String,
    /// Where answers go; to `from` while it is empty.
    pub reply_to: String,
    /// Certificates (PEM) of a private authority, trusted for the mail server besides those of the operating system.
    #[serde(deserialize_with = "optional_path")]
    pub ca_file: Option<PathBuf>,
    /// What stands in that file.
    #[serde(skip)]
    pub ca_pem: Option<Vec<u8>>,
    /// Letters of one kind an hour to one address.
    pub letters_per_hour_per_recipient: u32,
    /// Letters an hour on behalf of one workspace.
    pub letters_per_hour_per_workspace: u32,
}

impl Mail {
    /// Whether there is a mail server.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        !self.host.is_empty()
    }

    /// Where it is, as the allow-list judges places: `https` stands for an encrypted connection, `http` for a plain one.
    #[must_use]
    pub fn address(&self) -> Option<Url> {
        if !self.is_set_up() {
            return None;
        }
        let scheme = if self.encryption == MailEncryption::None { "http" } else { "https" };
        let host = &self.host;
        let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
        let bare = !host.contains(['/', '\\', '?', '#', '@', ' ']);
        let url = bare.then(|| Url::parse(&format!("{scheme}://{host}:{}/", self.port)).ok()).flatten()?;
        // A port within the host would have been read as part of it.
        (url.port_or_known_default() == Some(self.port) && !host.ends_with(':')).then_some(url)
    }

    /// What the allow-list is asked about.
    pub(super) fn destination(&self) -> Option<Destination<'_>> {
        Some(Destination { table: HOST, name: &self.host, url: self.address()? })
    }

    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let rates = [
            ("mail.letters_per_hour_per_recipient", self.letters_per_hour_per_recipient),
            ("mail.letters_per_hour_per_workspace", self.letters_per_hour_per_workspace),
        ];
        let outside = rates.into_iter().filter(|(_, rate)| !(1..=LETTERS_PER_HOUR_MAX).contains(rate));
        findings.extend(outside.map(|(key, _)| (key, format!("from 1 to {LETTERS_PER_HOUR_MAX}"))));
        if !self.is_set_up() {
            return findings;
        }
        if self.address().is_none() {
            let reason = format!(
                "\"{}\" is not a host: write \"mail.example.com\" or \"10.0.0.5\"; the port is mail.port",
                self.host
            );
            findings.push((HOST, reason));
        }
        findings.extend(self.check_people());
        findings.extend(self.take_in_password(environment));
        findings.extend(self.take_in_authority());
        findings
    }

    fn check_people(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.from.is_empty() {
            let reason = "whom letters are from, such as \"Frontdesk <desk@example.com>\"".to_owned();
            findings.push(("mail.from", reason));
        }
        for (key, text) in [("mail.from", &self.from), ("mail.reply_to", &self.reply_to)] {
            if !text.is_empty() && text.parse::<Mailbox>().is_err() {
                let reason = format!(
                    "\"{text}\" is not an address: write \"desk@example.com\" or \"Frontdesk <desk@example.com>\""
                );
                findings.push((key, reason));
            }
        }
        findings
    }

    fn take_in_password(&mut self, environment: &[(String, String)]) -> Option<Finding> {
        let places = KeyPlaces {
            what: "the password of the mail server",
            key: &mut self.password,
            variable: (!self.password_env.is_empty()).then_some(self.password_env.as_str()),
            file: self.password_file.as_deref(),
        };
        if let Err(reason) = places.find(environment) {
            return Some(("mail.password", reason));
        }
        match (self.username.is_empty(), self.password.is_some()) {
            (false, false) => {
                let reason =
                    "it needs a password: mail.password_file, mail.password_env or mail.password".to_owned();
                Some(("mail.username", reason))
            }
            (true, true) => Some(("mail.username", "there is a password and nobody whose it is".to_owned())),
            _ => None,
        }
    }

    fn take_in_authority(&mut self) -> Option<Finding> {
        use std::io::Read as _;
        let path = self.ca_file.as_ref()?;
        let mut pem = Vec::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(CA_FILE_BYTES_MAX).read_to_end(&mut pem));
        if let Err(error) = read {
            return Some(("mail.ca_file", format!("{} cannot be read: {error}", path.display())));
        }
        let holds_one = String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----");
        self.ca_pem = Some(pem);
        let reason = || format!("{} holds no certificate in PEM", path.display());
        (!holds_one).then(|| ("mail.ca_file", reason()))
    }

    /// What is no mistake and will probably not work.
    pub(super) fn notices(&self) -> Vec<Finding> {
        let usual = match (self.encryption, self.port) {
            (MailEncryption::StartTls, 465) => "port 465 usually speaks TLS from the first byte: \"tls\"",
            (MailEncryption::Tls, 587 | 25) => "this port usually begins unencrypted: \"starttls\"",
            _ => return Vec::new(),
        };
        if self.is_set_up() { vec![("mail.encryption", usual.to_owned())] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::read;

    const MAIL: &str = "[mail]\nhost = \"mail.example.com\"\nfrom = \"Frontdesk <desk@example.com>\"\n";

    #[test]
    fn mail_is_off_until_a_host_is_named_and_then_needs_somebody_to_be_from() {
        let loaded = read("").unwrap();
        assert!(!loaded.settings.mail.is_set_up() && loaded.notices.is_empty());
        let found = read("[mail]\nhost = \"mail.example.com\"\n").unwrap_err();
        assert!(found[0].starts_with("mail.from: whom letters are from"), "{found:?}");
        let found = read("[mail]\nhost = \"mail.example.com:25\"\nfrom = \"nobody\"\nreply_to = \"a b@c\"\n");
        let found = found.unwrap_err();
        assert!(found[0].starts_with("mail.host: \"mail.example.com:25\" is not a host"), "{found:?}");
        assert!(found[1].starts_with("mail.from: \"nobody\" is not an address"), "{found:?}");
        assert!(found[2].starts_with("mail.reply_to: \"a b@c\" is not an address"), "{found:?}");
    }

    #[test]
    fn a_mail_server_that_is_not_allowed_is_said_with_what_to_add_and_air_gapped_refuses_it() {
        let notices = |file: &str| {
            let notices = read(file).unwrap().notices;
            notices.iter().map(|one| format!("{}: {}", one.key, one.reason)).collect::<Vec<_>>()
        };
        let found = notices(MAIL);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("mail.host: \"mail.example.com\" is at mail.example.com:587"),
            "{found:?}"
        );
        assert!(
            found[0].ends_with("add { address = \"mail.example.com:587\" } to outbound.allow"),
            "{found:?}"
        );
        let plain = "[mail]\nhost = \"10.0.0.5\"\nport = 25\nencryption = \"none\"\nfrom = \"a@b.example\"\n";
        let allow = "[outbound]\nallow = [{ address = \"10.0.0.5:25\", private = true }]\n";
        let found = notices(&(plain.to_owned() + allow));
        assert!(found[0].ends_with("add plain_http = true to it"), "{found:?}");
        let found = read(&(MAIL.to_owned() + "[outbound]\nair_gapped = true\n")).unwrap_err();
        assert!(
            found[0].starts_with("outbound.air_gapped: it is true, and mail.host \"mail.example.com\""),
            "{found:?}"
        );
    }

    #[test]
    fn a_password_is_taken_in_once_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let with_file = format!("{MAIL}username = \"desk\"\npassword_file = \"{}\"\n", file.display());
        let loaded = read(&with_file).unwrap();
        assert_eq!(loaded.settings.mail.password.unwrap().expose(), "hunter2");
        let inline = read(&format!("{MAIL}username = \"desk\"\npassword = \"hunter2\"\n")).unwrap();
        let shown = inline.values.iter().find(|value| value.key == "mail.password").unwrap();
        assert_eq!(shown.shown, "\"(secret)\"");
        let empty = read("").unwrap();
        assert_eq!(empty.values.iter().find(|value| value.key == "mail.password").unwrap().shown, "\"\"");
        let twice = read(&format!("{with_file}password = \"x\"\n")).unwrap_err();
        assert_eq!(twice, ["mail.password: the password of the mail server is given more than once"]);
        let nobody = read(&format!("{MAIL}password = \"x\"\n")).unwrap_err();
        assert_eq!(nobody, ["mail.username: there is a password and nobody whose it is"]);
        let none = read(&format!("{MAIL}username = \"x\"\n")).unwrap_err();
        assert!(none[0].starts_with("mail.username: it needs a password"), "{none:?}");
        let authority = read(&format!("{MAIL}ca_file = \"{}\"\n", file.display())).unwrap_err();
        assert!(authority[0].ends_with("holds no certificate in PEM"), "{authority:?}");
    }
}
