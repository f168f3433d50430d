//! All sections together.

use serde::Deserialize;

use super::ineffective;
use super::{
    Ai, Assistant, Budget, Knowledge, Limits, LocalModel, Log, Outbound, Retrieval, Routing, Server, Store,
};

/// A setting and what is wrong with it.
pub type Finding = (&'static str, String);

/// What the program reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The doors.
    pub server: Server,
    /// The data directory.
    pub store: Store,
    /// Documents.
    pub knowledge: Knowledge,
    /// How passages are found.
    pub retrieval: Retrieval,
    /// Who answers, and from what.
    pub assistant: Assistant,
    /// Model servers.
    pub ai: Ai,
    /// The model in this process.
    pub local_model: LocalModel,
    /// What a workspace may spend.
    pub budget: Budget,
    /// Which model answers what.
    pub routing: Routing,
    /// What may be contacted.
    pub outbound: Outbound,
    /// How much of what is allowed.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
}

impl Settings {
    /// Checks what goes beyond types, and takes in secrets that lie elsewhere.
    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = self.server.check();
        findings.extend(self.store.check());
        findings.extend(self.knowledge.check());
        findings.extend(self.retrieval.check());
        findings.extend(self.ai.check(environment));
        findings.extend(self.local_model.check());
        findings.extend(self.routing.check(&self.ai.provider));
        findings.extend(self.assistant.check(&self.ai));
        findings.extend(self.budget.check());
        findings.extend(self.outbound.check(&self.ai.provider));
        findings.extend(self.limits.check());
        findings
    }

    /// What is no mistake and yet will not do what it seems to: models that will not be reached, settings that have no effect
    /// together. Each sentence says why, or what to write instead.
    #[must_use]
    pub fn notices(&self) -> Vec<Finding> {
        let mut notices = self.outbound.unreached(&self.ai.provider);
        notices.extend(ineffective::findings(self));
        notices
    }
}
