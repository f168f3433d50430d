//! Keeping the appliance alive: backups, their proof, and the ways back.
//!
//! A backup is one archive of the whole appliance ([`Backups`]): each keyspace from a read snapshot, so that it holds up no
//! writer; the files that the snapshot refers to, none of which is removed meanwhile; key, certificate and settings file.
//! Indexes are not in it: they are made anew from the rows. It is written beside its final name, synced, renamed, and then
//! **proven**: read from end to end, each keyspace loaded into a scratch folder and opened, its rows counted, its audit trail's
//! end compared, each document's bytes compared with their hash. What that said lies beside the file. Old ones are deleted by
//! [`retention`], never the newest that was proven.
//!
//! [`restore`] builds a data directory aside and moves it into place at the end; what was there is moved aside and never
//! deleted. [`upgrade`] copies all keyspaces before a newer release changes them, and [`rollback`] puts the copies back.
//!
//! Job, in the system keyspace (lane upkeep): [`MakeBackup`], done by [`Backups`]. Owns no table and no event.
//!
//! Limits: one backup at a time, on a thread of low priority; 1,000 files of the folder looked at; 3 attempts.

mod backups;
mod error;
mod folder;
mod job;
mod make;
pub mod restore;
pub mod retention;
pub mod rollback;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;
pub mod upgrade;
pub mod verify;

pub use backups::{Backups, Failed, Listed, Running};
pub use error::Error;
pub use folder::{BackupView, EXTENSION};
pub use job::{Asked, MakeBackup};
pub use retention::Retention;
pub use schedule::Schedule;
pub use settings::Settings;
