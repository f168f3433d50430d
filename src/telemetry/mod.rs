//! Logs and health facts.
