//! Why a letter was not taken by the mail server, told apart by who can mend it: who wrote the address, or who runs the appliance.
//!
//! What the server said is kept, cut to one line of [`SAID_CHARS_MAX`]: it holds the reason, and never a secret of ours.

use std::borrow::Cow;

use super::Error;
use crate::base::{Fault, Kind};

/// Characters of a server's answer that are kept.
pub const SAID_CHARS_MAX: usize = 300;

/// What the server was asked when it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpAsked {
    /// To begin.
    Greeting,
    /// To believe who we are.
    SignIn,
    /// To take a letter from this sender.
    Sender,
    /// To take one for this recipient.
    Recipient,
    /// To take the letter itself.
    Letter,
}

/// `destination` is always `host:port`.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum SmtpError {
    /// It was not let out, or the connection failed.
    #[error(transparent)]
    Outbound(#[from] Error),
    /// The server's certificate is not believed, or what it speaks is not TLS.
    #[error("no TLS with {destination}")]
    Tls {
        destination: String,
        #[source]
        source: rustls::Error,
    },
    /// It does not offer STARTTLS, and nothing is said to it unencrypted.
    #[error("{destination} does not offer STARTTLS")]
    NoStartTls { destination: String },
    /// It offers no way to sign in that we know (PLAIN and LOGIN).
    #[error("{destination} offers no way to sign in that is known")]
    NoSignIn { destination: String },
    /// The address needs SMTPUTF8 (RFC 6531), which the server does not have.
    #[error("{destination} takes no address with letters beyond ASCII")]
    NoUnicode { destination: String },
    /// An address that cannot be written in SMTP.
    #[error("not an address: {address}")]
    BadAddress { address: String },
    /// It said no.
    #[error("{destination} answered {code} {said}")]
    Refused { destination: String, asked: SmtpAsked, code: u16, said: String },
}

impl SmtpError {
    /// Whether the policy stopped it, so that nothing was sent.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Outbound(error) if error.is_refusal())
    }

    /// Whether this letter is what is wrong, so that others may well be taken.
    #[must_use]
    pub fn is_of_the_letter(&self) -> bool {
        match self {
            Self::Refused { asked, .. } => matches!(asked, SmtpAsked::Recipient | SmtpAsked::Letter),
            Self::NoUnicode { .. } | Self::BadAddress { .. } => true,
            Self::Outbound(_) | Self::Tls { .. } | Self::NoStartTls { .. } | Self::NoSignIn { .. } => false,
        }
    }

    fn is_temporary(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code < 500)
    }
}

impl Fault for SmtpError {
    fn kind(&self) -> Kind {
        match self {
            Self::Outbound(error) => error.kind(),
            Self::BadAddress { .. } | Self::NoUnicode { .. } => Kind::Invalid,
            Self::Refused { asked, .. } if !self.is_temporary() && *asked != SmtpAsked::Greeting => {
                Kind::Forbidden
            }
            Self::Refused { .. } | Self::Tls { .. } | Self::NoStartTls { .. } | Self::NoSignIn { .. } => {
                Kind::Unavailable
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Outbound(error) => error.code(),
            Self::Tls { .. } => "mail_no_tls",
            Self::NoStartTls { .. } => "mail_no_starttls",
            Self::NoSignIn { .. } => "mail_no_sign_in",
            Self::NoUnicode { .. } => "mail_no_unicode",
            Self::BadAddress { .. } => "mail_bad_address",
            Self::Refused { .. } if self.is_temporary() => "mail_put_off",
            Self::Refused { asked, .. } => match asked {
                SmtpAsked::Greeting => "mail_server_refused",
                SmtpAsked::SignIn => "mail_sign_in_refused",
                SmtpAsked::Sender => "mail_sender_refused",
                SmtpAsked::Recipient => "mail_recipient_refused",
                SmtpAsked::Letter => "mail_letter_refused",
            },
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Outbound(Error::Unresolved { destination, .. }) => format!(
                "The name of {destination} is not known. Check mail.host, and the name server of this machine."
            )
            .into(),
            Self::Outbound(Error::Connect { destination, .. }) => format!(
                "{destination} does not answer. Check mail.host and mail.port, that the mail server runs, and that no firewall is between."
            )
            .into(),
            Self::Outbound(Error::TimedOut { destination, .. } | Error::Broken { destination, .. }) => format!(
                "{destination} did not finish the conversation. Check mail.port and mail.encryption: a server that waits for TLS is \
                 silent to one that waits for a greeting."
            )
            .into(),
            Self::Outbound(error) => error.public(),
            Self::Tls { destination, source } => not_believed(destination, source).into(),
            Self::NoStartTls { destination } => format!(
                "{destination} does not offer STARTTLS, and nothing was sent unencrypted. Set mail.encryption to \"tls\" (usually port 465)."
            )
            .into(),
            Self::NoSignIn { destination } => format!(
                "{destination} offers no way to sign in that is known here (PLAIN, LOGIN). Check mail.port and mail.encryption, or leave \
                 mail.username empty."
            )
            .into(),
            Self::NoUnicode { .. } => {
                "The mail server takes no address with letters beyond a to z. Use another address.".into()
            }
            Self::BadAddress { .. } => "This is not an address that mail can be sent to. Check it.".into(),
            Self::Refused { asked, code, said, .. } => refused(*asked, *code, said).into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Outbound(error) => error.retryable(),
            Self::Refused { .. } => self.is_temporary(),
            Self::Tls { .. }
            | Self::NoStartTls { .. }
            | Self::NoSignIn { .. }
            | Self::NoUnicode { .. }
            | Self::BadAddress { .. } => false,
        }
    }
}

fn not_believed(destination: &str, error: &rustls::Error) -> String {
    use rustls::CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return format!(
            "{destination} does not speak TLS as it should. Check mail.port and mail.encryption: \"tls\" is usually port 465, \
             \"starttls\" 587."
        );
    };
    match wrong {
        Wrong::UnknownIssuer => format!(
            "The certificate of {destination} is signed by an authority that is not known here. If it is your own, set mail.ca_file \
             to its certificate."
        ),
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => format!(
            "The certificate of {destination} is made out to another name. Set mail.host to the name that stands in it."
        ),
        Wrong::Expired | Wrong::ExpiredContext { .. } => {
            format!(
                "The certificate of {destination} has expired. Whoever runs the mail server must renew it."
            )
        }
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            format!("The certificate of {destination} is not valid yet. Check the clock of this machine.")
        }
        _ => format!(
            "The certificate of {destination} is not valid. Whoever runs the mail server must mend it."
        ),
    }
}

fn refused(asked: SmtpAsked, code: u16, said: &str) -> String {
    let (what, fix) = match asked {
        SmtpAsked::Greeting => {
            ("did not want to talk", "Its own log says why; it may not take mail from this machine.")
        }
        SmtpAsked::SignIn => ("did not accept the sign-in", "Check mail.username and the password."),
        SmtpAsked::Sender => (
            "takes no letter from this sender",
            "Check mail.from: it must be an address that this account may send from.",
        ),
        SmtpAsked::Recipient => ("takes no letter for this address", "Check the address."),
        SmtpAsked::Letter => ("did not take the letter", "Its own log says why."),
    };
    let later = if code < 500 { " It may later: it is tried again." } else { "" };
    format!("The mail server {what} ({code} {said}).{later} {fix}")
}
