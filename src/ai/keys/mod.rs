//! The keys that providers are asked with, sealed where they lie.
//!
//! A workspace can have a key of its own for a provider of the settings, and the operator one for the whole appliance. The
//! workspace's wins over the appliance's, which wins over the one of the settings file; a workspace's key is used for
//! that workspace only, and when it is refused no other key is tried in its place: who wants to pay with their own key
//! does not want somebody else to pay. What its calls cost counts in the workspace's budget all the same.
//!
//! A key is sealed with the appliance's key and bound to its row, so that a copied row opens nowhere else. Once set it is
//! never shown: people see its last four characters, when it was set and by whom. Each call reads the key anew, so that one
//! that was set or removed counts from the next call on.
//!
//! Table, in both kinds of keyspace: `ai.key`. Limits: a key has at most [`KEY_BYTES_MAX`] visible ASCII characters; there
//! is one for each provider of the settings.

mod error;
mod keyring;
mod row;

pub use error::{Error, Rule};
pub use keyring::{Found, KeySource, Keyring, KnownProvider, ProviderKeyView, Whose};
pub use row::{KEY_BYTES_MAX, KeyView, SEALED_TABLES, reseal};
