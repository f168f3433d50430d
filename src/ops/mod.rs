//! Running the appliance: how it is, what to mend, what to send to who helps.
//!
//! An examination ([`examine`]) names each fault with its fix, of an appliance that is stopped or of the one that runs; the
//! command `doctor` and the dashboard show the same. [`Operations`] is what the running appliance knows of itself: its findings,
//! its counts, and a bundle for support in which nothing is that anybody wrote ([`bundle`]). [`watch`] looks again and again at
//! what can change under a running process, so that a probe reads cached facts ([`crate::telemetry::Health`]).
//!
//! Table, in the system keyspace: `ops.heartbeat`. Owns no job and no event. Limits: a look every 5 s, a commit to prove that
//! the disk takes one every 60 s; 1,000 workspaces' databases are examined while stopped; a bundle holds the newest 2,000 lines
//! of the log and the counts of 1,000 databases.

pub mod bundle;
pub mod certificate;
pub mod examine;
mod databases;
mod finding;
mod machine;
mod operations;
mod place;
mod servers;
pub mod watch;

pub use finding::{Finding, FindingState};
pub use operations::{ApplianceView, Operations, Parts};
