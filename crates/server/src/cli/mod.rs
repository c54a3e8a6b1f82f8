//! The command line: one file for each command, which says what it prints and when it fails.
//!
//! Exit codes: 0 all is well; 1 a check failed or the work could not be done; 2 the command line
//! or the configuration is wrong.

mod args;
mod config;
mod failure;
mod print;

use crate::config::{Environment, Loaded, load};
use args::{Cli, Command, ConfigCommand};
use clap::Parser as _;
use failure::{Failure, Outcome};
use std::{ffi::OsString, io::Write, process::ExitCode};

/// Runs the command that `args` name, the program's own name first.
pub(crate) fn run(args: impl Iterator<Item = OsString>, environment: Environment) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and versions come this way too, and go to stdout. A closed pipe is no error.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match execute(cli, environment, &mut anstream::stdout().lock()) {
        Ok(outcome) => outcome.exit_code(),
        Err(failure) => {
            // When stderr is closed there is nobody left to tell.
            drop(print::failure(&mut anstream::stderr().lock(), &failure));
            failure.exit_code()
        }
    }
}

fn execute(cli: Cli, environment: Environment, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let loaded = load(cli.settings.flags(), environment)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(loaded),
        Command::Config(ConfigCommand::Show) => config::show(&loaded, out),
        Command::Config(ConfigCommand::Check) => config::check(&loaded, out),
    }
}

fn serve(loaded: Loaded) -> Result<Outcome, Failure> {
    crate::logging::start(&loaded.config.log);
    Ok(Outcome::Fine)
}
