//! What a command prints, and the flag `--json`, which every command that prints something takes.

use std::io::Write as _;

use clap::Args;
use serde_json::Value;

/// How a command shows what it has to say.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Shown {
    /// Print one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Shown {
    /// Prints `line` for programs or `text` for people.
    pub(super) fn print(self, line: &Value, text: &str) {
        if self.json {
            say(&line.to_string());
        } else {
            say(text);
        }
    }
}

/// Prints what a command has to say.
pub(super) fn say(text: &str) {
    // Who closed the output, as a pager does, has seen enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}
