//! Health facts: named checks that whoever knows sets, and a probe reads.
//!
//! A fact is set when it changes, so that asking for the health costs nothing and a probe can never hang.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use serde::Serialize;

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// As it should be.
    Ok,
    /// It works, with less than it should have.
    Degraded,
    /// The appliance cannot serve without it.
    Failed,
}

/// One part and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Check {
    /// The part.
    pub name: String,
    /// How it is.
    pub state: HealthState,
    /// What is missing and what to do; nothing when all is well. Seen by anybody: it holds no secret and no name.
    pub detail: Option<String>,
}

/// Whether requests should be sent here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// True when started, not stopping, and nothing has failed.
    pub ready: bool,
    /// Each part.
    pub checks: Vec<Check>,
}

/// A part's state and what to say about it.
type Fact = (HealthState, Option<String>);

/// The facts.
#[derive(Debug, Default)]
pub struct Health {
    facts: RwLock<BTreeMap<&'static str, Fact>>,
}

const CHECKS_MAX: usize = 32;

impl Health {
    /// `name` is as it should be.
    pub fn ok(&self, name: &'static str) {
        self.set(name, (HealthState::Ok, None));
    }

    /// `name` works with less than it should have.
    pub fn degraded(&self, name: &'static str, detail: impl Into<String>) {
        self.set(name, (HealthState::Degraded, Some(detail.into())));
    }

    /// The appliance cannot serve because of `name`.
    pub fn failed(&self, name: &'static str, detail: impl Into<String>) {
        self.set(name, (HealthState::Failed, Some(detail.into())));
    }

    fn set(&self, name: &'static str, fact: Fact) {
        let mut facts = self.facts.write();
        if facts.len() < CHECKS_MAX || facts.contains_key(name) {
            facts.insert(name, fact);
        }
    }

    /// All of them, and whether that is enough to serve.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let facts = self.facts.read();
        let checks: Vec<_> = facts
            .iter()
            .map(|(name, (state, detail))| Check {
                name: (*name).to_owned(),
                state: *state,
                detail: detail.clone(),
            })
            .collect();
        let ready = !checks.is_empty() && checks.iter().all(|check| check.state != HealthState::Failed);
        Readiness { ready, checks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_once_something_is_known_and_nothing_has_failed() {
        let health = Health::default();
        assert!(!health.readiness().ready);
        health.ok("store");
        health.degraded("model", "the model is missing; answers quote the documents");
        assert!(health.readiness().ready);
        health.failed("store", "the disk is full");
        assert!(!health.readiness().ready);
        health.ok("store");
        let readiness = health.readiness();
        assert!(readiness.ready);
        assert_eq!(readiness.checks.len(), 2);
        assert_eq!(readiness.checks[1].detail, None);
    }
}
