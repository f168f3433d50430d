//! `frontdesk extract-worker`, hidden: takes one document apart in a process of its own, between standard input and output.

use super::Failure;
use crate::knowledge::extract::worker::run_child;

/// Reads a request, answers it, and ends.
pub(super) fn run() -> Result<(), Failure> {
    run_child(std::io::stdin().lock(), std::io::stdout().lock())
        .map_err(|error| Failure::new(format!("The request could not be answered: {error}")))
}
