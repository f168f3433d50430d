//! The command line: one file per command. A command says what went wrong in one sentence, with the cause after it, and
//! ends with 1; a line that cannot be understood ends with 2.

mod appliance;
mod ask;
mod command;
mod config_check;
mod demo;
mod extract_worker;
mod failure;
mod folder;
mod healthcheck;
mod knowledge;
mod openapi;
mod run_async;
mod serve;
mod settings;
mod setup;

pub use command::run;
pub use failure::Failure;
pub use settings::SettingsArguments;

use run_async::run_async;
