//! The reply flow.

pub mod quote;
