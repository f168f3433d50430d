//! The commands, and how one is carried out.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::account::AccountCommand;
use super::ai::AiCommand;
use super::audit::AuditCommand;
use super::backup::BackupArguments;
use super::demo::DemoArguments;
use super::egress::EgressArguments;
use super::knowledge::KnowledgeCommand;
use super::mail::MailCommand;
use super::man::ManArguments;
use super::model::ModelCommand;
use super::restore::RestoreArguments;
use super::serve::ServeArguments;
use super::setup::SetupArguments;
use super::support_bundle::BundleArguments;
use super::tenant::TenantCommand;
use super::{
    Failure, SettingsArguments, Shown, account, ai, audit, backup, completions, config_check, demo, doctor,
    egress, extract_worker, healthcheck, knowledge, mail, man, model, openapi, restore, rotate_key, serve,
    setup, support_bundle, tenant,
};

/// What follows the list of commands; also on the manual page.
const AFTER_HELP: &str = "\
Exit codes:
  0  it is done
  1  it could not be done, or what was looked at is not as it should be; standard error says what and why
  2  the command line could not be understood

With --json a command prints one line of JSON on standard output and nothing else there.

The first steps:
  frontdesk demo             try it with example documents
  frontdesk serve            run it; the first start prints the link to set it up
  frontdesk COMMAND --help   what a command does, with examples";

