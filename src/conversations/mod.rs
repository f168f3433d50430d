//! The exchange between a visitor and the desk.
