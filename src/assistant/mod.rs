//! The reply flow.

pub mod ground;
pub mod prompt;
pub mod quote;
