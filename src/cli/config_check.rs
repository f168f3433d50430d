//! `frontdesk config check`: each setting with where its value comes from; fails when something is wrong.

use std::io::Write as _;

use super::{Failure, SettingsArguments};
use crate::config;

/// Shows the settings.
pub(super) fn run(arguments: &SettingsArguments) -> Result<(), Failure> {
    let loaded = arguments.load()?;
    let file = loaded.file.map_or("no file".to_owned(), |file| file.display().to_string());
    let mut output = std::io::stdout().lock();
    // Who closed the output, as a pager does, has seen enough.
    let _ = write!(output, "{}\nSettings are fine ({file}).\n", config::table(&loaded.values));
    Ok(())
}