/// An AI support desk in one binary
///
/// Frontdesk answers the questions of your customers from your own documents, with citations, and hands over to a person
/// when it cannot. It needs no other program and no network. Everything it keeps is in one data directory; every setting
/// has a default and stands in appliance.toml. Commands work on the appliance of that directory, whether it runs or not.
#[derive(Debug, Parser)]
#[command(name = "frontdesk", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(super) struct CommandLine {
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the appliance
    ///
    /// Serves the dashboard, the chat and the API until it is told to stop (SIGTERM, Ctrl-C); then it finishes what is under
    /// way and loses nothing. The first start prints a link, for one use within 24 hours, to make the first account.
    #[command(after_long_help = "Examples:
  frontdesk serve
  frontdesk serve --data-dir /srv/frontdesk --listen 0.0.0.0:443
  frontdesk serve --public-url https://desk.example.com --set log.format=json
  frontdesk serve --recovery")]
    Serve(ServeArguments),
    /// Try it: a workspace with example documents, a question answered here, and the chat in the browser
    ///
    /// Needs no account and no settings, and keeps its data apart from the appliance's.
    #[command(after_long_help = "Examples:
  frontdesk demo
  frontdesk demo --ask \"When is the shop open?\"
  frontdesk demo --knowledge ./manuals")]
    Demo(DemoArguments),
    /// Print a new one-time link for setting the appliance up, or set it up here
    ///
    /// For when the link of the first start is lost or older than 24 hours. With --email and what belongs to it, the first
    /// account and workspace are made without anybody at a browser. Fails once the appliance has been set up.
    #[command(after_long_help = "Examples:
  frontdesk setup
  frontdesk setup --public-url https://desk.example.com
  frontdesk setup --email ada@example.com --name \"Ada Lovelace\" --workspace Acme --password-file ./password")]
    Setup(SetupArguments),
    /// See who can sign in, make accounts, and let people back in
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Add, search and measure documents
    ///
    /// The documents of a workspace are what its answers are drawn from.
    Knowledge {
        #[command(subcommand)]
        command: KnowledgeCommand,
    },
    /// Look at how models are chosen, what they cost, and whether they answer
    ///
    /// The models are those of the settings: [[ai.provider]], [[embedding.models]] and [[rerank.models]] in appliance.toml.
    Ai {
        #[command(subcommand)]
        command: AiCommand,
    },
    /// Add, show and remove the language models that run inside the appliance
    ///
    /// A model is a GGUF file in the folder "models" of the data directory. A running appliance takes up what has changed
    /// when it is started anew.
    Model {
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Make, limit, suspend, carry and erase workspaces
    Tenant {
        #[command(subcommand)]
        command: TenantCommand,
    },
    /// Try out the mail server
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Show what left the appliance or was refused: time, host, purpose, workspace, bytes, outcome
    ///
    /// Nothing is contacted that outbound.allow in the settings does not name; this is the list of every attempt.
    #[command(after_long_help = "Examples:
  frontdesk egress
  frontdesk egress --limit 1000 --json")]
    Egress(EgressArguments),
    /// Show, export and verify the audit trail: who did what, and that nobody has changed it since
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Make a backup of everything as one file, while the appliance runs or not
    ///
    /// It is restored aside and proven good before the command ends. Without FILE it goes into the folder of the backups, by the
    /// settings of the section [backup].
    #[command(after_long_help = "Examples:
  frontdesk backup
  frontdesk backup frontdesk.backup --passphrase-file ./passphrase
  frontdesk backup list
  frontdesk backup verify frontdesk.backup")]
    Backup(BackupArguments),
    /// Put the data directory back as a backup holds it
    ///
    /// The appliance must be stopped. Where there is data, --force moves it aside; nothing is deleted.
    #[command(after_long_help = "Examples:
  frontdesk restore frontdesk.backup
  frontdesk restore frontdesk.backup --force --identity backup-key.txt
  frontdesk restore frontdesk.backup --data-dir /var/lib/frontdesk --passphrase-file ./passphrase")]
    Restore(RestoreArguments),
    /// Go back to before the last upgrade, which copied every database first
    ///
    /// The appliance must be stopped. What came after the upgrade is moved aside, not deleted. Names the release to install
    /// before the next start.
    #[command(after_long_help = "Examples:
  frontdesk rollback
  frontdesk rollback --data-dir /var/lib/frontdesk --json")]
    Rollback(Shown),
    /// Give the appliance a new key, and seal anew what is kept sealed
    ///
    /// For when the file appliance.key, or a backup that holds it, may be in strange hands. Keys of model providers and second
    /// factors open only with the new key then; chats that are open begin anew. The key before stays behind the new one in the
    /// file, for what lives for a day.
    #[command(after_long_help = "Examples:
  frontdesk rotate-key
  frontdesk rotate-key --json")]
    RotateKey(Shown),
    /// Look at the settings
    ///
    /// A flag wins over the environment, the environment over the settings file, the file over the default.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Examine the appliance, running or stopped, and name each fault with its fix
    ///
    /// Changes nothing. Ends with 1 when a check has failed; a warning does not count.
    #[command(after_long_help = "Examples:
  frontdesk doctor
  frontdesk doctor --json --data-dir /var/lib/frontdesk")]
    Doctor(Shown),
    /// Write a file for who helps from afar: findings, settings, counts, the log; no secrets, nobody's words
    ///
    /// A ZIP file of plain text and JSON. Look through it before you send it.
    #[command(after_long_help = "Examples:
  frontdesk support-bundle bundle.zip
  frontdesk support-bundle bundle.zip --data-dir /var/lib/frontdesk")]
    SupportBundle(BundleArguments),
    /// Ask the running appliance whether it is ready; for service managers
    ///
    /// Asks over HTTPS on this machine, for 5 seconds at most. Ends with 1 when it does not answer or is not ready.
    #[command(after_long_help = "Examples:
  frontdesk healthcheck
  frontdesk healthcheck --json --data-dir /var/lib/frontdesk")]
    Healthcheck(Shown),
    /// Print the API's description (OpenAPI 3.1)
    ///
    /// In JSON, for programs that make clients of it; people read it at /api/docs of the running appliance.
    #[command(after_long_help = "Example:
  frontdesk openapi")]
    Openapi,
    /// Print the script that completes commands and flags in a shell
    ///
    /// The Debian package installs those for bash, zsh and fish.
    #[command(after_long_help = "Examples:
  frontdesk completions bash
  frontdesk completions fish

To install, send the output to a file that the shell reads:
  bash  ~/.local/share/bash-completion/completions/frontdesk
  zsh   a file called _frontdesk in a folder of $fpath
  fish  ~/.config/fish/completions/frontdesk.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages of all commands into a folder; for packages
    ///
    /// One file for each command: frontdesk.1, frontdesk-serve.1 and so on.
    #[command(after_long_help = "Example:
  frontdesk man ./man1")]
    Man(ManArguments),
    /// Take one document apart in a process of its own
    #[command(hide = true)]
    ExtractWorker,
    /// Load a language model and let it write one token, in a process of its own
    #[command(hide = true)]
    TryModel {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show each setting with where its value comes from, and what is wrong
    ///
    /// Starts and changes nothing. Ends with 1 when the appliance would refuse to start with these settings.
    #[command(after_long_help = "Examples:
  frontdesk config check
  frontdesk config check --config /etc/frontdesk/appliance.toml --json")]
    Check(Shown),
}

/// Carries out the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are asked for and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match carry_out(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Who closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(line: &CommandLine) -> Result<(), Failure> {
    match &line.command {
        Command::Config { command: ConfigCommand::Check(shown) } => config_check::run(&line.settings, *shown),
        Command::Serve(wish) => serve::run(&line.settings, wish),
        Command::Doctor(shown) => doctor::run(&line.settings, *shown),
        Command::SupportBundle(wish) => support_bundle::run(&line.settings, wish),
        Command::Demo(arguments) => demo::run(&line.settings, arguments),
        Command::Setup(arguments) => setup::run(&line.settings, arguments),
        Command::Account { command } => account::run(&line.settings, command),
        Command::Knowledge { command } => knowledge::run(&line.settings, command),
        Command::Ai { command } => ai::run(&line.settings, command),
        Command::Audit { command } => audit::run(&line.settings, command),
        Command::Tenant { command } => tenant::run(&line.settings, command),
        Command::Mail { command } => mail::run(&line.settings, command),
        Command::Egress(wish) => egress::run(&line.settings, wish),
        Command::Backup(wish) => backup::run(&line.settings, wish),
        Command::Restore(wish) => restore::run(&line.settings, wish),
        Command::RotateKey(shown) => rotate_key::run(&line.settings, *shown),
        Command::Rollback(shown) => restore::run_rollback(&line.settings, *shown),
        Command::Healthcheck(shown) => healthcheck::run(&line.settings, *shown),
        Command::Openapi => openapi::run(),
        Command::Completions { shell } => completions::run(*shell),
        Command::Man(wish) => man::run(wish),
        Command::ExtractWorker => extract_worker::run(),
        Command::Model { command } => model::run(&line.settings, command),
        Command::TryModel { file } => model::try_out(file),
    }
}
