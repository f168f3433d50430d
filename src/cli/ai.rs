//! `frontdesk ai`: look at how models are chosen and paid for, and whether they answer.

use clap::Subcommand;

use super::ai_check::{self, CheckArguments};
use super::ai_key::{self, KeyCommand};
use super::ai_replay::{self, ReplayArguments};
use super::ai_route::{self, RouteArguments};
use super::{Failure, SettingsArguments};

#[derive(Debug, Subcommand)]
pub(super) enum AiCommand {
    /// Try out each configured model with the cheapest question, and show how long it took or what is wrong
    ///
    /// Needs no data directory and no running appliance: the command asks by itself, by the settings; keys that the appliance keeps are not tried. So its requests are not in
    /// the egress ledger of the appliance. A model that has no cheaper way to prove it answers one token, which its vendor may
    /// charge. Ends with 1 when a model cannot be used.
    #[command(after_long_help = "Examples:
  frontdesk ai check
  frontdesk ai check openai --json")]
    Check(CheckArguments),
    /// Keep the keys of providers in the appliance, sealed, instead of in the settings
    ///
    /// A workspace's own key wins over the appliance's, which wins over the settings'. No key is ever shown again.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Show why an answer is as it is: the passages with their scores, the model, the cost, the timings, and the prompt made again
    ///
    /// Asks no model and costs nothing, unless --ask is given: then a model is asked again and both answers are shown. What that costs is
    /// booked as a replay and kept to by the workspace's budget; the visitor sees nothing of it.
    #[command(after_long_help = "Examples:
  frontdesk ai replay msg_01h2xcejqtf2nbrexx3vqjhp41
  frontdesk ai replay msg_01h2xcejqtf2nbrexx3vqjhp41 --ask --provider openai")]
    Replay(ReplayArguments),
    /// Show which model a question goes to and why, without asking any; or route a file of questions and show what that costs
    #[command(after_long_help = "Examples:
  frontdesk ai route \"How do I reset my password?\" --explain
  frontdesk ai route --file questions.jsonl --strategy local")]
    Route(RouteArguments),
}

pub(super) fn run(arguments: &SettingsArguments, command: &AiCommand) -> Result<(), Failure> {
    match command {
        AiCommand::Check(wish) => ai_check::run(arguments, wish),
        AiCommand::Key { command } => ai_key::run(arguments, command),
        AiCommand::Replay(wish) => ai_replay::run(arguments, wish),
        AiCommand::Route(wish) => ai_route::run(arguments, wish),
    }
}
