//! The command line: one file per command. A command says what went wrong in one sentence, with the cause after it, and
//! ends with 1; a line that cannot be understood ends with 2.

mod ai;
mod ai_route;
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
mod serve;
mod settings;
mod setup;

pub use command::run;
pub use failure::Failure;
pub use settings::SettingsArguments;

/// Runs a command that waits for the world.
fn run_async<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("The process could not start its threads: {error}")))?
        .block_on(command)
}
