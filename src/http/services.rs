//! What the handlers call: built by `app`, shared by every door.
//!
//! A handler gets [`Services`] and nothing else, so what it can reach stands here. There is no store among them, only the
//! system keyspace: a tenant's keyspace is had from the policy, for a principal ([`super::Caller::enter`]).

use std::sync::Arc;

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use super::{Certificates, Limits, PublicAddress};
use crate::ai::keys::Keyring;
use crate::assistant::Assistant;
use crate::base::{Clock, Sealer};
use crate::budget::Budgets;
use crate::contacts::VisitorTokens;
use crate::conversations::Pictures;
use crate::identity::{Passwords, Policy, Revocations, SignIn};
use crate::knowledge::Knowledge;
use crate::notify::Mail;
use crate::ops::{Backups, Operations};
use crate::quotas::QuotaBook;
use crate::realtime::Hub;
use crate::store::Keyspace;
use crate::telemetry::Health;
use crate::tenants::{Carrier, Eraser};

/// The services behind the doors.
pub struct Services {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who may do what.
    pub policy: Policy,
    /// Signs people in.
    pub sign_in: SignIn,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Tells open connections that somebody's rights have shrunk.
    pub revocations: Revocations,
    /// Where people reach the appliance.
    pub address: PublicAddress,
    /// Signs and checks visitors' tokens.
    pub visitors: VisitorTokens,
    /// Seals kept answers.
    pub sealer: Sealer,
    /// What is allowed.
    pub limits: Arc<Limits>,
    /// How the appliance is.
    pub health: Arc<Health>,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The certificate that is served.
    pub certificates: Arc<Certificates>,
    /// What the appliance knows of itself.
    pub operations: Arc<Operations>,
    /// Who listens to which conversation.
    pub hub: Hub,
    /// Documents.
    pub knowledge: Knowledge,
    /// Looks into its answers.
    pub assistant: Assistant,
    /// Makes pictures clean.
    pub pictures: Pictures,
    /// Whether a model is configured that looks at them.
    pub looks_at_images: bool,
    /// What answers may cost.
    pub budgets: Budgets,
    /// What workspaces may use.
    pub quotas: Arc<QuotaBook>,
    /// Erases workspaces.
    pub eraser: Eraser,
    /// Carries workspaces from and to other appliances.
    pub carrier: Carrier,
    /// What providers are asked with.
    pub keyring: Keyring,
    /// Letters.
    pub mail: Mail,
    /// Backups of the appliance.
    pub backups: Backups,
    /// Told when open connections should come to an end.
    pub stopping: CancellationToken,
}

impl Services {
    /// The system keyspace.
    #[must_use]
    pub fn system(&self) -> &Keyspace {
        self.policy.system()
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services(..)")
    }
}

/// Routes of one room, with their part of the API's document.
pub type Routes = OpenApiRouter<Arc<Services>>;
/// How handlers get at the services.
pub type Inside = axum::extract::State<Arc<Services>>;
