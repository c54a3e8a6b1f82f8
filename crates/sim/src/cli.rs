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
    /// Lets clients, nodes and a ledger live through faults of every kind, under a simulated clock
    Simulate {
        /// Until clients have lived through so many years, all together
        #[arg(long, default_value_t = 1, conflicts_with = "seed")]
        years: u32,
        /// The seed to begin with
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Only the runs of this seed: the one of the tests, and the long one
        #[arg(long, conflicts_with = "from")]
        seed: Option<u64>,
    },
}

/// Does what the arguments say. A broken promise is a failure.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    let holds = match arguments.command {
        Command::Model { deep, histories } => report::model(deep, histories),
        Command::Simulate {
            seed: Some(seed), ..
        } => report::simulate_one(seed),
        Command::Simulate { years, from, .. } => report::simulate(years, from),
    };
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
