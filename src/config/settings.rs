//! All sections together.

use std::path::PathBuf;

use serde::Deserialize;

use super::destination::Destination;
use super::ineffective;
use super::{
    Ai, Assistant, Backup, Budget, Embedding, Knowledge, Limits, LocalModel, Log, Mail, Metrics, Outbound,
    Quotas, Rerank, Retrieval, Routing, Server, Store,
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
    /// Which model makes vectors.
    pub embedding: Embedding,
    /// How passages are found.
    pub retrieval: Retrieval,
    /// Who puts them in a better order.
    pub rerank: Rerank,
    /// Who answers, and from what.
    pub assistant: Assistant,
    /// Model servers.
    pub ai: Ai,
    /// The model in this process.
    pub local_model: LocalModel,
    /// What a workspace may spend.
    pub budget: Budget,
    /// What a workspace may use.
    pub quotas: Quotas,
    /// Which model answers what.
    pub routing: Routing,
    /// The mail server.
    pub mail: Mail,
    /// What may be contacted.
    pub outbound: Outbound,
    /// How much of what is allowed.
    pub limits: Limits,
    /// Backups.
    pub backup: Backup,
    /// What is logged.
    pub log: Log,
    /// Who may read what is counted.
    pub metrics: Metrics,
    /// The file that some of this was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Settings {
    /// Checks what goes beyond types, and takes in secrets that lie elsewhere.
    pub(super) fn check(&mut self, environment: &[(String, String)]) -> Vec<Finding> {
        let mut findings = self.server.check();
        findings.extend(self.store.check());
        findings.extend(self.knowledge.check());
        findings.extend(self.embedding.check(environment));
        findings.extend(self.retrieval.check());
        findings.extend(self.rerank.check(environment));
        findings.extend(self.ai.check(environment));
        findings.extend(self.local_model.check());
        findings.extend(self.routing.check(&self.ai.provider));
        findings.extend(self.assistant.check(&self.ai));
        findings.extend(self.budget.check());
        findings.extend(self.quotas.check());
        findings.extend(self.mail.check(environment));
        findings.extend(self.outbound.check(&self.destinations()));
        findings.extend(self.limits.check());
        findings.extend(self.metrics.check(environment));
        findings.extend(self.backup.check());
        findings
    }

    /// What is no mistake and yet will not do what it seems to: models that will not be reached or cannot look at pictures, a reranker elsewhere beside a
    /// strategy that keeps to this machine, settings that have no effect together. Each sentence says why, or what to write instead.
    #[must_use]
    pub fn notices(&self) -> Vec<Finding> {
        let mut notices = self.outbound.unreached(&self.destinations());
        notices.extend(self.reranked_elsewhere());
        notices.extend(ineffective::findings(self));
        notices.extend(self.mail.notices());
        notices.extend(self.metrics.notice());
        if self.assistant.provider == super::AUTO {
            notices.extend(self.routing.blind(&self.ai.provider));
        }
        notices
    }

    /// The strategy keeps to this machine, and the reranker does not.
    fn reranked_elsewhere(&self) -> Option<Finding> {
        let in_force = self.routing.in_force();
        let keeps_here = self.assistant.provider == super::AUTO
            && self.routing.strategies.iter().any(|one| one.name == in_force && one.local_only);
        let one = self.rerank.chosen().filter(|one| keeps_here && !one.is_here())?;
        let reason = format!(
            "questions and passages go to \"{}\", which is not on this machine, though the strategy \"{in_force}\" keeps to it: \
             set rerank.provider to a reranker that is here, or to \"none\"",
            one.name
        );
        Some(("rerank.provider", reason))
    }

    /// The servers that the settings name: the table, what the table calls it, and its address.
    #[must_use]
    pub fn servers(&self) -> Vec<(&'static str, String, url::Url)> {
        let named = self.destinations().into_iter();
        named.map(|one| (one.table, one.name.to_owned(), one.url.clone())).collect()
    }

    /// The servers that the settings name.
    fn destinations(&self) -> Vec<Destination<'_>> {
        let models = self.ai.provider.iter().filter_map(super::ProviderSettings::destination);
        let models =
            models.chain(self.embedding.models.iter().filter_map(super::EmbeddingModelSettings::destination));
        let models = models.chain(self.rerank.models.iter().filter_map(super::RerankerSettings::destination));
        models.chain(self.mail.destination()).collect()
    }
}
