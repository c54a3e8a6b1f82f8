//! The command line.

use crate::report;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Checks what handfast promises.
#[derive(Debug, Parser)]
#[command(name = "handfast-sim")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Visits every state of the session rule within bounds, and shows that seeded mistakes are found
    Model {
        /// More messages and tabs: more than a hundred million states
        #[arg(long)]
        deep: bool,
        /// Show the shortest history of every seeded mistake and every known limit
        #[arg(long)]
        histories: bool,
    },
}

/// Does what the arguments say. A broken promise is a failure.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    let holds = match arguments.command {
        Command::Model { deep, histories } => report::model(deep, histories),
    };
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
