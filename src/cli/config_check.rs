//! `frontdesk config check`: each setting with where its value comes from; fails when something is wrong, and
//! notes what is not wrong and yet will not do what it seems to.

use std::io::Write as _;

use super::{Failure, SettingsArguments};
use crate::config;

/// Shows the settings.
pub(super) fn run(arguments: &SettingsArguments) -> Result<(), Failure> {
    let loaded = arguments.load()?;
    let file = loaded.file.map_or("no file".to_owned(), |file| file.display().to_string());
    let mut output = std::io::stdout().lock();
    // Who closed the output, as a pager does, has seen enough.
    let _ = writeln!(output, "{}", config::table(&loaded.values));
    for notice in &loaded.notices {
        let _ = writeln!(output, "Take note: {notice}");
    }
    let _ = writeln!(output, "Settings are fine ({file}).");
    Ok(())
}
