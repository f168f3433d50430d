//! The only client of HTTP and of mail servers. Nothing else in the program opens a connection to another host.
//!
//! Nothing leaves unless a setting says so: the allow-list ([`EgressPolicy`]) is empty by default, names are
//! resolved once and only checked addresses are connected to, redirects are not followed, no proxy is taken from the
//! environment, and every attempt, sent or refused, is in the egress ledger: the latest in memory ([`Ledger`]), all of them on
//! disk ([`EgressKeeper`]), where the operator reads them ([`egress()`]). It holds sizes and names, never contents.
//!
//! Table, in the system keyspace: `outbound.egress`. Job: `outbound.forget_egress` (lane upkeep), hourly. Owns no event.
//!
//! Limits: [`CONNECT_TIMEOUT`] for a connection, then each request's own [`Limits`]; 128 requests under way;
//! [`ERROR_BODY_BYTES_MAX`] of an error's body; 8 idle connections per host; 1,000 ledger entries in memory (the defaults of
//! [`Options`]); on disk as the settings `outbound.ledger_entries_max` and `outbound.ledger_days` say; 4,096 entries waiting to be
//! written, beyond which they are counted and not kept; of a conversation with a mail server [`SMTP_ANSWER_TIMEOUT`] for an answer and
//! [`SMTP_WHOLE_TIMEOUT`] for all of it.

mod address;
mod body;
mod client;
mod entries;
mod error;
mod keeper;
mod ledger;
mod policy;
mod request;
mod resolver;
mod retry;
mod smtp;
mod smtp_error;
#[cfg(test)]
mod keeper_tests;
#[cfg(test)]
mod tests;

pub use address::{Network, Reach};
pub use client::{CONNECT_TIMEOUT, ERROR_BODY_BYTES_MAX, Options, Outbound};
pub use entries::{EgressOutcome, EgressSweeper, EgressView, ForgetEgress, Retention, egress, forget_tenant};
pub use error::{Cause, Error, Phase};
pub use keeper::{EgressKeeper, Keeping};
pub use ledger::{EgressSink, Ledger, LedgerEntry, Outcome};
pub use policy::{EgressHost, EgressPolicy, NotAHost, SETTING_AIR_GAPPED, SETTING_ALLOW};
pub use request::{Answer, BodyStream, IsFinal, Limits, PauseInBody, Request, StreamingAnswer};
pub use resolver::{Resolver, SystemResolver};
pub use smtp::{
    Parcel, SMTP_ANSWER_TIMEOUT, SMTP_WHOLE_TIMEOUT, SmtpEncryption, SmtpServer, SmtpStep, SmtpWay,
};
pub use smtp_error::{SAID_CHARS_MAX, SmtpAsked, SmtpError};
