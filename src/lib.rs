#![doc = include_str!("ARCHITECTURE.md")]

// The rooms, ground floor first. A room may use the rooms above it in this list and none below;
// `tests/house.rs` refuses an import that looks the other way.

pub mod base;
pub mod config;
pub mod telemetry;

pub mod store;
pub mod jobs;
pub mod outbound;
pub mod realtime;
pub mod files;
pub mod archive;

pub mod identity;
pub mod tenants;
pub mod contacts;

pub mod ai;
pub mod budget;
pub mod search;
pub mod knowledge;

pub mod conversations;
pub mod assistant;

pub mod ops;

pub mod http;
pub mod app;
pub mod cli;
