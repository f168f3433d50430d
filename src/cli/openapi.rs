//! `frontdesk openapi`: the API's description (OpenAPI 3.1) in JSON.

use std::io::Write as _;

use super::Failure;

/// Prints it.
pub(super) fn run() -> Result<(), Failure> {
    let text = crate::http::document().to_pretty_json().map_err(|error| Failure::new(error.to_string()))?;
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}
