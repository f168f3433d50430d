//! Durable work, queued in the same transaction as the data it is about.
//!
//! A [`Job`] is a small record with a name. [`enqueue`] writes it into the keyspace that is being changed, so a job
//! exists exactly when its cause does. The [`Runner`] claims due jobs under a lease, runs them a bounded number at a
//! time per [`Lane`], and retries with growing pauses; what fails too often is kept as a dead letter that a person can
//! look at and retry. Jobs are safe to repeat; one that must count once finishes its row in the transaction of its
//! effect ([`Ticket::complete`]). News ([`news`]) is how a room tells what has happened without knowing who listens.
//!
//! Nothing here grows with idle tenants: the system keyspace keeps a row for each tenant that has work
//! (`jobs.attention`), written before the tenant's first job and removed when its queue has run dry.
//!
//! The jobs of a tenant can be made to rest and go on later ([`Wakeups::rest`]); those of one that is gone end quietly.
//!
//! Tables: `jobs.job` in every keyspace, `jobs.attention` in the system's. Owns no kind of job and no event: rooms
//! declare theirs, and `app` says who does and who hears them.
//!
//! Limits: [`Lane::running_max`] jobs of a lane at a time in the whole appliance (16 answers; 4 letters; 2 of each other lane);
//! [`Job::ATTEMPTS_MAX`] attempts with pauses from 1 s up to an hour, unless the job says otherwise; 25 runs in which the
//! process ended, each beyond the fifth put off by 10 s more; 10,000 jobs put back when a keyspace is opened, and
//! 1,000,000 tenants looked at by a start. How many jobs may wait is bounded by what queues them. A lease is good for
//! this process only, so that after a crash its jobs are claimed anew at once.

mod attention;
mod error;
mod job;
pub mod news;
mod queue;
mod runner;
#[cfg(test)]
mod tests;

pub use attention::{Wakeups, forget_attention};
pub use error::{Error, Failure};
pub use job::{Job, JobState, JobView, Lane};
pub use queue::{Counts, counts, enqueue, enqueue_at, list, retry, waiting};
pub use runner::{Runner, Running, Ticket, Work, Worker};
