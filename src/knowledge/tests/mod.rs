//! The room at work: a real store, the real model, and the real extractor in child processes.

mod crashes;
mod desk;
mod embedding;
mod life;
mod models;
mod repair;
mod rerank;
