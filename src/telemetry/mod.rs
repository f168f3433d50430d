//! What the operator learns about the running appliance: log lines, health facts, counts. Nothing of it leaves the machine by
//! itself.
//!
//! Owns no table, no job and no event. Limits: 32 health checks; log lines go to standard error and are kept by whoever
//! reads that, the newest 2,000 of 1,000 bytes also in memory; labels of counts as `metrics` says; the memory that heavy work
//! may take as the setting `server.memory_bytes_max` says ([`Memory`]).

mod health;
mod log;
mod memory;
mod metrics;
mod process;
mod redact;

pub use health::{Check, Health, HealthState, Readiness};
pub use log::{BadFilter, LogHandle, start_log};
pub use memory::{Memory, Room};
pub use metrics::{METRICS_TYPE, Metrics, OpenConnection, Sample};
pub use process::{DiskFacts, ProcessFacts, machine_memory_bytes};
pub use redact::redacted;
