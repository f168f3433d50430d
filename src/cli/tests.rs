//! The manners of all commands: each says what it is for, what its arguments mean and how it is used, and prints JSON where a
//! program would read it. The completions and the manual pages know all of them.

use clap::{Arg, Command, CommandFactory as _, Parser as _};
use clap_complete::Shell;

use super::command::CommandLine;
use super::{completions, man};

/// The commands that print nothing which a program would read otherwise, with the reason.
const WITHOUT_JSON: [(&str, &str); 4] = [
    ("serve", "it runs until it is stopped, and its log has a format of its own: log.format"),
    ("openapi", "it prints JSON"),
    ("completions", "it prints a script for a shell"),
    ("man", "it writes files"),
];

fn built() -> Command {
    let mut command = CommandLine::command().disable_help_subcommand(true);
    command.build();
    command
}

/// Every visible command with its words, such as `["ai", "key", "set"]`.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn add(command: &Command, words: &[String], all: &mut Vec<(Vec<String>, Command)>) {
        for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let mut words = words.to_vec();
            words.push(one.get_name().to_owned());
            all.push((words.clone(), one.clone()));
            add(one, &words, all);
        }
    }
    let mut all = Vec::new();
    add(&built(), &[], &mut all);
    assert!(all.len() > 15, "the commands were not found");
    all
}

fn leaves() -> Vec<(String, Command)> {
    let leaves = commands().into_iter().filter(|(_, command)| !command.has_subcommands());
    leaves.map(|(words, command)| (words.join(" "), command)).collect()
}

fn shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_command_says_what_it_is_for_and_every_argument_what_it_means() {
    let root = ("frontdesk".to_owned(), built());
    let all = commands().into_iter().map(|(words, command)| (words.join(" "), command));
    let mut wrong = Vec::new();
    for (name, command) in all.chain([root]) {
        if command.get_about().is_none_or(|about| about.to_string().len() < 8) {
            wrong.push(format!("{name} does not say what it is for"));
        }
        for arg in command.get_arguments().filter(|arg| shown(arg)) {
            if arg.get_help().is_none_or(|help| help.to_string().len() < 4) {
                wrong.push(format!("{name}: {} does not say what it means", arg.get_id()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_shows_examples_and_every_example_is_understood() {
    let mut wrong = Vec::new();
    for (name, command) in leaves() {
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let prefix = format!("frontdesk {name}");
        let examples: Vec<_> =
            help.lines().map(str::trim).filter(|line| line.starts_with("frontdesk ")).collect();
        if !examples.iter().any(|example| example.starts_with(&prefix)) {
            wrong.push(format!("{name} shows no example of itself"));
        }
        for example in examples {
            if let Err(error) = CommandLine::try_parse_from(words(example)) {
                wrong.push(format!("{example}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a line as a shell takes it apart: quotes, comments and redirections.
fn words(line: &str) -> Vec<String> {
    let line = line.split("  #").next().unwrap_or_default();
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(place, part)| {
        if place % 2 == 1 {
            vec![part.to_owned()]
        } else {
            part.split_whitespace().map(str::to_owned).collect()
        }
    });
    words.take_while(|word| !["<", ">", "|"].contains(&word.as_str())).collect()
}

#[test]
fn an_administrators_command_prints_json() {
    let mut wrong = Vec::new();
    let leaves = leaves();
    for (name, command) in &leaves {
        let has = command.get_arguments().any(|arg| arg.get_long() == Some("json"));
        let excepted = WITHOUT_JSON.iter().any(|(excepted, _)| excepted == name);
        if has == excepted {
            wrong.push(format!(
                "{name}: {}",
                if has { "is excepted and has --json" } else { "has no --json" }
            ));
        }
    }
    for (excepted, _) in WITHOUT_JSON {
        if !leaves.iter().any(|(name, _)| name == excepted) {
            wrong.push(format!("{excepted} is excepted and is no command"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let help = built().render_long_help().to_string();
    for line in ["Exit codes:", "  0  ", "  1  ", "  2  "] {
        assert!(help.contains(line), "{help}");
    }
}

#[test]
fn each_shell_completes_every_visible_command_and_no_hidden_one() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = String::from_utf8(completions::script(shell).unwrap()).unwrap();
        for (words, _) in commands() {
            let name = words.last().unwrap();
            assert!(script.contains(name.as_str()), "{shell} does not complete {name}");
        }
        for hidden in ["extract-worker", "try-model"] {
            assert!(!script.contains(hidden), "{shell} offers {hidden}");
        }
        assert!(script.contains("--data-dir") || script.contains("data-dir"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page_with_exit_codes_and_examples() {
    let pages: std::collections::BTreeMap<_, _> = man::pages().unwrap().into_iter().collect();
    assert!(pages.contains_key("frontdesk.1"));
    for (words, command) in commands() {
        let name = format!("frontdesk-{}.1", words.join("-"));
        let page = pages.get(&name).unwrap_or_else(|| panic!("there is no {name}"));
        let page = String::from_utf8_lossy(page);
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS"] {
            assert!(page.contains(section), "{name} has no {section}");
        }
        assert!(command.has_subcommands() || page.contains("EXAMPLES"), "{name} has no EXAMPLES");
    }
    assert_eq!(pages.len(), commands().len() + 1);
}
