//! The customers of a tenant. So far: anonymous visitors of its chat.
//!
//! A visitor proves who they are with a token that the appliance signed ([`VisitorTokens`]). The token holds all that is
//! needed, so a page that is only looked at costs no row, and a check costs no read. [`remember`] gives a visitor a row,
//! or notes that they were seen again, in the transaction of what they did; no operation calls it yet, since
//! `conversations` keeps the visitor's id with each conversation.
//!
//! Table, in each tenant's keyspace: `contacts.visitor`. Owns no job and no event.
//!
//! Limits: a token is good for [`VISITOR_TOKEN_LIFE`] and cannot be withdrawn before; text longer than 256 characters is
//! none; being seen again is written at most every minute. How many visitors come from one address is bounded by the
//! setting `limits.visitors_per_hour_per_address`.

mod error;
mod token;
mod visitor;

pub use error::Error;
pub use token::{IssuedVisitor, VISITOR_TOKEN_LIFE, VisitorTokens};
pub use visitor::{Visitor, load, remember};
