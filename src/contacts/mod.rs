//! The customers of a tenant. So far: anonymous visitors of its chat.
//!
//! A visitor proves who they are with a token that the appliance signed ([`VisitorTokens`]); nothing is stored until they
//! do something, so a page that is only looked at costs no row.
//!
//! Table, in each tenant's keyspace: `contacts.visitor`.

mod error;
mod token;
mod visitor;

pub use error::Error;
pub use token::{IssuedVisitor, VISITOR_TOKEN_LIFE, VisitorTokens};
pub use visitor::{Visitor, load, remember};
