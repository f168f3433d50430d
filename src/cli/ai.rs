//! `frontdesk ai`: look at how models are chosen and paid for.

use clap::Subcommand;

use super::ai_route::{self, RouteArguments};
use super::{Failure, SettingsArguments};

#[derive(Debug, Subcommand)]
pub(super) enum AiCommand {
    /// Show which model a question goes to and why, without asking any; or route a file of questions and show what that costs
    Route(RouteArguments),
}

pub(super) fn run(arguments: &SettingsArguments, command: &AiCommand) -> Result<(), Failure> {
    match command {
        AiCommand::Route(wish) => ai_route::run(arguments, wish),
    }
}
