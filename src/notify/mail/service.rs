//! The mail as the other rooms know it: whether there is any, and what letters are sealed with.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::base::Sealer;
use crate::outbound::SmtpServer;

/// How letters are sent, and what stands on them.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Through which server.
    pub server: SmtpServer,
    /// Whom they are from: `Frontdesk <desk@example.com>`.
    pub from: String,
    /// Where answers go, if not there.
    pub reply_to: Option<String>,
    /// Where people find the appliance, such as `https://desk.example.com`.
    pub public_address: String,
    /// Letters of one kind an hour to one address.
    pub per_hour_per_recipient: u32,
    /// Letters an hour on behalf of one workspace.
    pub per_hour_per_workspace: u32,
}

struct Inner {
    settings: Option<MailSettings>,
    sealer: OnceLock<Sealer>,
}

/// The mail. Among the store's extensions, so that whoever changes something can post a letter about it. Cheap to clone.
#[derive(Clone)]
pub struct Mail(Arc<Inner>);

impl Mail {
    /// With these settings; none where no mail is to be sent.
    #[must_use]
    pub fn new(settings: Option<MailSettings>) -> Self {
        Self(Arc::new(Inner { settings, sealer: OnceLock::new() }))
    }

    /// What letters are sealed with while they wait. The key lies in the store's directory and so is known later than this; until
    /// then no letter is taken. A second one is not listened to.
    pub fn seal_with(&self, sealer: Sealer) {
        let _ = self.0.sealer.set(sealer);
    }

    /// Whether letters are sent at all.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.0.settings.is_some()
    }

    /// How letters are sent.
    #[must_use]
    pub fn settings(&self) -> Option<&MailSettings> {
        self.0.settings.as_ref()
    }

    pub(super) fn sealer(&self) -> Option<&Sealer> {
        self.0.sealer.get()
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("is_set_up", &self.is_set_up()).finish_non_exhaustive()
    }
}
