//! The command line: one file per command. A command says what went wrong in one sentence, with the cause after it, and
//! ends with 1; a line that cannot be understood ends with 2.

mod command;
mod config_check;
mod failure;
mod healthcheck;
mod settings;

pub use command::run;
pub use failure::Failure;
pub use settings::SettingsArguments;
