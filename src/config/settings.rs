//! All sections together.

use serde::Deserialize;

use super::{Ai, Assistant, Budget, Knowledge, Limits, Log, Outbound, Retrieval, Routing, Server, Store};

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
        findings.extend(self.routing.check(&self.ai.provider));
        findings.extend(self.assistant.check(&self.ai));
        findings.extend(self.budget.check());
        findings.extend(self.outbound.check(&self.ai.provider));
        findings.extend(self.limits.check());
        findings
    }

    /// What is no mistake and yet will not do what it seems to: models that will not be reached, or that are
    /// to look at pictures and cannot. Each sentence says what to
    /// write instead.
    #[must_use]
    pub fn notices(&self) -> Vec<Finding> {
        let mut notices = self.outbound.unreached(&self.ai.provider);
        if self.assistant.provider == super::AUTO {
            notices.extend(self.routing.blind(&self.ai.provider));
        }
        notices
    }
}
