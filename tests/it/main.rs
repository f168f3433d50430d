//! Stories told to the real appliance: the program itself, on a port and a data directory of its own, with people,
//! visitors and programs around it who know it only through its doors.
//!
//! Each story starts what it needs and ends it; none depends on another. Waiting is always for something that the
//! appliance says; the one bound on time is there so that a story that will never end fails instead.

#![cfg(test)]

mod audit;
mod backup;
mod caller;
mod chat;
mod commands;
mod cross_encoder;
mod data_dir;
mod desk;
mod documents;
mod egress;
mod embedding;
mod events;
mod files;
#[cfg(feature = "local-model")]
mod gguf;
mod headers;
mod images;
mod isolation;
mod keys;
#[cfg(feature = "local-model")]
mod local_model;
mod mail;
mod members;
mod metrics;
mod model;
mod models;
mod operations;
mod replay;
mod rerank;
mod rights;
mod rights_table;
mod sessions;
mod sign_in;
mod socket;
mod signals;
mod stopping;
mod tenants;
mod tls;
mod ws;

use std::time::Duration;

/// After so long nothing will happen any more.
const NEVER: Duration = Duration::from_secs(90);

/// Waits for what has to happen.
async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(NEVER, happens).await.unwrap_or_else(|_| panic!("it never happened: {what}"))
}
