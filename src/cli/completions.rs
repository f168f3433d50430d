//! `frontdesk completions`: what a shell completes, made from the commands themselves.

use std::io::Write as _;

use clap::{Command, CommandFactory as _};
use clap_complete::{Generator as _, Shell};

use super::Failure;
use super::command::CommandLine;

/// Prints the script for `shell`.
pub(super) fn run(shell: Shell) -> Result<(), Failure> {
    let script =
        script(shell).map_err(|error| Failure::new(format!("The script cannot be made: {error}")))?;
    let _ = std::io::stdout().write_all(&script);
    Ok(())
}

/// The script for `shell`.
pub(super) fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let mut shown = visible(&CommandLine::command());
    shown.set_bin_name("frontdesk");
    shown.build();
    let mut script = Vec::new();
    shell.try_generate(&shown, &mut script)?;
    Ok(script)
}

/// The command without those below it that are hidden: nobody is offered those.
fn visible(command: &Command) -> Command {
    let name = command.get_name().to_owned();
    let mut shown = Command::new(name).args(command.get_arguments()).groups(command.get_groups());
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    let below = command.get_subcommands().filter(|one| !one.is_hide_set());
    shown.subcommands(below.map(visible))
}
