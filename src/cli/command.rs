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
use super::doctor::DoctorArguments;
use super::egress::EgressArguments;
use super::knowledge::KnowledgeCommand;
use super::mail::MailCommand;
use super::model::ModelCommand;
use super::restore::{RestoreArguments, RollbackArguments};
use super::serve::ServeArguments;
use super::setup::SetupArguments;
use super::support_bundle::BundleArguments;
use super::tenant::TenantCommand;
use super::{
    Failure, SettingsArguments, account, ai, audit, backup, config_check, demo, doctor, egress,
    extract_worker, healthcheck, knowledge, mail, model, openapi, restore, serve, setup, support_bundle,
    tenant,
};

/// An AI support desk in one binary.
#[derive(Debug, Parser)]
#[command(name = "frontdesk", version, about, arg_required_else_help = true)]
struct CommandLine {
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the appliance
    Serve(ServeArguments),
    /// Try it: a workspace with example documents, a question answered here, and the chat in the browser
    Demo(DemoArguments),
    /// Print a new one-time link for setting the appliance up, or set it up here
    Setup(SetupArguments),
    /// See who can sign in, make accounts, and let people back in
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Add, search and measure documents
    Knowledge {
        #[command(subcommand)]
        command: KnowledgeCommand,
    },
    /// Look at how models are chosen, what they cost, and whether they answer
    Ai {
        #[command(subcommand)]
        command: AiCommand,
    },
    /// Add, show and remove the language models that run inside the appliance
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
    Egress(EgressArguments),
    /// Show, export and verify the audit trail: who did what, and that nobody has changed it since
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Make a backup of everything as one file, while the appliance runs or not
    Backup(BackupArguments),
    /// Put the data directory back as a backup holds it
    Restore(RestoreArguments),
    /// Go back to before the last upgrade, which copied every database first
    Rollback(RollbackArguments),
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Examine the appliance, running or stopped, and name each fault with its fix
    Doctor(DoctorArguments),
    /// Write a file for who helps from afar: findings, settings, counts, the log; no secrets, nobody's words
    SupportBundle(BundleArguments),
    /// Ask the running appliance whether it is ready; for service managers
    Healthcheck,
    /// Print the API's description (OpenAPI 3.1)
    Openapi,
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
    Check,
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
        Command::Config { command: ConfigCommand::Check } => config_check::run(&line.settings),
        Command::Serve(wish) => serve::run(&line.settings, wish),
        Command::Doctor(wish) => doctor::run(&line.settings, wish),
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
        Command::Rollback(wish) => restore::run_rollback(&line.settings, wish),
        Command::Healthcheck => healthcheck::run(&line.settings),
        Command::Openapi => openapi::run(),
        Command::ExtractWorker => extract_worker::run(),
        Command::Model { command } => model::run(&line.settings, command),
        Command::TryModel { file } => model::try_out(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
    }
}
