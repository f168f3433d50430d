//! `frontdesk man`: the manual pages, made from the commands themselves, one for each.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use rustix::fs::Mode;

use super::Failure;
use super::command::CommandLine;

const MANUAL: &str = "Frontdesk";

/// What every page says at its end.
const FILES: [(&str, &str); 3] = [
    (
        "/etc/frontdesk/appliance.toml",
        "The settings, where there is no appliance.toml in the folder the command is run in.",
    ),
    ("/var/lib/frontdesk", "The data directory of the packaged service."),
    ("frontdesk-data", "The data directory otherwise, in the folder the command is run in."),
];
const ENVIRONMENT: [(&str, &str); 2] = [
    ("FRONTDESK_CONFIG", "The settings file, as --config."),
    ("FRONTDESK_SECTION__KEY", "Any setting, such as FRONTDESK_SERVER__HTTPS_LISTEN."),
];
const CODES: [(&str, &str); 3] = [
    ("0", "It is done."),
    (
        "1",
        "It could not be done, or what was looked at is not as it should be; standard error says what and why.",
    ),
    ("2", "The command line could not be understood."),
];

/// Where the pages go.
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The folder, which is made if it is not there
    folder: PathBuf,
}

/// Writes them.
pub(super) fn run(wish: &ManArguments) -> Result<(), Failure> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| Failure::new(format!("{path} cannot be written: {error}"))
    };
    // Unlike everything else that the program writes, manual pages are for everybody.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    std::fs::create_dir_all(&wish.folder).map_err(failed(&wish.folder))?;
    for (name, page) in pages().map_err(failed(&wish.folder))? {
        let path = wish.folder.join(name);
        std::fs::write(&path, page).map_err(failed(&path))?;
    }
    let _ = writeln!(std::io::stdout(), "The manual pages are in {}.", wish.folder.display());
    Ok(())
}

/// The names and contents of all pages.
pub(super) fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut root = CommandLine::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add(&root, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let source = format!("frontdesk {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).manual(MANUAL).source(source);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|one| !one.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    closing(command).to_writer(&mut page)?;
    pages.push((man.get_filename(), page));
    command.get_subcommands().filter(|one| !one.is_hide_set()).try_for_each(|one| add(one, pages))
}

/// Exit codes, environment, files, and the examples of the command's help.
fn closing(command: &Command) -> Roff {
    let mut roff = Roff::new();
    for (heading, rows) in [("EXIT STATUS", &CODES[..]), ("ENVIRONMENT", &ENVIRONMENT), ("FILES", &FILES)] {
        roff.control("SH", [heading]);
        for (term, meaning) in rows {
            roff.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    if let Some(examples) = command.get_after_long_help() {
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in examples
            .to_string()
            .lines()
            .filter(|line| !line.trim_end().ends_with("xamples:") && *line != "Example:")
        {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}
