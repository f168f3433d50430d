//! The real program, killed, counted and cut off from the network.
//!
//! `cargo test --test kill` runs a short version of each. `KILL_ROUNDS=100` kills a hundred times, `IDLE_TENANTS=1000`
//! starts with a thousand idle tenants; both print what they saw with `--nocapture`.

mod appliance;
mod desk;
#[cfg(feature = "local-model")]
#[path = "../it/gguf.rs"]
mod gguf;
mod idle;
mod kill;
mod offline;
mod witness;
