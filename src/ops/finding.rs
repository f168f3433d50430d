//! One thing that was examined: how it is, and what to do about it.

use serde::{Deserialize, Serialize};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// As it should be.
    Ok,
    /// It works, and will not for ever or not for everybody.
    Warning,
    /// The appliance cannot work with it.
    Failed,
}

/// One thing that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    /// What was examined.
    pub name: String,
    /// How it is.
    pub state: FindingState,
    /// What was found.
    pub detail: String,
    /// What to do; nothing when nothing is to be done.
    pub fix: Option<String>,
}

impl Finding {
    /// `name` is as it should be.
    #[must_use]
    pub fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state: FindingState::Ok, detail: detail.into(), fix: None }
    }

    /// `name` works, and should be seen to.
    #[must_use]
    pub fn warning(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        let (detail, fix) = (detail.into(), Some(fix.into()));
        Self { name: name.to_owned(), state: FindingState::Warning, detail, fix }
    }

    /// The appliance cannot work because of `name`.
    #[must_use]
    pub fn failed(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        let (detail, fix) = (detail.into(), Some(fix.into()));
        Self { name: name.to_owned(), state: FindingState::Failed, detail, fix }
    }
}

/// Bytes as people read them.
#[must_use]
pub(super) fn megabytes(bytes: u64) -> String {
    if bytes >= 10 << 30 { format!("{} GB", bytes >> 30) } else { format!("{} MB", bytes >> 20) }
}
