//! The hub that tells open connections what has happened.
