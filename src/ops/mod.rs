//! Keeping the appliance alive: how it is and what to mend, backups and their proof, and the ways back.
//!
//! An examination ([`examine`]) names each fault with its fix, of an appliance that is stopped or of the one that runs; the
//! command `doctor` and the dashboard show the same. [`Operations`] is what the running appliance knows of itself: its findings,
//! its counts, and a bundle for support in which nothing is that anybody wrote ([`bundle`]). [`watch`] looks again and again at
//! what can change under a running process, so that a probe reads cached facts ([`crate::telemetry::Health`]).
//!
//! A backup is one archive of the whole appliance ([`Backups`]): each keyspace from a read snapshot that is held only until
//! its rows are set aside, so that it holds up no writer; the files that the snapshot refers to, none of which is removed meanwhile; key, certificate and settings file.
//! Indexes are not in it: they are made anew from the rows. It is written beside its final name, synced, renamed, and then
//! **proven**: read from end to end, each keyspace loaded into a scratch folder and opened, its rows counted, its audit trail
//! walked, each document's bytes compared with their hash. What that said lies beside the file. Old ones are deleted by
//! [`retention`], never the newest that was proven.
//!
//! [`restore`] builds a data directory aside and moves it into place at the end; what was there is moved aside and never
//! deleted. [`upgrade`] copies all keyspaces before a newer release changes them, and [`rollback`] puts the copies back.
//! [`rotate`] gives the appliance a new key.
//!
//! Table, in the system keyspace: `ops.heartbeat`. Job, there too (lane upkeep): [`MakeBackup`], done by [`Backups`]. Owns no
//! event.
//!
//! Limits: a look every 5 s, a commit to prove that the disk takes one every 60 s; 1,000 workspaces' databases are examined
//! while stopped; a bundle holds the newest 2,000 lines of the log and the counts of 1,000 databases. One backup at a time, on
//! a thread that takes a fifth of one processor while others want the machine; 1,000 files of the folder looked at; 3 attempts.

mod backups;
pub mod bundle;
pub mod certificate;
mod databases;
mod error;
pub mod examine;
mod finding;
mod folder;
mod job;
mod machine;
mod make;
mod operations;
mod pace;
mod place;
pub mod restore;
pub mod retention;
pub mod rollback;
pub mod rotate;
mod schedule;
mod servers;
mod settings;
#[cfg(test)]
mod tests;
pub mod upgrade;
pub mod verify;
pub mod watch;

pub use backups::{Backups, Failed, Listed, Running};
pub use error::Error;
pub use finding::{Finding, FindingState};
pub use folder::{BackupView, EXTENSION};
pub use job::{Asked, MakeBackup};
pub use operations::{ApplianceView, Operations, Parts};
pub use pace::Pace;
pub use retention::Retention;
pub use schedule::Schedule;
pub use settings::Settings;
