//! `[assistant]`: who answers, and from what.

use serde::Deserialize;

use super::Ai;
use super::settings::Finding;

/// The name of the answerer that needs no model.
pub(super) const EXTRACTIVE: &str = "extractive";

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
        let known = self.provider == EXTRACTIVE || ai.provider.iter().any(|one| one.name == self.provider);
        if known {
            return Vec::new();
        }
        let reason = format!("no [[ai.provider]] is named \"{}\"", self.provider);
        vec![("assistant.provider", reason)]
    }
}
