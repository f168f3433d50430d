//! The command line: one file per command.
//!
//! Commands about workspaces and documents speak the API, as the console, to the appliance that has the data directory:
//! the running one through its control socket, or else one that this process opens ([`appliance`]). So a command can do
//! what the API can, by the same rules. `serve` and `demo` also open the doors. `config check`, `openapi`, `healthcheck`,
//! `completions`, `man`, `ai check`, `ai route`, `mail test`, `knowledge eval`, `backup verify` and the reading of one document
//! open no data directory; `doctor` only looks at it. `restore` and `rollback` replace one, which no process may have meanwhile.
//!
//! A command says what went wrong in one sentence, with the cause after it, and ends with 1; a line that cannot be
//! understood ends with 2. With `--json` it prints one line of JSON, also where what it looked at is not as it should be
//! (`ok` is false then, and it ends with 1). Completions and manual pages are made from the commands, so they are never
//! behind; `tests` holds every command to its help, its examples and its `--json`.
//!
//! Owns no table, no job and no event. Limits: 100,000 files of a folder, 32 folders deep; a health check gives up after
//! 5 s; an answer from the control socket as in [`crate::http::control`].

mod account;
mod ai;
mod ai_check;
mod ai_key;
mod ai_replay;
mod ai_route;
mod appliance;
mod ask;
mod audit;
mod backup;
mod command;
mod completions;
mod config_check;
mod demo;
mod doctor;
mod egress;
mod extract_worker;
mod failure;
mod folder;
mod healthcheck;
mod knowledge;
mod knowledge_eval;
mod mail;
mod man;
mod model;
mod openapi;
mod restore;
mod rotate_key;
mod run_async;
mod serve;
mod service_manager;
mod settings;
mod setup;
mod shown;
mod signals;
mod support_bundle;
mod tenant;
mod tenant_file;
#[cfg(test)]
mod tests;

pub use command::run;
pub use failure::Failure;
pub use settings::SettingsArguments;

use run_async::run_async;
use shown::Shown;
