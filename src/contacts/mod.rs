//! The customers of a tenant. So far: anonymous visitors of its chat.
//!
//! A visitor proves who they are with a token that the appliance signed ([`VisitorTokens`]). The token holds all that is
//! needed, so a page that is only looked at costs no row, and a check costs no read; `conversations` keeps the visitor's id
//! with each conversation.
//!
//! Owns no table, no job and no event.
//!
//! Limits: a token is good for [`VISITOR_TOKEN_LIFE`] and cannot be withdrawn before; text longer than 256 characters is
//! none. How many visitors come from one address is bounded by the setting `limits.visitors_per_hour_per_address`.

mod error;
mod token;

pub use error::Error;
pub use token::{IssuedVisitor, VISITOR_TOKEN_LIFE, VisitorTokens};
