//! A letter before it is written: to whom, about what.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chosen::Chosen;
use crate::base::{TenantId, Timestamp};

/// The words of one letter, as JSON, in bytes.
pub const WORDS_BYTES_MAX: usize = 8 << 10;

/// What a letter is about: each has its texts in `assets/mail`, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// A link for a new password.
    PasswordReset,
    /// An invitation to a workspace.
    Invitation,
    /// Somebody signed in from somewhere new.
    NewSignIn,
    /// The second factor was set up, taken away, or its recovery codes were made anew.
    MfaChanged,
    /// The password was changed.
    PasswordChanged,
    /// A trial of the mail server.
    Test,
}

impl Template {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::PasswordReset,
        Self::Invitation,
        Self::NewSignIn,
        Self::MfaChanged,
        Self::PasswordChanged,
        Self::Test,
    ];

    /// What its files are called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::Invitation => "invitation",
            Self::NewSignIn => "new_sign_in",
            Self::MfaChanged => "mfa_changed",
            Self::PasswordChanged => "password_changed",
            Self::Test => "test",
        }
    }
}

/// The language of a letter: the folder of its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Locale {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
}

impl Locale {
    /// Every one.
    pub const ALL: [Self; 1] = [Self::English];

    /// Its tag (RFC 5646), which is also its folder.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
        }
    }

    /// Where its lines begin, as HTML's `dir` has it.
    #[must_use]
    pub fn direction(self) -> &'static str {
        match self {
            Self::English => "ltr",
        }
    }
}

/// What became of the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MfaChange {
    /// It was set up.
    Enabled,
    /// It was taken away.
    Disabled,
    /// Its recovery codes were made anew.
    RecoveryCodes,
}

/// What a letter says; the fields are what the template of its name asks for. Neither printed nor logged: a link may be in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are what the templates say")]
pub enum Words {
    PasswordReset { link: String, minutes: u64 },
    Invitation { workspace: Chosen, inviter: Chosen, role: Chosen, link: String, days: u64 },
    NewSignIn { at: Timestamp, address_of: Chosen, device: Chosen },
    MfaChanged { change: MfaChange, at: Timestamp, address_of: Chosen, device: Chosen },
    PasswordChanged { at: Timestamp, address_of: Chosen, device: Chosen },
    Test { at: Timestamp },
}

impl Words {
    /// What they are about.
    #[must_use]
    pub fn template(&self) -> Template {
        match self {
            Self::PasswordReset { .. } => Template::PasswordReset,
            Self::Invitation { .. } => Template::Invitation,
            Self::NewSignIn { .. } => Template::NewSignIn,
            Self::MfaChanged { .. } => Template::MfaChanged,
            Self::PasswordChanged { .. } => Template::PasswordChanged,
            Self::Test { .. } => Template::Test,
        }
    }

    /// How long there is any use in sending it.
    #[must_use]
    pub fn good_for(&self) -> Duration {
        match self {
            Self::PasswordReset { minutes, .. } => Duration::from_secs(minutes.saturating_mul(60)),
            Self::Invitation { days, .. } => Duration::from_secs(days.saturating_mul(86_400)),
            Self::NewSignIn { .. }
            | Self::MfaChanged { .. }
            | Self::PasswordChanged { .. }
            | Self::Test { .. } => Duration::from_secs(3 * 86_400),
        }
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({})", self.template().name())
    }
}

/// A letter that somebody is to get.
#[derive(Debug, Clone)]
pub struct Letter {
    /// To whom: an e-mail address.
    pub to: String,
    /// What it says.
    pub words: Words,
    /// In which language.
    pub locale: Locale,
    /// On behalf of which workspace; the appliance's own where there is none.
    pub tenant: Option<TenantId>,
}

impl Letter {
    /// One of the appliance's own.
    #[must_use]
    pub fn new(to: &str, words: Words) -> Self {
        Self { to: to.trim().to_owned(), words, locale: Locale::default(), tenant: None }
    }

    /// On behalf of this workspace, among whose letters it counts.
    #[must_use]
    pub fn of(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }
}
