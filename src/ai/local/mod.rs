//! A language model in this process: a GGUF file from the data directory, run by llama.cpp.
//!
//! A [`Folder`] holds the files, a [`Header`] says what one of them is, and a [`LocalModel`] is a provider like any other, but
//! for one thing: it answers one question at a time, and whoever waits is told how many are before them
//! ([`Event::Waiting`](super::Event::Waiting)), with the tenants taking turns. The model is loaded when it is first asked and
//! unloaded when nobody has asked for a while.
//!
//! A file is not trusted: its head is read with bounds ([`header`]), its SHA-256 is compared where one was noted, what it
//! needs is held against the memory that is free (`memory`), and then it is tried out in a second process (`trial`). What
//! people and documents say is never read as control tokens (`template`). The engine is compiled for processors with AVX2; others are
//! told so. Without the feature `local-model` there is no engine, and a file in the folder is reported and left alone.
//!
//! Owns no table, no job and no event. Limits: those of [`LocalSettings`]; one model in memory; 1,000 files in the folder.

mod folder;
mod header;
#[cfg(feature = "local-model")]
mod engine;
#[cfg(feature = "local-model")]
mod line;
#[cfg(feature = "local-model")]
mod local_model;
#[cfg(feature = "local-model")]
mod memory;
#[cfg(feature = "local-model")]
mod session;
#[cfg(feature = "local-model")]
mod settings;
#[cfg(feature = "local-model")]
mod template;
#[cfg(all(test, feature = "local-model"))]
mod tests;
#[cfg(feature = "local-model")]
mod thoughts;
#[cfg(feature = "local-model")]
mod trial;

#[cfg(feature = "local-model")]
pub use engine::{Residence, try_out};
pub use folder::{FOLDER, Folder, FolderError, Found};
pub use header::{Header, HeaderError};
#[cfg(feature = "local-model")]
pub use local_model::LocalModel;
#[cfg(feature = "local-model")]
pub use settings::LocalSettings;
#[cfg(feature = "local-model")]
pub use trial::{TrialError, try_in_second_process};
