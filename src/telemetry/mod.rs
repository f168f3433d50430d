//! What the operator learns about the running appliance: log lines and health facts. Nothing of it leaves the machine.
//!
//! Owns no table, no job and no event. Limits: 32 health checks; log lines go to standard error and are kept by whoever
//! reads that.

mod health;
mod log;

pub use health::{Check, Health, HealthState, Readiness};
pub use log::{BadFilter, start_log};
