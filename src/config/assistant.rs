//! `[assistant]`: who answers, and from what.

use std::time::Duration;

use serde::Deserialize;

use super::Ai;
use super::settings::Finding;

/// In place of a provider's name: the answerer that needs no model.
pub const EXTRACTIVE: &str = "extractive";
/// In place of a provider's name: whichever the routing chooses.
pub const AUTO: &str = "auto";
/// In place of a provider's name: the model in this process, and where there is none the answerer that needs no model.
pub const LOCAL: &str = "local";
/// More of a conversation than that helps no answer, and every message costs.
const HISTORY_MESSAGES_MAX: usize = 100;

/// What becomes of a model's answer in which a statement has no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UncitedClaims {
    /// It is not given.
    Withhold,
    /// It is given, with each such statement marked.
    Mark,
}

/// Who answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assistant {
    /// `local`, `extractive`, `auto`, or the name of a provider.
    pub provider: String,
    /// The last messages that the model is given.
    pub history_messages: usize,
    /// For workspaces that set nothing themselves.
    pub uncited_claims: UncitedClaims,
    /// Seconds after which an answer is called off whose visitor has left.
    pub left_after_s: u64,
}

impl Assistant {
    /// See [`Assistant::left_after_s`].
    #[must_use]
    pub fn left_after(&self) -> Duration {
        Duration::from_secs(self.left_after_s)
    }

    pub(super) fn check(&self, ai: &Ai) -> Vec<Finding> {
        let mut findings = Vec::new();
        if ![EXTRACTIVE, AUTO, LOCAL].contains(&self.provider.as_str())
            && ai.provider.iter().all(|one| one.name != self.provider)
        {
            findings
                .push(("assistant.provider", format!("no [[ai.provider]] is named \"{}\"", self.provider)));
        }
        if self.history_messages > HISTORY_MESSAGES_MAX {
            findings.push(("assistant.history_messages", format!("at most {HISTORY_MESSAGES_MAX}")));
        }
        findings
    }
}
