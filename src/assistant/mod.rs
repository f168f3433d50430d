//! The reply flow.
