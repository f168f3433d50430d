//! Where everything is kept: one redb file for the system and one for each tenant.
//!
//! The room in one breath: a [`Store`] is a data directory that this process alone uses. It opens a [`Keyspace`] for
//! the system and one per tenant on use, and closes those that are idle. A keyspace is read through snapshots
//! ([`ReadTx`]) and written through changes ([`WriteTx`]) that are committed in groups: what is acknowledged is on
//! disk. Rows live in typed [`Table`]s declared by the room that owns them, with their secondary [`Index`]es; keys sort
//! like their values, values are self-describing. What derived indexes must read is in the [`index_log`].
//!
//! A tenant's keyspace can be taken away for good ([`Store::retire`]), and the system's file written anew so that nothing that was
//! removed is left in it ([`Store::rewrite_system`]).
//!
//! Tables of its own, in every keyspace: `store.number`, `store.schema`, `store.index_log`. Owns no job and no event.
//!
//! Limits: 256 changes in a commit and 16,384 waiting for one keyspace; no scan without a bound; a page cache of 16 MiB
//! for the system and 8 MiB for each open tenant, within the budget of the setting `store.cache_bytes_max`; a tenant that
//! nobody used for `store.idle_close_s` is closed.

mod arrive;
mod commit;
pub mod crash;
mod directory;
mod dump;
mod erase;
mod error;
mod examine;
pub mod index_log;
mod key;
mod keyspace;
mod migrate;
mod open;
mod record;
mod scan;
mod table;
mod transaction;
#[cfg(test)]
mod tests;

pub use arrive::Arrival;
pub use directory::{ApplianceKey, DataDirectory};
pub use dump::{Loader, file_of, migrate_file, read_file, schema_version};
pub use erase::Removed;
pub use error::Error;
pub use examine::{Examined, Look};
pub use key::Key;
pub use keyspace::{Keyspace, KeyspaceId};
pub use migrate::{MIGRATIONS, Migration};
pub use open::{Store, StoreOptions};
pub use record::Record;
pub use scan::Scan;
pub use table::{AnyIndex, Index, Table, tables};
pub use transaction::{Extensions, Numbers, Read, ReadTx, Write, WriteTx};
