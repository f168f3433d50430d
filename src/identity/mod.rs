//! Accounts, passwords, sign-in sessions, API keys, roles, and the passes they earn.

pub mod pass;
mod role;

pub use pass::{Pass, Reach, Right};
pub use role::{Permission, Role};
