//! What can go wrong with tenants.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::{Fault, Kind};
use crate::{archive, files, identity, quotas, store};

/// A rule that a field breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It must not be empty.
    Empty,
    /// It has more characters than this.
    TooLong(usize),
    /// It has more items than this.
    TooMany(usize),
    /// It holds control characters, or line breaks where one line is meant.
    NotPlainText,
    /// It is not a colour like `#2563eb`.
    NotAColor,
    /// It is not a slug.
    NotASlug,
    /// It is not the slug of the workspace in question.
    NotItsSlug,
}

impl Rule {
    fn sentence(self) -> Cow<'static, str> {
        match self {
            Self::Empty => "This must not be empty.".into(),
            Self::TooLong(chars_max) => format!("This may have at most {chars_max} characters.").into(),
            Self::TooMany(items_max) => format!("There may be at most {items_max} of these.").into(),
            Self::NotPlainText => "This must be plain text without control characters.".into(),
            Self::NotAColor => "This must be a colour written as # and six hexadecimal digits, like #2563eb.".into(),
            Self::NotItsSlug => {
                "Write the short name of the workspace here, exactly as it is, to say that you mean this one.".into()
            }
            Self::NotASlug => {
                "The short name may have 2 to 48 small letters a-z, digits and hyphens, with no hyphen at either end."
                    .into()
            }
        }
    }
}

/// A fault of tenants.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Identity refused.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// A quota is reached, or is not set right.
    #[error(transparent)]
    Quotas(#[from] quotas::Error),
    /// Whoever requires a second factor of others has none.
    #[error("the one who requires a second factor has none")]
    NoSecondFactor,
    /// A file that carries a workspace cannot be written or believed.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// A file of the workspace failed.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// It is an archive, and not one workspace.
    #[error("not a workspace: {reason}")]
    NotAWorkspace {
        /// Why not.
        reason: &'static str,
    },
    /// The workspace of the file is on this appliance.
    #[error("the workspace is here already")]
    HereAlready,
    /// As many workspaces are carried at a time as may be.
    #[error("too many exports and imports at a time")]
    CarryingMany,
    /// A field breaks a rule.
    #[error("{pointer} breaks the rule {rule:?}")]
    Field {
        /// Which, as a JSON pointer.
        pointer: String,
        /// What it breaks.
        rule: Rule,
    },
    /// Another tenant has the slug.
    #[error("another tenant has this slug")]
    SlugTaken,
    /// There is no such tenant, or not for this caller.
    #[error("no such tenant")]
    NotFound,
}

impl Fault for Error {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Identity(error) => error.retry_after(),
            Self::Store(_)
            | Self::Quotas(_)
            | Self::Archive(_)
            | Self::Files(_)
            | Self::NotAWorkspace { .. }
            | Self::HereAlready
            | Self::CarryingMany
            | Self::NoSecondFactor
            | Self::Field { .. }
            | Self::SlugTaken
            | Self::NotFound => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Identity(error) => error.kind(),
            Self::Field { .. } | Self::NotAWorkspace { .. } => Kind::Invalid,
            Self::Quotas(error) => error.kind(),
            Self::Archive(error) => error.kind(),
            Self::Files(error) => error.kind(),
            Self::CarryingMany => Kind::Unavailable,
            Self::SlugTaken | Self::NoSecondFactor | Self::HereAlready => Kind::Conflict,
            Self::NotFound => Kind::NotFound,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Identity(error) => error.code(),
            Self::Field { .. } => "field_invalid",
            Self::Quotas(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::Files(error) => error.code(),
            Self::NotAWorkspace { .. } => "not_a_workspace",
            Self::HereAlready => "workspace_here_already",
            Self::CarryingMany => "busy",
            Self::NoSecondFactor => "second_factor_needed",
            Self::SlugTaken => "slug_taken",
            Self::NotFound => "workspace_not_found",
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Store(error) => error.public(),
            Self::Identity(error) => error.public(),
            Self::Field { rule, .. } => rule.sentence(),
            Self::Quotas(error) => error.public(),
            Self::Archive(error) => error.public(),
            Self::Files(error) => error.public(),
            Self::NotAWorkspace { reason } => format!(
                "This file is not the export of one workspace: {reason}. Nothing was imported. Export it with \
                 `frontdesk tenant export`; a backup of a whole appliance is put back with `frontdesk restore`."
            )
            .into(),
            Self::HereAlready => {
                "This workspace is on this appliance already. To have a copy beside it, give the copy a short name \
                 of its own (slug)."
                    .into()
            }
            Self::CarryingMany => "Several exports or imports are under way. Try again when one has ended.".into(),
            Self::NoSecondFactor => {
                "Turn on your own second factor first; otherwise you would lock yourself out.".into()
            }
            Self::SlugTaken => "Another workspace has this short name. Choose another.".into(),
            Self::NotFound => "There is no such workspace.".into(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Identity(error) => error.retryable(),
            Self::Quotas(error) => error.retryable(),
            Self::Archive(error) => error.retryable(),
            Self::Files(error) => error.retryable(),
            Self::CarryingMany => true,
            Self::NoSecondFactor
            | Self::NotAWorkspace { .. }
            | Self::HereAlready
            | Self::Field { .. }
            | Self::SlugTaken
            | Self::NotFound => false,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Identity(error) => error.field(),
            Self::Field { pointer, .. } => Some(pointer),
            Self::Quotas(error) => error.field(),
            Self::NoSecondFactor => Some("/mfa_required"),
            Self::SlugTaken => Some("/slug"),
            Self::Store(_)
            | Self::Archive(_)
            | Self::Files(_)
            | Self::NotAWorkspace { .. }
            | Self::HereAlready
            | Self::CarryingMany
            | Self::NotFound => None,
        }
    }
}
