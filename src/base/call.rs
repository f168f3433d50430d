//! Who asks, when, and under which request: goes through every operation.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{AccountId, ApiKeyId, Timestamp, VisitorId};

/// The principal behind a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// Nobody has proved who they are.
    Nobody,
    /// A visitor of a chat.
    Visitor(VisitorId),
    /// A signed-in person.
    Account(AccountId),
    /// A program with an API key.
    ApiKey(ApiKeyId),
    /// The administrator at the machine's own command line.
    Console,
    /// The appliance itself, in a durable job.
    Appliance,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Visitor(id) => id.fmt(f),
            Self::Account(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
            Self::Console => f.write_str("console"),
            Self::Appliance => f.write_str("appliance"),
        }
    }
}

/// Identifies one request in logs and in answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestId(pub String);

impl RequestId {
    /// A new one: 16 random hex digits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The circumstances of one operation.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// Under which request.
    pub request: RequestId,
    /// The network address that it came from, if it came over the network.
    pub address: Option<IpAddr>,
}

impl Call {
    /// A call of the appliance's own.
    #[must_use]
    pub fn appliance(now: Timestamp) -> Self {
        Self { actor: Actor::Appliance, now, request: RequestId::random(), address: None }
    }
}
