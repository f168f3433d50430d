//! `[assistant]`: who answers, and from what.

use serde::Deserialize;

use super::Ai;
use super::settings::Finding;

/// The name of the answerer that needs no model.
pub(super) const EXTRACTIVE: &str = "extractive";
/// More of a conversation than that helps no answer, and every message costs.
const HISTORY_MESSAGES_MAX: usize = 100;

/// Who answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assistant {
    /// `extractive`, or the name of a provider.
    pub provider: String,
    /// The last messages that the model is given.
    pub history_messages: usize,
}

impl Assistant {
    pub(super) fn check(&self, ai: &Ai) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.provider != EXTRACTIVE && ai.provider.iter().all(|one| one.name != self.provider) {
            findings
                .push(("assistant.provider", format!("no [[ai.provider]] is named \"{}\"", self.provider)));
        }
        if self.history_messages > HISTORY_MESSAGES_MAX {
            findings.push(("assistant.history_messages", format!("at most {HISTORY_MESSAGES_MAX}")));
        }
        findings
    }
}
