//! Settings: the defaults, a file, the environment and flags, each over the one before, and where each value came from.
//!
//! `appliance.toml` at the root of the repository declares every setting once, with its default and what it means; it is
//! compiled in as the lowest layer. So a key that is not in it is unknown, and a value of another type than the
//! default's is wrong: both are errors that name the place. What a value must be beyond its type is checked by its
//! section, one file each.
//!
//! Owns no table, no job and no event. Nothing here is global: [`load()`] returns a value.

mod ai;
mod assistant;
mod backup;
mod budget;
mod destination;
mod embedding;
mod error;
mod host_address;
mod ineffective;
mod key;
mod knowledge;
mod layer;
mod limits;
mod local_model;
mod load;
mod log;
mod mail;
mod metrics;
mod outbound;
mod price;
mod quotas;
mod report;
mod rerank;
mod retrieval;
mod route;
mod server;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod value;

pub use ai::{Ai, ProviderAuth, ProviderKind, ProviderSettings};
pub use assistant::{AUTO, Assistant, EXTRACTIVE, LOCAL, UncitedClaims};
pub use backup::Backup;
pub use budget::{AtLimit, Budget};
pub use embedding::{BUNDLED, Embedding, EmbeddingKind, EmbeddingModelSettings};
pub use error::{Error, Problem};
pub use host_address::HostAddress;
pub use knowledge::Knowledge;
pub use layer::Origin;
pub use limits::Limits;
pub use load::{FILE_VARIABLE, FlagValue, Loaded, RECOVERY_VARIABLE, Setting, Sources, load};
pub use local_model::LocalModel;
pub use log::{Log, LogFormat};
pub use mail::{Mail, MailEncryption};
pub use metrics::Metrics;
pub use outbound::{AllowedHost, Outbound};
pub use price::PriceSettings;
pub use quotas::Quotas;
pub use report::table;
pub use rerank::{MAX_SIM, NO_RERANKER, Rerank, RerankField, RerankerKind, RerankerSettings};
pub use retrieval::{Retrieval, RetrievalStrategy};
pub use route::{Routing, StrategySettings};
pub use server::{Server, TransportSecurity};
pub use settings::{Finding, Settings};
pub use store::Store;

/// Every setting with its default and what it means: the file that a new installation starts from.
pub const DEFAULTS: &str = include_str!("../../appliance.toml");
