//! One entry of a trail.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Action;
use crate::base::{Actor, RequestId, TenantId, Timestamp};

/// What is to be written down; who, when and from where come from the call.
#[derive(Debug, Clone)]
pub struct Note {
    pub(super) action: Action,
    pub(super) tenant: Option<TenantId>,
    pub(super) subject: Option<String>,
    pub(super) details: BTreeMap<String, String>,
}

impl Note {
    /// That it happened.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self { action, tenant: None, subject: None, details: BTreeMap::new() }
    }

    /// Which tenant it concerns, where that is not the keyspace's own.
    #[must_use]
    pub fn of_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// What it happened to: the id of an account, a key, a document.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "callers hand over ids and words alike")]
    pub fn about(mut self, subject: impl ToString) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// A word on how: `role` `agent`.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "callers hand over ids and words alike")]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

/// An entry as it was written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its place in the trail, from 1.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    #[schema(value_type = Object)]
    pub actor: Actor,
    /// What happened.
    pub action: Action,
    /// The workspace that it concerns, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// What it happened to: the id of an account, a key, a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it happened, in words that depend on the action.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The network address that it was asked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// The request, as in the log.
    #[schema(value_type = String)]
    pub request: RequestId,
}
