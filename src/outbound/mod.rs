//! The only HTTP client. Nothing else in the program opens a connection to another host.
//!
//! Nothing leaves unless a setting says so: the allow-list ([`EgressPolicy`]) is empty by default, names are
//! resolved once and only checked addresses are connected to, redirects are not followed, no proxy is taken from the
//! environment, and every attempt, sent or refused, is in the [`Ledger`].
//!
//! Owns no table, no job and no event; the ledger is in memory and hands each entry to an [`EgressSink`].
//!
//! Limits: [`CONNECT_TIMEOUT`] for a connection, then each request's own [`Limits`]; 128 requests under way;
//! [`ERROR_BODY_BYTES_MAX`] of an error's body; 8 idle connections per host; 1,000 ledger entries (the defaults of
//! [`Options`]).

mod address;
mod body;
mod client;
mod error;
mod ledger;
mod policy;
mod request;
mod resolver;
mod retry;
#[cfg(test)]
mod tests;

pub use address::{Network, Reach};
pub use client::{CONNECT_TIMEOUT, ERROR_BODY_BYTES_MAX, Options, Outbound};
pub use error::{Cause, Error, Phase};
pub use ledger::{EgressSink, Ledger, LedgerEntry, Outcome};
pub use policy::{EgressHost, EgressPolicy, NotAHost, SETTING_AIR_GAPPED, SETTING_ALLOW};
pub use request::{Answer, BodyStream, IsFinal, Limits, PauseInBody, Request, StreamingAnswer};
pub use resolver::{Resolver, SystemResolver};
