//! The asynchronous runtime of this process, for the commands that need one.
//!
//! A command begins without a runtime and makes one when it comes to wait for the world, so that reading settings, printing
//! the API and taking a document apart start no threads.

use super::Failure;

/// Runs a command that waits for the world.
pub(super) fn run_async<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("The process could not start its threads: {error}")))?
        .block_on(command)
}
