//! The asynchronous runtime of this process, for the commands that wait for the world.
//!
//! A command begins without a runtime and makes one when it needs it, so that showing the settings or the API needs none.

use tokio::runtime::Runtime;

use super::Failure;

/// Runs a command that waits for the world.
pub(super) fn run_async<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(command)
}

/// A runtime for a command that waits for the world now and then.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("The process could not start its threads: {error}")))
}
